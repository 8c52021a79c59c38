"""What sellers write, as models: strict, frozen, and without a meaning of their own.

A model only reads. What is echoed is the parsed object itself, with every key nobody here knows.
"""

from functools import lru_cache
from typing import Annotated

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, PlainValidator, ValidationError
from pydantic.alias_generators import to_camel
from pydantic_core import PydanticCustomError

from paygent.core.caip import ChainId, chain_id
from paygent.core.money import parse_atomic
from paygent.evm.networks import chain_of
from paygent.x402.strict_json import excerpt

_OURS = frozenset({"bad_amount", "unknown_network", "wrong_network_name", "zero_amount"})


def _optional_atomic(value: object) -> int | None:
    if value is None:
        return None
    try:
        return parse_atomic(value)
    except ValueError as exc:
        raise PydanticCustomError("bad_amount", "{why}", {"why": str(exc)}) from exc


def _price(value: object) -> int:
    number = _optional_atomic(value)
    if number is None:
        raise PydanticCustomError("bad_amount", "it has no amount")
    if number == 0:
        raise PydanticCustomError("zero_amount", "the price is zero; nothing is signed for nothing")
    return number


def _caip2(value: object) -> ChainId:
    """Read the network of version 2."""
    if not isinstance(value, str):
        raise PydanticCustomError("malformed", "a network is text")
    if ":" not in value:
        known = _named(value)
        raise PydanticCustomError(
            "wrong_network_name",
            "{found} is version 1's name of a network; version 2 calls it {name}",
            {"found": excerpt(value), "name": str(known)},
        )
    return _evm(value)


def _name(value: object) -> ChainId:
    """Read the network of version 1 and Cronos: a name, or CAIP-2 as some sellers write there too."""
    if not isinstance(value, str):
        raise PydanticCustomError("malformed", "a network is text")
    return _evm(value) if ":" in value else _named(value)


def _named(name: str) -> ChainId:
    try:
        return chain_of(name)
    except ValueError as exc:
        raise _unknown(name) from exc


def _evm(text: str) -> ChainId:
    try:
        return _evm_chain(text)
    except ValueError as exc:
        raise _unknown(text) from exc


@lru_cache(maxsize=128)
def _evm_chain(text: str) -> ChainId:
    chain = chain_id(text)
    _ = chain.evm_number  # refuses every other namespace
    return chain


def _unknown(name: str) -> PydanticCustomError:
    return PydanticCustomError("unknown_network", "{found} is no network that can be paid on", {"found": excerpt(name)})


Text = Annotated[str, Field(max_length=128)]
Seconds = Annotated[int, Field(ge=1, le=2**53 - 1)]
Price = Annotated[int, PlainValidator(_price)]


class _Wire(BaseModel):
    model_config = ConfigDict(strict=True, frozen=True, extra="ignore", alias_generator=to_camel)


class Extra(_Wire):
    """`extra` of an offer: what one scheme or another wants to know."""

    name: Text | None = None
    version: Text | None = None
    asset_transfer_method: Text | None = None
    payment_flow: Text | None = None
    facilitator_address: Text | None = None


class _Entry(_Wire):
    scheme: Text
    asset: Text
    pay_to: Text
    max_timeout_seconds: Seconds
    extra: Extra | None = None


class Entry1(_Entry):
    """One offer of version 1 and Cronos."""

    network: Annotated[ChainId, PlainValidator(_name)]
    amount: Price = Field(alias="maxAmountRequired")
    resource: str | None = None


class Entry2(_Entry):
    """One offer of version 2."""

    network: Annotated[ChainId, PlainValidator(_caip2)]
    amount: Price


class Resource(_Wire):
    """The resource of version 2."""

    url: str | None = None


class Required1(_Wire):
    """A 402 answer of version 1."""

    accepts: list[object]


class Required2(_Wire):
    """A 402 answer of version 2."""

    accepts: list[object]
    resource: Resource | None = None
    extensions: dict[str, object] | None = None


class CronosRequired(_Wire):
    """A 402 answer of a Cronos seller."""

    payment_requirements: dict[str, object]


class Settled(_Wire):
    """What came of a payment, as sellers and coinbase-style facilitators say it."""

    success: bool
    transaction: str | None = None
    network: str | None = None
    payer: str | None = None
    amount: Annotated[int | None, BeforeValidator(_optional_atomic)] = None
    error_reason: str | None = None
    error_message: str | None = None


class CronosSettled(_Wire):
    """What came of a payment, as the Cronos facilitator says it."""

    event: str
    tx_hash: str | None = None
    network: str | None = None
    payer: str | None = Field(default=None, alias="from")
    value: Annotated[int | None, BeforeValidator(_optional_atomic)] = None
    error: str | None = None


def complaint(error: ValidationError) -> tuple[str, str]:
    """Return a refusal's code and text for the first thing wrong."""
    first = error.errors(include_url=False, include_context=False)[0]
    place = ".".join(map(str, first["loc"]))
    code = first["type"] if first["type"] in _OURS else "bad_timeout" if place == "maxTimeoutSeconds" else "malformed"
    found = "" if code in _OURS or first["type"] == "missing" else f", not {excerpt(first['input'])}"
    return code, f"{place}: {first['msg']}{found}"
