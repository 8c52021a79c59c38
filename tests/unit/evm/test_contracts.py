"""This project's contracts as Python knows them."""

import json
from pathlib import Path

import pytest

from paygent.core.action import Call
from paygent.core.caip import ChainId
from paygent.evm.contracts import DEPLOYED_DIRECTLY, ContractName, contract
from paygent.evm.create2 import CREATE2_DEPLOYER, create2_address, create2_call, is_create2
from paygent.runtime.deployments import DEPLOYMENTS, expected

ALL: tuple[ContractName, ...] = (*DEPLOYED_DIRECTLY, "AgentWallet")


@pytest.mark.parametrize("name", DEPLOYED_DIRECTLY)
def test_address_follows_from_the_creation_code(name: ContractName) -> None:
    assert contract(name).address == create2_address(contract(name).creation)


@pytest.mark.parametrize("name", ALL)
@pytest.mark.parametrize("number", sorted(DEPLOYMENTS))
def test_recorded_deployments_are_those_of_this_versions_sources(name: ContractName, number: str) -> None:
    known = contract(name)

    assert (known.address, known.code_hash) == expected(ChainId.evm(int(number)), name)


def test_chain_without_a_record_is_expected_to_have_what_the_sources_give() -> None:
    known = contract("AgentWallet")

    assert (known.address, known.code_hash) == expected(ChainId.evm(10), "AgentWallet")


@pytest.mark.parametrize("name", ALL)
def test_no_contract_has_two_functions_of_one_name(name: ContractName) -> None:
    file = Path("src/paygent/evm/artifacts") / f"{name}.json"
    functions = [each for each in json.loads(file.read_text())["abi"] if each["type"] == "function"]

    assert len(functions) == len(contract(name).functions)


def test_structs_are_tuples_in_signatures() -> None:
    reserve = contract("AgentWallet")["reserve"]

    assert "reserve((address,address,uint256,uint256,uint256,bytes32)[])" == reserve.signature


def test_values_of_another_type_are_refused() -> None:
    with pytest.raises(ValueError, match="not values of"):
        contract("AgentWallet")["setOperator"].call("0x12", True)


def test_only_a_call_of_the_deployer_deploys() -> None:
    call = create2_call(b"\x5f")
    other = Call(to=f"0x{'11' * 20}", data=call.data, function=call.function)

    assert (True, False, CREATE2_DEPLOYER) == (is_create2(call), is_create2(other), call.to)
