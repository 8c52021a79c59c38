"""What may be signed at all: a short list of messages about money, bounded. Everything else is refused.

`check` is for payments. What moves no money has a door of its own, so that no payment's rules ever open it:
`check_cancellation`, `check_agent_wallet` and `check_audit`. Own transactions pass `check_transaction`.
"""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import NamedTuple, cast

from paygent.core.action import Call
from paygent.core.caip import is_evm_address
from paygent.core.errors import SigningFailed
from paygent.core.transaction import UnsignedTransaction
from paygent.core.typed_data import Domain, Fields, TypedData
from paygent.evm import agent_wallet, audit_export, eip2612, eip3009, permit2, word


class SigningRules(NamedTuple):
    """The bounds of one signature. What is not named here is not allowed."""

    payer: str
    """The only address whose money may move."""
    payee: str
    """The only address that may get it."""
    tokens: Mapping[Domain, int]
    """The tokens that may move, by the domain of each (`evm.tokens.domain`): the most atomic units of a signature."""
    now: int
    """Unix seconds."""
    max_validity_seconds: int
    """How long from now a signature may be good."""
    slack_seconds: int = 60
    """How much longer than that, because the chain's clock may be ahead of ours."""


def check(data: TypedData, rules: SigningRules) -> None:
    """Return if `data` is a payment within the rules.

    Raises: SigningFailed: it is not; the message names the first thing that is wrong.
    """
    check_one = _CHECKS.get(data.primary_type)
    if check_one is None:
        raise _refused(f"{data.primary_type!r} is none of {', '.join(_CHECKS)}")
    check_one(data, rules)


@dataclass(frozen=True, slots=True, kw_only=True)
class TransactionRules:
    """The bounds of one transaction."""

    call: Call
    """What it does; not a byte of it may differ."""
    chain_number: int
    """The only chain it is good for."""
    nonce: int
    """The account nonce that the journal reserved for it."""
    max_gas_cost: int
    """Gas limit times highest fee at most, in wei."""
    now: int
    """Unix seconds."""
    deadline: int
    """Unix seconds; from then on nothing is signed."""


def check_transaction(transaction: UnsignedTransaction, rules: TransactionRules) -> None:
    """Return if `transaction` is the call it was reserved for, within its bounds.

    Raises: SigningFailed: it is not; the message names the first thing that is wrong.
    """
    call = rules.call
    for member, value, wanted in (
        ("chainId", transaction.chain_number, rules.chain_number),
        ("nonce", transaction.nonce, rules.nonce),
        ("value", transaction.value, call.value),
        ("data", transaction.data, call.data),
    ):
        if type(value) is not type(wanted) or value != wanted:
            raise _refused(f"{member} is {word.excerpt(value)}, only {word.excerpt(wanted)} may be signed")
    _check_address("to", transaction.to)
    _check_same("to", transaction.to, call.to)
    fees = (transaction.gas_limit, transaction.max_fee, 0 if transaction.tip is None else transaction.tip)
    if any(type(fee) is not int or fee < 0 for fee in fees) or fees[2] > fees[1]:
        raise _refused(f"gas limit, fee and tip are {word.excerpt(fees)}, which is no offer")
    if fees[0] * fees[1] > rules.max_gas_cost:
        raise _refused(f"its gas can cost {fees[0] * fees[1]} wei, at most {rules.max_gas_cost} may be signed")
    if rules.now >= rules.deadline:
        raise _refused(f"it is {rules.now}, and its deadline was {rules.deadline}")


def check_cancellation(data: TypedData, *, payer: str, tokens: Collection[Domain]) -> None:
    """Return if `data` cancels an authorization of `payer` for one of `tokens`, which can only keep money in place.

    Raises: SigningFailed: it is anything else.
    """
    if data.primary_type != eip3009.CANCEL_PRIMARY_TYPE:
        raise _refused(f"{data.primary_type!r} is not {eip3009.CANCEL_PRIMARY_TYPE}")
    _check_types(data.types, eip3009.CANCEL_TYPES)
    message = _members(data.message, "authorizer", "nonce")
    if data.domain not in tokens:
        raise _refused(f"the domain {_said(data.domain)} is not of a token that may be signed for")
    _check_same("authorizer", message["authorizer"], payer)
    _check_bytes32("nonce", message["nonce"])


def check_agent_wallet(data: TypedData, *, wallet: str, chain_number: int) -> None:
    """Return if `data` is said to one AgentWallet on one chain: its configuration, a reservation, or an approval.

    The contract holds such a message to the owner's limits; what it pays meets the policy as a payment of its own.

    Raises: SigningFailed: it is anything else.
    """
    known = {
        "Configuration": agent_wallet.CONFIGURATION_TYPES,
        "Reserve": agent_wallet.RESERVE_TYPES,
        "Payment": agent_wallet.PAYMENT_TYPES,
    }.get(data.primary_type)
    if known is None:
        raise _refused(f"{data.primary_type!r} is nothing that is said to an AgentWallet")
    _check_types(data.types, known)
    _members(data.message, *(name for name, _ in known[data.primary_type]))
    if data.domain != agent_wallet.domain(wallet, chain_number):
        raise _refused(f"the domain {_said(data.domain)} is not that of AgentWallet {wallet} on chain {chain_number}")


def check_audit(data: TypedData, *, now: int) -> None:
    """Return if `data` seals an export of the audit log made by `now` (unix seconds): a message that no contract reads.

    Raises: SigningFailed: it is anything else.
    """
    if data.primary_type != audit_export.PRIMARY_TYPE:
        raise _refused(f"{data.primary_type!r} is not {audit_export.PRIMARY_TYPE}")
    _check_types(data.types, audit_export.TYPES)
    message = _members(data.message, "head", "count", "exportedAt")
    if data.domain != audit_export.DOMAIN:
        raise _refused(f"the domain {_said(data.domain)} is not the one of exported audit logs")
    _check_bytes32("head", message["head"])
    _check_uint("count", message["count"])
    exported_at = message["exportedAt"]
    if type(exported_at) is not int or not 0 <= exported_at <= now:
        raise _refused(f"exportedAt is {word.excerpt(exported_at)}, it must not be after now ({now})")


def _check_transfer(data: TypedData, rules: SigningRules) -> None:
    _check_types(data.types, eip3009.TYPES)
    message = _members(data.message, "from", "to", "value", "validAfter", "validBefore", "nonce")
    cap = _token_cap(data.domain, rules)
    _check_payer("from", message["from"], rules)
    _check_payee(message["to"], rules)
    _check_value("value", message["value"], cap)
    _check_window(message["validAfter"], "validBefore", message["validBefore"], rules)
    _check_bytes32("nonce", message["nonce"])


def _check_permit2(data: TypedData, rules: SigningRules) -> None:
    upto = data.types.get("Witness") == permit2.UPTO_TYPES["Witness"]
    _check_types(data.types, permit2.UPTO_TYPES if upto else permit2.EXACT_TYPES)
    if data.domain != permit2.domain(data.domain.chain_id):
        raise _refused(f"the domain {_said(data.domain)} is not Permit2's")
    message = _members(data.message, "permitted", "spender", "nonce", "deadline", "witness")
    permitted = _members(message["permitted"], "token", "amount")
    witness = _members(message["witness"], "to", *(("facilitator",) if upto else ()), "validAfter")
    _check_value("amount", permitted["amount"], _permitted_cap(permitted["token"], data.domain.chain_id, rules))
    _check_same("spender", message["spender"], permit2.UPTO_PROXY if upto else permit2.EXACT_PROXY)
    _check_payee(witness["to"], rules)
    if upto:
        _check_address("facilitator", witness["facilitator"])
    _check_uint("nonce", message["nonce"])
    _check_window(witness["validAfter"], "deadline", message["deadline"], rules)


def _check_permit(data: TypedData, rules: SigningRules) -> None:
    _check_types(data.types, eip2612.TYPES)
    message = _members(data.message, "owner", "spender", "value", "nonce", "deadline")
    cap = _token_cap(data.domain, rules)
    _check_payer("owner", message["owner"], rules)
    _check_same("spender", message["spender"], permit2.PERMIT2)
    _check_value("value", message["value"], cap)
    _check_uint("nonce", message["nonce"])
    _check_window(0, "deadline", message["deadline"], rules)


_CHECKS: dict[str, Callable[[TypedData, SigningRules], None]] = {
    eip3009.PRIMARY_TYPE: _check_transfer,
    permit2.PRIMARY_TYPE: _check_permit2,
    eip2612.PRIMARY_TYPE: _check_permit,
}


def _check_types(types: Mapping[str, Fields], known: Mapping[str, Fields]) -> None:
    if types is not known and dict(types) != dict(known):
        raise _refused(f"the struct is not defined as {_said(dict(known))}")


def _members(value: object, *names: str) -> Mapping[str, object]:
    members = cast("Mapping[str, object]", value)
    readable = type(value) is dict or isinstance(value, Mapping)
    if not readable or len(members) != len(names) or [name for name in names if name not in members]:
        raise _refused(f"the members are not exactly {', '.join(names)}")
    return members


def _token_cap(domain: Domain, rules: SigningRules) -> int:
    cap = rules.tokens.get(domain)
    if cap is None:
        raise _refused(f"the domain {_said(domain)} is not of a token that may be signed for")
    return cap


def _permitted_cap(token: object, chain_number: int, rules: SigningRules) -> int:
    """Return the cap of a token that Permit2 moves; the smallest where several domains of it are allowed."""
    caps = [
        cap
        for domain, cap in rules.tokens.items()
        if domain.chain_id == chain_number and _same(token, domain.verifying_contract)
    ]
    if not caps:
        raise _refused(f"{word.excerpt(token)} on chain {chain_number} is no token that may be signed for")
    return min(caps)


def _check_payer(member: str, value: object, rules: SigningRules) -> None:
    if not _same(value, rules.payer):
        raise _refused(f"{member} is {word.excerpt(value)}, not the payer {rules.payer}")


def _check_payee(value: object, rules: SigningRules) -> None:
    _check_address("to", value)
    if not _same(value, rules.payee):
        raise _refused(f"to is {word.excerpt(value)}, not the payee {rules.payee}")


def _check_same(member: str, value: object, wanted: str) -> None:
    if not _same(value, wanted):
        raise _refused(f"{member} is {word.excerpt(value)}, only {wanted} may be it")


def _check_address(member: str, value: object) -> None:
    if not is_evm_address(value) or _same(value, _NOBODY):
        raise _refused(f"{member} is {word.excerpt(value)}, which is nobody's address")


def _check_value(member: str, value: object, cap: int) -> None:
    if type(value) is not int or not 0 <= value <= cap:
        raise _refused(f"{member} is {word.excerpt(value)}, at most {cap} atomic units may be signed")


def _check_uint(member: str, value: object) -> None:
    if type(value) is not int or not 0 <= value < 1 << 256:
        raise _refused(f"{member} is {word.excerpt(value)}, not an integer from 0 to 2**256 - 1")


def _check_bytes32(member: str, value: object) -> None:
    try:
        word.bytes32(value)
    except ValueError as error:
        raise _refused(f"{member}: {error}") from error


def _check_window(valid_after: object, member: str, end: object, rules: SigningRules) -> None:
    if type(valid_after) is not int or not 0 <= valid_after <= rules.now:
        raise _refused(f"validAfter is {word.excerpt(valid_after)}, it must not be after now ({rules.now})")
    latest = rules.now + rules.max_validity_seconds + rules.slack_seconds
    if type(end) is not int or not rules.now < end <= latest:
        raise _refused(f"{member} is {word.excerpt(end)}, it must be after now ({rules.now}) and at most {latest}")


def _same(value: object, address: str) -> bool:
    return isinstance(value, str) and (value == address or value.lower() == address.lower())


_NOBODY = f"0x{'0' * 40}"


def _said(value: object) -> str:
    return word.excerpt(value)


def _refused(why: str) -> SigningFailed:
    return SigningFailed(f"the signing firewall refused: {why}")
