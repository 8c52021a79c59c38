"""EIP-712 digests equal those of two other implementations: eth_account here, viem in the vectors."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from eth_account.messages import encode_typed_data
from eth_utils.crypto import keccak
from hypothesis import given
from hypothesis import strategies as st

from paygent.adapters.local_signer import LocalSigner
from paygent.core.typed_data import Domain, Fields, TypedData
from paygent.evm.eip712 import digest, domain_separator, encode_type

VECTORS: list[dict[str, Any]] = json.loads(
    (Path(__file__).parents[2] / "vectors" / "eip712_viem.json").read_text(encoding="utf-8")
)["vectors"]

ADDRESS = st.binary(min_size=20, max_size=20).map(lambda raw: f"0x{raw.hex()}")
STRUCTS = ("Order", "Alpha", "Zulu_2", "Mail")


def _hex(size: int | None = None) -> st.SearchStrategy[str]:
    sizes = {"max_size": 70} if size is None else {"min_size": size, "max_size": size}
    return st.binary(**sizes).map(lambda raw: f"0x{raw.hex()}")


def _values(type_: str, types: Mapping[str, Fields]) -> st.SearchStrategy[Any]:
    """Return values of a type, in the form that TypedData wants."""
    if type_.endswith("]"):
        item, _, length = type_[:-1].rpartition("[")
        sizes: dict[str, Any] = {"max_size": 3} if length == "" else {"min_size": int(length), "max_size": int(length)}
        return st.lists(_values(item, types), **sizes)
    if type_ in types:
        return st.fixed_dictionaries({name: _values(inner, types) for name, inner in types[type_]})
    if type_.startswith("uint"):
        return st.integers(0, 2 ** int(type_[4:]) - 1)
    if type_.startswith("int"):
        return st.integers(-(2 ** (int(type_[3:]) - 1)), 2 ** (int(type_[3:]) - 1) - 1)
    plain = {"bool": st.booleans(), "string": st.text(max_size=40), "address": ADDRESS, "bytes": _hex()}
    return plain[type_] if type_ in plain else _hex(int(type_[5:]))


ATOMIC = st.one_of(
    st.sampled_from(["bool", "string", "address", "bytes", "uint256", "bytes32"]),
    st.integers(1, 32).map(lambda size: f"uint{size * 8}"),
    st.integers(1, 32).map(lambda size: f"int{size * 8}"),
    st.integers(1, 32).map(lambda size: f"bytes{size}"),
)
DIMENSIONS = st.lists(st.sampled_from(["[]", "[1]", "[2]"]), max_size=2).map("".join)
DOMAINS = st.builds(
    Domain,
    name=st.text(max_size=30),
    version=st.none() | st.text(max_size=5),
    chain_id=st.integers(0, 2**256 - 1),
    verifying_contract=ADDRESS,
)


@st.composite
def typed_data(draw: st.DrawFn) -> TypedData:
    """Draw any message: a struct may contain every struct behind it in the list, at any depth and in arrays."""
    types: dict[str, Fields] = {}
    for index, name in enumerate(STRUCTS):
        inner = st.one_of(ATOMIC, st.sampled_from(STRUCTS[index + 1 :])) if STRUCTS[index + 1 :] else ATOMIC
        members = st.builds("".join, st.tuples(inner, DIMENSIONS))
        drawn = draw(st.lists(members, min_size=1, max_size=4))
        types[name] = tuple((f"member{place}", type_) for place, type_ in enumerate(drawn))
    used = _contained("Order", types)
    return TypedData(domain=draw(DOMAINS), primary_type="Order", types=used, message=draw(_values("Order", used)))


def _contained(name: str, types: Mapping[str, Fields]) -> dict[str, Fields]:
    """Keep the structs that `name` contains: eth_account refuses others."""
    inner = {type_.partition("[")[0] for _, type_ in types[name]} & types.keys()
    found = {name: types[name]}
    for struct in inner:
        found |= _contained(struct, types)
    return found


def reference_digest(data: TypedData) -> bytes:
    """Return what eth_account would sign."""
    domain = {"name": data.domain.name, "chainId": data.domain.chain_id}
    fields = [("name", "string"), ("chainId", "uint256"), ("verifyingContract", "address")]
    if data.domain.version is not None:
        domain["version"] = data.domain.version
        fields.insert(1, ("version", "string"))
    domain["verifyingContract"] = data.domain.verifying_contract
    types = {"EIP712Domain": fields, **data.types}
    signable = encode_typed_data(
        full_message={
            "types": {
                name: [{"name": member, "type": type_} for member, type_ in members] for name, members in types.items()
            },
            "primaryType": data.primary_type,
            "domain": domain,
            "message": dict(data.message),
        }
    )
    return keccak(b"\x19" + signable.version + signable.header + signable.body)


@given(typed_data())
def test_digest_equals_eth_account_for_any_message(data: TypedData) -> None:
    assert reference_digest(data) == digest(data)


def _of(vector: Mapping[str, Any]) -> TypedData:
    domain = vector["domain"]
    return TypedData(
        domain=Domain(
            name=domain["name"],
            version=domain.get("version"),
            chain_id=domain["chainId"],
            verifying_contract=domain["verifyingContract"],
        ),
        primary_type=vector["primaryType"],
        types={
            name: tuple((member["name"], member["type"]) for member in members)
            for name, members in vector["types"].items()
        },
        message=_numbers(vector["message"], vector["primaryType"], vector["types"]),
    )


def _numbers(message: Mapping[str, Any], name: str, types: Mapping[str, Any]) -> dict[str, Any]:
    """Turn the decimal strings of the vectors' JSON into integers."""
    kinds = {member["name"]: member["type"] for member in types[name]}
    return {
        member: _numbers(value, kinds[member], types)
        if kinds[member] in types
        else (int(value) if kinds[member].startswith("uint") else value)
        for member, value in message.items()
    }


@pytest.mark.parametrize("vector", VECTORS, ids=lambda vector: str(vector["id"]))
def test_digest_equals_viem(vector: Mapping[str, Any]) -> None:
    assert vector["digest"] == "0x" + digest(_of(vector)).hex()


@pytest.mark.anyio
@pytest.mark.parametrize("vector", VECTORS, ids=lambda vector: str(vector["id"]))
async def test_local_signer_signs_as_viem(vector: Mapping[str, Any]) -> None:
    signer = LocalSigner(vector["privateKey"])

    assert vector["signature"] == "0x" + (await signer.sign_typed_data(_of(vector))).hex()
    assert vector["signer"] == signer.address


DOMAIN = Domain(
    name="USDC", version="2", chain_id=84532, verifying_contract="0x036CbD53842c5426634e7929541eC2318f3dCF7e"
)


def _message(types: Mapping[str, Fields], message: Mapping[str, object], primary: str = "A") -> TypedData:
    return TypedData(domain=DOMAIN, primary_type=primary, types=types, message=message)


def test_digest_follows_a_struct_that_contains_itself_in_an_array() -> None:
    types = {"Node": (("name", "string"), ("children", "Node[]"))}
    data = _message(types, {"name": "root", "children": [{"name": "leaf", "children": []}]}, "Node")

    assert reference_digest(data) == digest(data)


def test_encode_type_sorts_the_structs_behind_the_primary_one() -> None:
    types: dict[str, Fields] = {
        "Mail": (("to", "Zed[2][]"), ("from", "Ape")),
        "Zed": (("ape", "Ape"),),
        "Ape": (("name", "string"),),
    }

    assert encode_type("Mail", types) == "Mail(Zed[2][] to,Ape from)Ape(string name)Zed(Ape ape)"


def test_domain_separator_leaves_the_version_out_when_there_is_none() -> None:
    permit2 = Domain(
        name="Permit2", version=None, chain_id=1, verifying_contract="0x000000000022D473030F116dDEE9F6B43aC78BA3"
    )

    assert domain_separator(permit2).hex() == "866a5aba21966af95d6c7ab78eb2b2fc913915c28be3b9aa07cc04ff903e3f28"


def test_domain_separator_is_of_the_real_usdc_on_base_sepolia() -> None:
    assert domain_separator(DOMAIN).hex() == "71f17a3b2ff373b803d70a5a07c046c1a2bc8e89c09ef722fcb047abe94c9818"


def test_domain_separator_is_of_the_real_usdc_on_ethereum() -> None:
    usdc = Domain(
        name="USD Coin", version="2", chain_id=1, verifying_contract="0xA0b86991c6218b36c1d19D4a2e9Eb0cE3606eB48"
    )

    assert domain_separator(usdc).hex() == "06c37168a7db5138defc7866392bb87a741f9b3d104deb5094588ce041cae335"


@pytest.mark.parametrize(
    ("type_", "value"),
    [
        ("address", "0x12"),
        ("address", 12),
        ("uint256", -1),
        ("uint256", 2**256),
        ("uint256", "1"),
        ("uint8", 256),
        ("uint8", True),
        ("int8", 128),
        ("int8", -129),
        ("bool", 1),
        ("bool", "true"),
        ("string", b"x"),
        ("string", None),
        ("bytes", "12"),
        ("bytes", b"\x12"),
        ("bytes4", "0x112233"),
        ("bytes4", "0x1122334455"),
        ("bytes32", "0x11"),
        ("uint8[]", "12"),
        ("uint8[]", {"0": 1}),
        ("uint8[]", None),
        ("uint8[2]", [1]),
        ("uint8[2]", [1, 2, 3]),
        ("uint8[]", [256]),
        ("B", None),
        ("B", ["1"]),
        ("B", {}),
        ("B", {"y": "1"}),
        ("B", {"x": "1", "y": "1"}),
    ],
)
def test_digest_refuses_when_a_value_is_not_of_its_type(type_: str, value: object) -> None:
    with pytest.raises(ValueError, match=r"is not|needs the member"):
        digest(_message({"A": (("value", type_),), "B": (("x", "string"),)}, {"value": value}))


@pytest.mark.parametrize(
    ("types", "primary"),
    [
        ({}, "A"),
        ({"A": (("x", "B"),)}, "A"),
        ({"A": (("x", "uint7"),)}, "A"),
        ({"A": (("x", "uint264"),)}, "A"),
        ({"A": (("x", "uint"),)}, "A"),
        ({"A": (("x", "bytes33"),)}, "A"),
        ({"A": (("x", "bytes0"),)}, "A"),
        ({"A": (("x", "uint8[0]"),)}, "A"),
        ({"A": (("x", "uint8[-1]"),)}, "A"),
        ({"A": (("x", "uint8"), ("x", "uint8"))}, "A"),
        ({"A": (("x,uint8 y", "uint8"),)}, "A"),
        ({"A": (("", "uint8"),)}, "A"),
        ({"A(uint8 x)B": (("x", "uint8"),)}, "A(uint8 x)B"),
        ({"uint8": (("x", "uint8"),)}, "uint8"),
    ],
)
def test_digest_refuses_when_the_types_are_no_eip712_types(types: Mapping[str, Fields], primary: str) -> None:
    with pytest.raises(ValueError, match=r"is not defined|need names|same name"):
        digest(_message(types, {"x": 1}, primary))


def test_domain_separator_refuses_when_the_contract_is_no_address() -> None:
    with pytest.raises(ValueError, match="is not an EVM address"):
        domain_separator(Domain(name="x", version="1", chain_id=1, verifying_contract="0x1"))
