"""The signing firewall lets payments within its rules through, and nothing else."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from paygent.core.errors import SigningFailed
from paygent.core.money import Amount
from paygent.core.requirements import Authorization
from paygent.core.typed_data import Domain, TypedData
from paygent.evm import audit_export, eip2612, eip3009, permit2
from paygent.evm.eip712 import digest
from paygent.evm.tokens import TOKENS, domain
from paygent.policy.firewall import SigningRules, check, check_audit, check_cancellation

TOKEN, OTHER = list(TOKENS.values())[:2]
PAYER = "0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266"
PAYEE = "0x70997970C51812dc3A010C7d01b50e0d17dc79C8"
FACILITATOR = "0x90F79bf6EB2c4f870365E785982E1f101E93b906"
NOBODY = "0x" + "00" * 20
NOW = 1_800_000_000
CAP = 1_000_000
RULES = SigningRules(payer=PAYER, payee=PAYEE, tokens={domain(TOKEN): CAP}, now=NOW, max_validity_seconds=600)
LATEST = NOW + 600 + 60

AUTHORIZATION = Authorization(
    scheme="exact",
    method="eip3009",
    payer=PAYER,
    payee=PAYEE,
    amount=Amount(1000, TOKEN.asset),
    nonce="0x" + "ab" * 32,
    valid_after=NOW - 600,
    valid_before=NOW + 300,
)
TRANSFER = eip3009.typed_data(AUTHORIZATION, domain(TOKEN))
EXACT = permit2.typed_data(replace(AUTHORIZATION, method="permit2", spender=permit2.EXACT_PROXY), 25)
UPTO = permit2.typed_data(
    replace(AUTHORIZATION, scheme="upto", method="permit2", spender=permit2.UPTO_PROXY, facilitator=FACILITATOR),
    25,
)
PERMIT = eip2612.typed_data(
    owner=PAYER, spender=permit2.PERMIT2, value=1000, nonce=0, deadline=NOW + 300, domain=domain(TOKEN)
)
ALL = [TRANSFER, EXACT, UPTO, PERMIT]
NAMES = ["transfer", "exact", "upto", "permit"]


def _with(data: TypedData, path: str, value: object) -> TypedData:
    """Return the same message with another value at a place such as `witness.to`."""
    outer, dot, inner = path.partition(".")
    if dot:
        value = {**cast("Mapping[str, object]", data.message[outer]), inner: value}
    return replace(data, message={**data.message, outer: value})


def _paths(data: TypedData) -> list[str]:
    return [
        f"{name}.{inner}" if isinstance(value, Mapping) else name
        for name, value in data.message.items()
        for inner in (value if isinstance(value, Mapping) else [""])
    ]


@pytest.mark.parametrize("data", ALL, ids=NAMES)
def test_check_lets_a_payment_within_the_rules_through(data: TypedData) -> None:
    assert _passes(data)
    assert len(digest(data)) == 32


@pytest.mark.parametrize("data", ALL, ids=NAMES)
def test_check_lets_the_very_limits_through(data: TypedData) -> None:
    value = {"transfer": "value", "permit": "value"}.get(NAMES[ALL.index(data)], "permitted.amount")
    end = "validBefore" if data is TRANSFER else "deadline"

    for atomic in (0, CAP):
        for last in (NOW + 1, LATEST):
            assert _passes(_with(_with(data, value, atomic), end, last))


@pytest.mark.parametrize("data", ALL, ids=NAMES)
def test_check_compares_addresses_without_case(data: TypedData) -> None:
    changed = data
    for path in ("from", "owner", "spender", "permitted.token"):
        if path in _paths(data):
            outer, _, inner = path.partition(".")
            value = data.message[outer]
            text = cast("Mapping[str, str]", value)[inner] if inner else cast("str", value)
            changed = _with(changed, path, text.lower())

    assert changed != data
    assert _passes(changed)


def _passes(data: TypedData) -> bool:
    try:
        check(data, RULES)
    except SigningFailed:
        return False
    return True


WRONG = [
    (TRANSFER, "from", PAYEE, "from is .* not the payer"),
    (TRANSFER, "from", 5, "from is 5, not the payer"),
    (TRANSFER, "to", NOBODY, "nobody's address"),
    (TRANSFER, "to", "0x12", "nobody's address"),
    (TRANSFER, "to", FACILITATOR, "to is .* not the payee"),
    (EXACT, "witness", {"to": FACILITATOR, "validAfter": 0}, "to is .* not the payee"),
    (UPTO, "witness", {"to": FACILITATOR, "facilitator": FACILITATOR, "validAfter": 0}, "to is .* not the payee"),
    (TRANSFER, "value", CAP + 1, "at most 1000000 atomic units"),
    (TRANSFER, "value", -1, "at most 1000000"),
    (TRANSFER, "value", True, "at most 1000000"),
    (TRANSFER, "value", "1", "at most 1000000"),
    (TRANSFER, "validBefore", NOW, "must be after now"),
    (TRANSFER, "validBefore", LATEST + 1, f"at most {LATEST}"),
    (TRANSFER, "validBefore", 1.0, "must be after now"),
    (TRANSFER, "validAfter", NOW + 1, "must not be after now"),
    (TRANSFER, "validAfter", -1, "must not be after now"),
    (TRANSFER, "validAfter", "0", "must not be after now"),
    (TRANSFER, "nonce", "0x" + "ab" * 31, "nonce: "),
    (TRANSFER, "nonce", 7, "nonce: 7"),
    (EXACT, "permitted.token", domain(OTHER).verifying_contract, "is no token that may be signed for"),
    (EXACT, "permitted.token", 5, "is no token"),
    (EXACT, "permitted.amount", CAP + 1, "at most 1000000"),
    (EXACT, "spender", PAYEE, "spender is "),
    (EXACT, "spender", permit2.UPTO_PROXY, "spender is "),
    (EXACT, "nonce", "0x01", "nonce is "),
    (EXACT, "nonce", -1, "nonce is "),
    (EXACT, "nonce", 2**256, "nonce is "),
    (EXACT, "deadline", LATEST + 1, "deadline is "),
    (EXACT, "deadline", NOW, "deadline is "),
    (EXACT, "witness.to", NOBODY, "to is .* nobody's"),
    (EXACT, "witness.validAfter", NOW + 1, "must not be after now"),
    (EXACT, "witness", {"to": PAYEE}, "the members are not exactly to, validAfter"),
    (EXACT, "witness", None, "the members are not exactly"),
    (EXACT, "permitted", [], "the members are not exactly token, amount"),
    (UPTO, "spender", permit2.EXACT_PROXY, "spender is "),
    (UPTO, "witness.facilitator", NOBODY, "facilitator is "),
    (UPTO, "witness", {"to": PAYEE, "validAfter": 0}, "not exactly to, facilitator, validAfter"),
    (PERMIT, "owner", PAYEE, "owner is .* not the payer"),
    (PERMIT, "spender", permit2.EXACT_PROXY, "spender is "),
    (PERMIT, "spender", PAYEE, "spender is "),
    (PERMIT, "value", 2**256 - 1, "at most 1000000"),
    (PERMIT, "nonce", None, "nonce is "),
    (PERMIT, "deadline", 2**256 - 1, "deadline is "),
    (PERMIT, "extra", 1, "the members are not exactly"),
]


@pytest.mark.parametrize(("data", "path", "value", "why"), WRONG)
def test_check_refuses_when_one_value_breaks_a_rule(data: TypedData, path: str, value: object, why: str) -> None:
    with pytest.raises(SigningFailed, match=why):
        check(_with(data, path, value), RULES)


@pytest.mark.parametrize("data", ALL, ids=NAMES)
def test_check_refuses_when_a_member_is_missing(data: TypedData) -> None:
    for missing in data.message:
        message = {name: value for name, value in data.message.items() if name != missing}
        with pytest.raises(SigningFailed, match="the members are not exactly"):
            check(replace(data, message=message), RULES)


DOMAIN_CHANGES: list[dict[str, Any]] = [
    {"name": "USD Coin"},
    {"version": "3"},
    {"version": "1"},
    {"version": None},
    {"chain_id": 338},
    {"chain_id": 26},
    {"verifying_contract": PAYEE},
]


@pytest.mark.parametrize("data", ALL, ids=NAMES)
@pytest.mark.parametrize("change", DOMAIN_CHANGES, ids=str)
def test_check_refuses_when_the_domain_is_another(data: TypedData, change: dict[str, Any]) -> None:
    other = replace(data.domain, **change)

    assert _passes(replace(data, domain=other)) == (other == data.domain)


@pytest.mark.parametrize("data", ALL, ids=NAMES)
def test_check_refuses_when_the_struct_is_another(data: TypedData) -> None:
    name, members = next(iter(data.types.items()))
    others: list[dict[str, Any]] = [
        {},
        dict(data.types) | {name: members[:-1]},
        dict(data.types) | {name: (*members, ("extra", "uint256"))},
        dict(data.types) | {name: (("renamed", members[0][1]), *members[1:])},
        dict(data.types) | {name: ((members[0][0], "bytes20"), *members[1:])},
        dict(data.types) | {name: members[::-1]},
        dict(data.types) | {"Extra": (("x", "uint256"),)},
    ]
    for types in others:
        with pytest.raises(SigningFailed, match="the struct is not defined as"):
            check(replace(data, types=types), RULES)


def test_check_takes_an_equal_struct_that_is_another_object() -> None:
    assert _passes(replace(TRANSFER, types=dict(TRANSFER.types)))


@pytest.mark.parametrize("name", ["Mail", "", "ReceiveWithAuthorization", "PermitSingle", "CancelAuthorization"])
def test_check_refuses_when_the_type_is_no_payment(name: str) -> None:
    with pytest.raises(SigningFailed, match="is none of TransferWithAuthorization, PermitWitnessTransferFrom, Permit"):
        check(replace(TRANSFER, primary_type=name), RULES)


@pytest.mark.parametrize("data", ALL, ids=NAMES)
def test_check_refuses_when_no_token_is_named(data: TypedData) -> None:
    with pytest.raises(SigningFailed, match="may be signed for"):
        check(data, RULES._replace(tokens={}))


def test_check_takes_the_smaller_cap_when_permit2_moves_a_token_of_two_domains() -> None:
    rules = RULES._replace(tokens={domain(TOKEN): CAP, replace(domain(TOKEN), version="1"): 10})

    with pytest.raises(SigningFailed, match="at most 10 atomic units"):
        check(EXACT, rules)


def test_check_does_not_show_the_whole_message() -> None:
    with pytest.raises(SigningFailed) as caught:
        check(_with(TRANSFER, "value", 10**30), RULES)

    assert "ab" * 32 not in str(caught.value)


# --- whatever is generated, what passes is within the rules ---------------------------------------------------------

ADDRESSES = st.sampled_from(
    [PAYER, PAYEE, FACILITATOR, NOBODY, permit2.PERMIT2, permit2.EXACT_PROXY, permit2.UPTO_PROXY]
)
NUMBERS = st.one_of(
    st.sampled_from([0, 1, CAP, CAP + 1, NOW, NOW + 1, LATEST, LATEST + 1, 2**256 - 1, 2**256]), st.integers()
)
VALUES = st.one_of(
    NUMBERS,
    ADDRESSES,
    st.sampled_from([domain(TOKEN).verifying_contract, domain(OTHER).verifying_contract, TRANSFER.message["nonce"]]),
    st.none() | st.booleans() | st.text(max_size=70) | st.binary(max_size=40) | st.floats(),
    st.dictionaries(st.text(max_size=5), st.integers(), max_size=2),
)
DOMAINS = st.builds(
    Domain,
    name=st.sampled_from([TOKEN.name, "Permit2", "USD Coin"]),
    version=st.sampled_from([None, "1", "2"]),
    chain_id=st.sampled_from([25, 338, 1]),
    verifying_contract=st.sampled_from([domain(TOKEN).verifying_contract, permit2.PERMIT2, PAYEE]),
)


@st.composite
def mutations(draw: st.DrawFn) -> TypedData:
    """Draw a payment with some of its parts replaced."""
    data = draw(st.sampled_from(ALL))
    for path in draw(st.lists(st.sampled_from([*_paths(data), "more"]), max_size=4, unique=True)):
        data = _with(data, path.rstrip("."), draw(VALUES))
    if draw(st.booleans()):
        data = replace(data, domain=draw(st.just(data.domain) | DOMAINS))
    if draw(st.booleans()):
        data = replace(data, types=draw(st.sampled_from([other.types for other in ALL])))
    if draw(st.booleans()):
        data = replace(data, primary_type=draw(st.sampled_from([other.primary_type for other in ALL])))
    return data


def _within_rules(data: TypedData) -> bool:
    """Judge anew what passed, flat and without the firewall's own functions."""
    flat = _flat(data.message)
    moved = [flat[name] for name in ("value", "amount") if name in flat]
    ends = [flat[name] for name in ("validBefore", "deadline") if name in flat]
    payers = [flat[name] for name in ("from", "owner") if name in flat]
    tokens = [flat.get("token", data.domain.verifying_contract)]
    return all(
        (
            len(moved) == len(ends) == 1,
            all(type(value) is int and 0 <= value <= CAP for value in moved),
            all(type(value) is int and NOW < value <= LATEST for value in ends),
            all(value.lower() == PAYER.lower() for value in payers),
            flat.get("to", PAYEE).lower() == PAYEE.lower(),
            tokens[0].lower() == TOKEN.asset.id.address,
            data.domain.chain_id == 25,
            flat.get("validAfter", 0) <= NOW,
            flat.get("spender", permit2.PERMIT2).lower() in SPENDERS[tuple(data.types.get("Witness", ()))],
            data.types in [known.types for known in ALL],
            data.domain in {TRANSFER.domain, EXACT.domain},
        )
    )


SPENDERS = {
    (): {permit2.PERMIT2.lower()},
    permit2.EXACT_TYPES["Witness"]: {permit2.EXACT_PROXY.lower()},
    permit2.UPTO_TYPES["Witness"]: {permit2.UPTO_PROXY.lower()},
}


def _flat(message: Mapping[str, Any]) -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for name, value in message.items():
        flat |= _flat(value) if isinstance(value, Mapping) else {name: value}
    return flat


@given(mutations())
def test_check_passes_nothing_outside_the_rules_and_what_passes_can_be_signed(data: TypedData) -> None:
    assert not _passes(data) or (_within_rules(data) and len(digest(data)) == 32)


@given(st.sampled_from(ALL), st.data())
def test_check_passes_no_value_outside_the_rules_when_one_is_replaced(known: TypedData, drawn: st.DataObject) -> None:
    path = drawn.draw(st.sampled_from(_paths(known)))
    data = _with(known, path.rstrip("."), drawn.draw(VALUES))

    assert not _passes(data) or (_within_rules(data) and len(digest(data)) == 32)


# --- what moves no money has a door of its own ----------------------------------------------------------------------

CANCEL = eip3009.cancel_typed_data(PAYER, AUTHORIZATION.nonce, domain(TOKEN))
AUDIT = audit_export.typed_data(head="ab" * 32, count=3, exported_at=NOW)


def _cancels(data: TypedData) -> bool:
    try:
        check_cancellation(data, payer=PAYER, tokens=(domain(TOKEN),))
    except SigningFailed:
        return False
    return True


def _seals(data: TypedData) -> bool:
    try:
        check_audit(data, now=NOW)
    except SigningFailed:
        return False
    return True


def test_check_cancellation_lets_the_payer_s_own_cancellation_through() -> None:
    assert _cancels(CANCEL)
    assert _cancels(_with(CANCEL, "authorizer", PAYER.lower()))


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (_with(CANCEL, "authorizer", PAYEE), "authorizer is .* only .* may be it"),
        (_with(CANCEL, "authorizer", 5), "authorizer is 5"),
        (_with(CANCEL, "nonce", "0xab"), "nonce: "),
        (_with(CANCEL, "nonce", 7), "nonce: 7"),
        (_with(CANCEL, "to", PAYEE), "the members are not exactly authorizer, nonce"),
        (replace(CANCEL, message={"nonce": AUTHORIZATION.nonce}), "the members are not exactly"),
        (replace(CANCEL, domain=domain(OTHER)), "not of a token that may be signed for"),
        (replace(CANCEL, domain=replace(domain(TOKEN), chain_id=26)), "not of a token that may be signed for"),
        (replace(CANCEL, types=eip3009.TYPES), "the struct is not defined as"),
        (replace(CANCEL, types={**CANCEL.types, "Extra": ()}), "the struct is not defined as"),
        (TRANSFER, "'TransferWithAuthorization' is not CancelAuthorization"),
        (AUDIT, "'AuditExport' is not CancelAuthorization"),
    ],
)
def test_check_cancellation_refuses_anything_else(data: TypedData, why: str) -> None:
    with pytest.raises(SigningFailed, match=why):
        check_cancellation(data, payer=PAYER, tokens=(domain(TOKEN),))


def test_check_audit_lets_a_seal_through() -> None:
    assert _seals(AUDIT)
    assert _seals(audit_export.typed_data(head="00" * 32, count=0, exported_at=0))


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (_with(AUDIT, "head", "0xab"), "head: "),
        (_with(AUDIT, "count", -1), "count is -1"),
        (_with(AUDIT, "count", True), "count is True"),
        (_with(AUDIT, "exportedAt", NOW + 1), "exportedAt is .* must not be after now"),
        (_with(AUDIT, "exportedAt", -1), "exportedAt is -1"),
        (_with(AUDIT, "exportedAt", "0"), "exportedAt is '0'"),
        (_with(AUDIT, "more", 1), "the members are not exactly head, count, exportedAt"),
        (replace(AUDIT, domain=domain(TOKEN)), "not the one of exported audit logs"),
        (replace(AUDIT, types=eip3009.CANCEL_TYPES), "the struct is not defined as"),
        (TRANSFER, "'TransferWithAuthorization' is not AuditExport"),
        (CANCEL, "'CancelAuthorization' is not AuditExport"),
    ],
)
def test_check_audit_refuses_anything_else(data: TypedData, why: str) -> None:
    with pytest.raises(SigningFailed, match=why):
        check_audit(data, now=NOW)


@given(mutations())
def test_no_payment_passes_a_door_for_what_moves_no_money(data: TypedData) -> None:
    assert not _cancels(data)
    assert not _seals(data)


@given(st.sampled_from([CANCEL, AUDIT]), VALUES, st.data())
def test_nothing_that_moves_no_money_passes_as_a_payment(known: TypedData, value: object, drawn: st.DataObject) -> None:
    data = _with(known, drawn.draw(st.sampled_from([*known.message, "more"])), value)

    assert not _passes(data)
    assert not _cancels(data) or value in {PAYER, AUTHORIZATION.nonce}
