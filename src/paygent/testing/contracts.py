"""The contracts of an in-memory chain: tokens with EIP-3009 and EIP-2612, Permit2, and x402's Permit2 proxies."""

from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias, cast

from paygent.core.requirements import Authorization, Token
from paygent.evm import eip2612, eip3009, erc20, permit2, word
from paygent.evm.deployments import EXACT_PROXY, PERMIT2, UPTO_PROXY
from paygent.evm.eip712 import digest, domain_separator
from paygent.evm.keccak import keccak256
from paygent.evm.tokens import domain
from paygent.testing.ledger import Ledger

_ZERO = f"0x{'00' * 20}"
_TRANSFER = "transferWithAuthorization(address,address,uint256,uint256,uint256,bytes32,bytes)"
_CANCEL = "cancelAuthorization(address,bytes32,bytes)"
_EXACT = "settle(((address,uint256),uint256,uint256),address,(address,uint256),bytes)"
_UPTO = "settle(((address,uint256),uint256,uint256),uint256,address,(address,address,uint256),bytes)"
_EMPTY_BYTES = word.uint256(0)

Answer: TypeAlias = bytes | None
"""What a call returns; None where it reverts."""


class TransactionReverts(ValueError):
    """The transaction would revert; nothing was mined. The text is what the contract says."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """What a contract writes to the log."""

    address: str
    topics: tuple[str, ...]
    data: str = "0x"


@dataclass(frozen=True, slots=True, kw_only=True)
class Execution:
    """A transaction that succeeded."""

    to: str
    input: str
    events: tuple[Event, ...]


class Contracts:
    """State and rules of the contracts. `height` is the block that is read, or that the writing transaction is in."""

    def __init__(self, tokens: Sequence[Token], *, chain_number: int, ledger: Ledger) -> None:
        self._tokens = {token.asset.id.address: token for token in tokens}
        self._chain_number = chain_number
        self._ledger = ledger

    # reading

    def exists(self, address: str) -> bool:
        """Tell whether there is a contract at a lower-case address."""
        return address in self._tokens or address in _DEPLOYED

    def call(self, address: str, data: bytes, height: int) -> Answer:
        """Return what a contract answers; nothing where it is none."""
        if address == PERMIT2.lower():
            return self._permit2_call(data, height)
        token = self._tokens.get(address)
        if token is None:
            return None if address in _DEPLOYED else b""
        function = _FUNCTIONS.get(data[:4])
        arguments = data[4:]
        if function is None or len(arguments) != 32 * function.arguments or (function is _STATE and not token.eip3009):
            return None
        words = [arguments[place : place + 32] for place in range(0, len(arguments), 32)]
        return function.answer(self, token, words, height)

    def balance(self, asset: str, owner: str, height: int) -> int:
        """Return a balance in atomic units."""
        return self._ledger.read(("balance", asset, owner.lower()), height)

    def word(self, height: int, *key: Hashable) -> bytes:
        """Return a word of storage."""
        return word.uint256(self._ledger.read(key, height))

    def _permit2_call(self, data: bytes, height: int) -> Answer:
        if data[:4] != _selector(permit2.nonce_bitmap_call(_ZERO, f"0x{'00' * 32}")) or len(data) != 68:
            return None
        return self.word(height, "bitmap", _address(data[4:36]), int.from_bytes(data[36:]))

    # writing

    def mint(self, token: Token, owner: str, amount: int, height: int) -> Execution:
        """Create atomic units for `owner`."""
        asset = self._asset(token.asset.id.address)
        self._credit(asset, owner, amount, height)
        data = word.calldata("mint(address,uint256)", word.address(owner), word.uint256(amount))
        return Execution(to=asset, input=data, events=(_transfer(asset, _ZERO, owner, amount),))

    def approve(self, token: Token, owner: str, spender: str, amount: int, height: int) -> Execution:
        """Let `spender` take so many atomic units of `owner`."""
        asset = self._asset(token.asset.id.address)
        self._ledger.write(("allowance", asset, owner.lower(), spender.lower()), height, amount)
        data = word.calldata("approve(address,uint256)", word.address(spender), word.uint256(amount))
        return Execution(to=asset, input=data, events=())

    def settle(
        self, authorization: Authorization, amount: int | None, signature: bytes | None, height: int, timestamp: int
    ) -> Execution:
        """Move the money by the contract's own rules.

        Raises: TransactionReverts: out of its time, used, cancelled, too much, not covered, or another's signature.
        """
        charged = authorization.amount.atomic if amount is None else amount
        asset = self._asset(authorization.amount.asset.id.address)
        if charged > authorization.amount.atomic:
            raise TransactionReverts("AmountExceedsPermitted")
        if authorization.scheme == "exact" and charged != authorization.amount.atomic:
            raise TransactionReverts("an exact payment moves exactly what was authorized")
        if signature is not None:
            self._check_signature(authorization, asset, signature)
        if self.balance(asset, authorization.payer, height) < charged:
            raise TransactionReverts("ERC20: transfer amount exceeds balance")
        if authorization.method == "permit2":
            return self._settle_permit2(authorization, asset, charged, height, timestamp)
        return self._settle_eip3009(authorization, asset, height, timestamp)

    def cancel(self, authorization: Authorization, height: int) -> Execution:
        """Make the authorization unusable.

        Raises: TransactionReverts: it is used or cancelled already.
        """
        payer, nonce = word.address(authorization.payer), word.bytes32(authorization.nonce)
        if authorization.method == "permit2":
            number = int.from_bytes(nonce)
            self._use_permit2_nonce(authorization, height)
            place = (word.uint256(number >> 8), word.uint256(1 << (number & 255)))
            data = word.calldata("invalidateUnorderedNonces(uint256,uint256)", *place)
            return Execution(to=PERMIT2.lower(), input=data, events=())
        asset = self._asset(authorization.amount.asset.id.address)
        self._use_nonce(authorization, asset, height)
        data = word.calldata(_CANCEL, payer, nonce, word.uint256(96), _EMPTY_BYTES)
        cancelled = _nonce_event(asset, eip3009.AUTHORIZATION_CANCELED, authorization)
        return Execution(to=asset, input=data, events=(cancelled,))

    def _settle_eip3009(self, authorization: Authorization, asset: str, height: int, timestamp: int) -> Execution:
        if not self._tokens[asset].eip3009:
            raise TransactionReverts("the token has no transferWithAuthorization")
        if timestamp <= authorization.valid_after:
            raise TransactionReverts("EIP3009: authorization is not yet valid")
        if timestamp >= authorization.valid_before:
            raise TransactionReverts("EIP3009: authorization is expired")
        self._use_nonce(authorization, asset, height)
        self._move(authorization, asset, authorization.amount.atomic, height)
        data = word.calldata(
            _TRANSFER,
            word.address(authorization.payer),
            word.address(authorization.payee),
            word.uint256(authorization.amount.atomic),
            word.uint256(authorization.valid_after),
            word.uint256(authorization.valid_before),
            word.bytes32(authorization.nonce),
            word.uint256(224),
            _EMPTY_BYTES,
        )
        used = _nonce_event(asset, eip3009.AUTHORIZATION_USED, authorization)
        moved = _transfer(asset, authorization.payer, authorization.payee, authorization.amount.atomic)
        return Execution(to=asset, input=data, events=(used, moved))

    def _settle_permit2(
        self, authorization: Authorization, asset: str, charged: int, height: int, timestamp: int
    ) -> Execution:
        signed = permit2.typed_data(authorization, self._chain_number).message
        if charged == 0:
            raise TransactionReverts("InvalidAmount")
        if timestamp < authorization.valid_after:
            raise TransactionReverts("PaymentTooEarly")
        if timestamp > cast(int, signed["deadline"]):
            raise TransactionReverts("SignatureExpired")
        key = ("allowance", asset, authorization.payer.lower(), PERMIT2.lower())
        allowed = self._ledger.read(key, height)
        if allowed < charged:
            raise TransactionReverts("ERC20: transfer amount exceeds allowance")
        self._use_permit2_nonce(authorization, height)
        self._ledger.write(key, height, allowed - charged)
        self._move(authorization, asset, charged, height)
        proxy = EXACT_PROXY if authorization.scheme == "exact" else UPTO_PROXY
        moved = _transfer(asset, authorization.payer, authorization.payee, charged)
        data = _permit2_data(authorization, signed, charged)
        return Execution(to=proxy.lower(), input=data, events=(moved,))

    def _check_signature(self, authorization: Authorization, asset: str, signature: bytes) -> None:
        from coincurve import PublicKey

        if authorization.method == "permit2":
            data = permit2.typed_data(authorization, self._chain_number)
        else:
            data = eip3009.typed_data(authorization, domain(self._tokens[asset]))
        if len(signature) != 65 or signature[64] not in (27, 28):
            raise TransactionReverts("invalid signature")
        recoverable = signature[:64] + bytes([signature[64] - 27])
        key = PublicKey.from_signature_and_message(recoverable, digest(data), hasher=None).format(compressed=False)
        if keccak256(key[1:])[12:] != word.address(authorization.payer)[12:]:
            raise TransactionReverts("invalid signature")

    def _use_nonce(self, authorization: Authorization, asset: str, height: int) -> None:
        key = ("state", asset, authorization.payer.lower(), word.bytes32(authorization.nonce))
        if self._ledger.read(key, height):
            raise TransactionReverts("EIP3009: authorization is used or canceled")
        self._ledger.write(key, height, 1)

    def _use_permit2_nonce(self, authorization: Authorization, height: int) -> None:
        number = int.from_bytes(word.bytes32(authorization.nonce))
        key = ("bitmap", authorization.payer.lower(), number >> 8)
        bits, bit = self._ledger.read(key, height), 1 << (number & 255)
        if bits & bit:
            raise TransactionReverts("InvalidNonce")
        self._ledger.write(key, height, bits | bit)

    def _move(self, authorization: Authorization, asset: str, amount: int, height: int) -> None:
        self._credit(asset, authorization.payer, -amount, height)
        self._credit(asset, authorization.payee, amount, height)

    def _credit(self, asset: str, owner: str, amount: int, height: int) -> None:
        key = ("balance", asset, owner.lower())
        self._ledger.write(key, height, self._ledger.read(key, height) + amount)

    def _asset(self, address: str) -> str:
        if address not in self._tokens:
            raise TransactionReverts(f"there is no token at {address}")
        return address


@dataclass(frozen=True, slots=True)
class _Function:
    arguments: int
    answer: Callable[[Contracts, Token, Sequence[bytes], int], bytes]


def _selector(call: str) -> bytes:
    return bytes.fromhex(call[2:10])


def _address(argument: bytes) -> str:
    return f"0x{argument[12:].hex()}"


def _text(content: str) -> bytes:
    raw = content.encode()
    return word.uint256(32) + word.uint256(len(raw)) + raw + bytes(-len(raw) % 32)


def _asset_of(token: Token) -> str:
    return token.asset.id.address


_STATE = _Function(2, lambda c, t, a, h: c.word(h, "state", _asset_of(t), _address(a[0]), a[1]))
_NO_NONCE = f"0x{'00' * 32}"
_FUNCTIONS: Mapping[bytes, _Function] = {
    _selector(erc20.balance_of(_ZERO)): _Function(
        1, lambda c, t, a, h: c.word(h, "balance", _asset_of(t), _address(a[0]))
    ),
    _selector(erc20.allowance(_ZERO, _ZERO)): _Function(
        2, lambda c, t, a, h: c.word(h, "allowance", _asset_of(t), _address(a[0]), _address(a[1]))
    ),
    _selector(eip3009.authorization_state_call(_ZERO, _NO_NONCE)): _STATE,
    _selector(eip2612.nonces_call(_ZERO)): _Function(
        1, lambda c, t, a, h: c.word(h, "permits", _asset_of(t), _address(a[0]))
    ),
    _selector(erc20.decimals()): _Function(0, lambda _c, t, _a, _h: word.uint256(t.asset.decimals)),
    _selector(erc20.name()): _Function(0, lambda _c, t, _a, _h: _text(t.name)),
    _selector(erc20.symbol()): _Function(0, lambda _c, t, _a, _h: _text(t.asset.symbol)),
    _selector(erc20.version()): _Function(0, lambda _c, t, _a, _h: _text(t.versions[0])),
    _selector(erc20.domain_separator()): _Function(0, lambda _c, t, _a, _h: domain_separator(domain(t))),
}
_DEPLOYED = frozenset({PERMIT2.lower(), EXACT_PROXY.lower(), UPTO_PROXY.lower()})


def _transfer(asset: str, payer: str, payee: str, amount: int) -> Event:
    topics = (erc20.TRANSFER, erc20.topic_address(payer), erc20.topic_address(payee))
    return Event(address=asset, topics=topics, data=f"0x{word.uint256(amount).hex()}")


def _nonce_event(asset: str, topic: str, authorization: Authorization) -> Event:
    nonce = f"0x{word.bytes32(authorization.nonce).hex()}"
    return Event(address=asset, topics=(topic, erc20.topic_address(authorization.payer), nonce))


def _permit2_data(authorization: Authorization, signed: Mapping[str, object], charged: int) -> str:
    permitted = (
        word.address(authorization.amount.asset.id.address),
        word.uint256(authorization.amount.atomic),
        word.bytes32(authorization.nonce),
        word.uint256(signed["deadline"]),
    )
    payer, payee = word.address(authorization.payer), word.address(authorization.payee)
    valid_after = word.uint256(authorization.valid_after)
    if authorization.scheme == "exact":
        return word.calldata(_EXACT, *permitted, payer, payee, valid_after, word.uint256(256), _EMPTY_BYTES)
    witness = (payee, word.address(authorization.facilitator), valid_after)
    return word.calldata(_UPTO, *permitted, word.uint256(charged), payer, *witness, word.uint256(320), _EMPTY_BYTES)
