"""The committed artifacts are of the committed sources, and calls are encoded as Solidity wants them."""

import hashlib
import json
from importlib.resources import files
from pathlib import Path

import pytest

from paygent.devnet.contracts import artifact, calldata, topic

ROOT = Path(__file__).parents[3]


@pytest.mark.parametrize("name", ["DevUSD", "DevMulticall"])
def test_artifact_is_of_the_committed_source(name: str) -> None:
    stored = json.loads(files("paygent.devnet").joinpath("artifacts", f"{name}.json").read_text())
    source = (ROOT / stored["source"]).read_bytes()

    assert hashlib.sha256(source).hexdigest() == stored["sourceSha256"]


def test_artifact_has_code_to_deploy_and_code_to_run() -> None:
    token = artifact("DevUSD")

    assert len(token.bytecode) > len(token.deployed_bytecode) > 1_000
    assert "transferWithAuthorization" in {entry["name"] for entry in token.abi if "name" in entry}


def test_calldata_is_selector_and_words() -> None:
    recipient = "0x" + "11" * 20
    words = "11" * 20 + "7".rjust(64, "0")

    assert "0xa9059cbb" + "00" * 12 + words == calldata("transfer(address,uint256)", recipient, 7)
    assert "0x18160ddd" == calldata("totalSupply()")


def test_topic_is_the_hash_of_the_event() -> None:
    assert topic("Transfer(address,address,uint256)").startswith("0xddf252ad")
