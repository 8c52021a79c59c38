"""What an AgentWallet's owner, operators and approvers sign and call. Pure.  Source: contracts/README.md."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from paygent.core.action import Action, Call
from paygent.core.caip import is_evm_address
from paygent.core.requirements import Authorization
from paygent.core.typed_data import Domain, Fields, TypedData
from paygent.evm import word
from paygent.evm.address import checksum
from paygent.evm.contracts import contract
from paygent.evm.keccak import keccak256
from paygent.ports.chain import Log

LONGEST_VALIDITY_SECONDS: Final = 600
"""How far ahead of the block an authorization may end that a wallet reserves."""
MOST_OPERATORS: Final = 16
"""How many operators a wallet may have."""
NATIVE: Final = f"0x{'0' * 40}"
"""What a wallet calls the chain's coin."""
VENUE: Final = "agent-wallet"
"""What policies call changes of a wallet's settings, and reservations."""
NAME: Final = "Paygent AgentWallet"
VERSION: Final = "1"
ERC6492_MAGIC: Final = bytes.fromhex("6492" * 16)
"""The end of a signature of a contract that is not deployed.  Source: ERC-6492."""
_PAID: Final = word.topic("Paid(address,address,uint256,address,bytes32)")
_BATCH_PAID: Final = word.topic("BatchPaid(address,uint256,(address,uint256)[],address,bytes32)")
_WITHDRAWN: Final = word.topic("Withdrawn(address,address,uint256,uint256)")
_WORD: Final = 64

_LIMIT: Final[Fields] = (
    ("token", "address"),
    ("perDay", "uint256"),
    ("perPayment", "uint256"),
    ("approvalAbove", "uint256"),
    ("name", "string"),
    ("version", "string"),
)
CONFIGURATION_TYPES: Final[MappingProxyType[str, Fields]] = MappingProxyType(
    {
        "Configuration": (
            ("guardian", "address"),
            ("payeesOnly", "bool"),
            ("approvals", "uint256"),
            ("operators", "address[]"),
            ("payees", "address[]"),
            ("approvers", "address[]"),
            ("collectors", "address[]"),
            ("limits", "TokenLimit[]"),
            ("deadline", "uint256"),
        ),
        "TokenLimit": _LIMIT,
    }
)
"""What an owner signs."""
RESERVE_TYPES: Final[MappingProxyType[str, Fields]] = MappingProxyType(
    {
        "Reserve": (("authorizations", "Authorization[]"),),
        "Authorization": (
            ("token", "address"),
            ("to", "address"),
            ("value", "uint256"),
            ("validAfter", "uint256"),
            ("validBefore", "uint256"),
            ("nonce", "bytes32"),
        ),
    }
)
"""What an operator signs, so that anybody may submit the reservation."""
PAYMENT_TYPES: Final[MappingProxyType[str, Fields]] = MappingProxyType(
    {
        "Payment": (
            ("token", "address"),
            ("payee", "address"),
            ("amount", "uint256"),
            ("ref", "bytes32"),
            ("nonce", "bytes32"),
            ("deadline", "uint256"),
        )
    }
)
"""What an approver signs."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenLimit:
    """What may leave a wallet of one token, in its atomic units."""

    token: str
    """Checksummed; `NATIVE` is the chain's coin."""
    per_day: int
    """The most in one UTC day, all operators together; around midnight twice of it can leave. 0 removes the token."""
    per_payment: int
    """The most of one payment."""
    approval_above: int
    """Payments above it need signatures of approvers."""
    name: str = ""
    """The token's EIP-712 domain, for x402; empty: no authorizations."""
    version: str = ""

    def __post_init__(self) -> None:
        if not is_evm_address(self.token):
            raise ValueError(f"the token of a limit is an address, not {self.token!r}")
        for what, value in (("day", self.per_day), ("payment", self.per_payment), ("approval", self.approval_above)):
            if type(value) is not int or value < 0:
                raise ValueError(f"a limit is in whole atomic units, 0 or more; the one per {what} is {value!r}")
        if not self.per_payment <= self.per_day:
            raise ValueError(f"the limit of a payment, {self.per_payment}, is above the limit of a day, {self.per_day}")

    @property
    def message(self) -> dict[str, object]:
        """As it is signed."""
        return dict(zip((name for name, _ in _LIMIT), self.words, strict=True))

    @property
    def words(self) -> tuple[object, ...]:
        """As it is called."""
        return (self.token, self.per_day, self.per_payment, self.approval_above, self.name, self.version)


@dataclass(frozen=True, slots=True, kw_only=True)
class Configuration:
    """What an owner decides before the wallet is deployed. Addresses are checksummed."""

    operators: tuple[str, ...]
    """The agents' keys."""
    limits: tuple[TokenLimit, ...]
    deadline: int
    """The last second, unix time, at which the wallet may be deployed with it."""
    guardian: str = NATIVE
    """May pause, nothing else; the zero address is nobody."""
    payees_only: bool = False
    """Only `payees` may be paid."""
    payees: tuple[str, ...] = ()
    approvals: int = 0
    """How many approvers sign a payment above its token's threshold."""
    approvers: tuple[str, ...] = ()
    collectors: tuple[str, ...] = ()
    """Contracts that may ask the wallet to pay, such as the PaymentRouter."""

    def __post_init__(self) -> None:
        for name in ("operators", "payees", "approvers", "collectors"):
            for account in getattr(self, name):
                if not is_evm_address(account) or account.lower() == NATIVE:
                    raise ValueError(f"{name} has {account!r}, which is nobody's address")
        if len(set(self.operators)) > MOST_OPERATORS:
            raise ValueError(f"a wallet has at most {MOST_OPERATORS} operators, not {len(set(self.operators))}")
        if not 0 <= self.approvals <= len(self.approvers):
            raise ValueError(f"{self.approvals} of {len(self.approvers)} approvers cannot sign")

    @property
    def message(self) -> dict[str, object]:
        """As it is signed."""
        names = (name for name, _ in CONFIGURATION_TYPES["Configuration"])
        return {
            name: [limit.message for limit in self.limits] if name == "limits" else value
            for name, value in zip(names, self.words, strict=True)
        }

    @property
    def words(self) -> tuple[object, ...]:
        """As it is called."""
        lists = (self.operators, self.payees, self.approvers, self.collectors)
        limits = [limit.words for limit in self.limits]
        return (self.guardian, self.payees_only, self.approvals, *map(list, lists), limits, self.deadline)


def predict(owner: str, salt: int = 0) -> str:
    """Return the address of the wallet of `owner` and `salt`, deployed or not: the same on every chain.

    Raises: ValueError: not an address, or the zero address; a salt that is no uint256.
    """
    if word.address(owner) == bytes(32):
        raise ValueError("the zero address owns nothing")
    factory = contract("AgentWalletFactory").address
    creation = _clone(owner)
    packed = bytes((0xFF,)) + word.address(factory)[12:] + word.uint256(salt) + keccak256(creation)
    return checksum(f"0x{keccak256(packed)[12:].hex()}")


def code_of(owner: str) -> str:
    """Return the code of each wallet of an owner, 0x and hexadecimal digits in lower case."""
    return f"0x{_clone(owner)[10:].hex()}"


def _clone(owner: str) -> bytes:
    """Return the creation code of a clone that carries its owner.  Source: OpenZeppelin Clones 5.7."""
    arguments = word.address(owner)[12:]
    implementation = word.address(contract("AgentWallet").address)[12:]
    return (
        b"\x61"
        + (len(arguments) + 0x2D).to_bytes(2, "big")
        + bytes.fromhex("3d81600a3d39f3363d3d373d3d3d363d73")
        + implementation
        + bytes.fromhex("5af43d82803e903d91602b57fd5bf3")
        + arguments
    )


def domain(wallet: str, chain_number: int) -> Domain:
    """Return the EIP-712 domain of a wallet."""
    return Domain(name=NAME, version=VERSION, chain_id=chain_number, verifying_contract=wallet)


def configuration_data(configuration: Configuration, wallet: str, chain_number: int) -> TypedData:
    """Return what the owner signs, so that anybody can deploy the wallet with exactly this configuration."""
    return TypedData(
        domain=domain(wallet, chain_number),
        primary_type="Configuration",
        types=CONFIGURATION_TYPES,
        message=configuration.message,
    )


def reserve_data(authorizations: Iterable[Authorization], wallet: str, chain_number: int) -> TypedData:
    """Return what an operator signs, so that anybody can submit the reservation."""
    names = [name for name, _ in RESERVE_TYPES["Authorization"]]
    message = {"authorizations": [dict(zip(names, words(each), strict=True)) for each in authorizations]}
    return TypedData(domain=domain(wallet, chain_number), primary_type="Reserve", types=RESERVE_TYPES, message=message)


def payment_data(
    wallet: str, chain_number: int, *, token: str, payee: str, amount: int, ref: str, nonce: str, deadline: int
) -> TypedData:
    """Return what an approver signs. Args: ref, nonce: 0x and 64 hexadecimal digits. deadline: its last second."""
    message: dict[str, object] = {
        "token": token,
        "payee": payee,
        "amount": amount,
        "ref": ref,
        "nonce": nonce,
        "deadline": deadline,
    }
    return TypedData(domain=domain(wallet, chain_number), primary_type="Payment", types=PAYMENT_TYPES, message=message)


def words(authorization: Authorization) -> tuple[object, ...]:
    """Return an authorization as the contract takes it: token, to, value, validAfter, validBefore, nonce."""
    return (
        checksum(authorization.amount.asset.id.address),
        authorization.payee,
        authorization.amount.atomic,
        authorization.valid_after,
        authorization.valid_before,
        authorization.nonce,
    )


def signature(authorization: Authorization) -> bytes:
    """Return the 192 bytes by which a wallet confirms an authorization that it has reserved. They are no secret."""
    token, to, value, after, before, nonce = words(authorization)
    numbers = map(word.uint256, (value, after, before))
    return b"".join((word.address(token), word.address(to), *numbers, word.bytes32(nonce)))


def authorization_words(authorization: Authorization) -> tuple[object, ...]:
    """Return an authorization as calls are encoded: the nonce as bytes."""
    *rest, nonce = words(authorization)
    return (*rest, word.bytes32(nonce))


def wrapped(factory: str, data: str, inner: bytes) -> bytes:
    """Return a signature that says how its contract is deployed first.  Source: ERC-6492."""
    from paygent.evm import abi

    return abi.encode(("address", "bytes", "bytes"), (factory, word.raw(data), inner)) + ERC6492_MAGIC


def wallet_call(wallet: str, function: str, *values: object, said: Sequence[tuple[str, str]] = ()) -> Call:
    """Return a call of a wallet's function, by the contract's own interface."""
    found = contract("AgentWallet")[function]
    return Call(to=wallet, data=found.call(*values), function=found.signature, arguments=tuple(said))


def payment_call(wallet: str, token: str, payee: str, amount: int, ref: bytes) -> Call:
    """Return the call by which an operator pays. Args: ref: 32 bytes, recorded with the payment."""
    said = (("token", token), ("payee", payee), ("amount", str(amount)), ("ref", f"0x{ref.hex()}"))
    return wallet_call(wallet, "executePayment", token, payee, amount, ref, said=said)


def withdrawal_call(wallet: str, token: str, to: str, amount: int) -> Call:
    """Return the call by which the owner withdraws."""
    said = (("token", token), ("to", to), ("amount", str(amount)))
    return wallet_call(wallet, "withdraw", token, to, amount, said=said)


def pays(call: Call, action: Action) -> bool:
    """Tell whether a call pays what its action says, to whom it says, from the wallet that it names, and no more."""
    asset = action.spend.asset.id
    token = NATIVE if asset.native else asset.address
    head = b"".join((word.address(token), word.address(action.counterparty), word.uint256(action.spend.atomic))).hex()
    account = "" if action.account is None else action.account.lower()
    data, known = call.data, contract("AgentWallet")
    sizes = {"executePayment": 4 * _WORD, "withdraw": 3 * _WORD, "executeApprovedPayment": None}
    for name, size in sizes.items():
        selector = word.calldata(known[name].signature)
        if data.startswith(selector + head):
            fits = size is None or len(data) == len(selector) + size
            return fits and call.to.lower() == account and call.value == 0
    return False


def coin_moved(wallet: str, payee: str, logs: Iterable[Log]) -> int:
    """Return how many atomic units of the coin a wallet says in events that it sent to a payee.

    Args: payee: the wallet itself for a batch, whose event has the sum.
    """
    coin, to = f"0x{word.address(NATIVE).hex()}", f"0x{word.address(payee).hex()}"
    places: dict[tuple[str, ...], int] = {(_PAID, coin, to): 0, (_WITHDRAWN, coin, to): 1}
    if wallet.lower() == payee.lower():
        places[_BATCH_PAID, coin] = 0
    moved = 0
    for log in logs:
        place = places.get(log.topics) if log.address == wallet.lower() else None
        if place is not None:
            start = 2 + place * _WORD
            moved += int(log.data[start : start + _WORD], 16)
    return moved
