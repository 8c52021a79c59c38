"""The embedded chain without HTTP and with a clock that the test sets: what the tests of node and token share."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from coincurve.utils import GROUP_ORDER_INT
from eth_account import Account
from eth_account.datastructures import SignedMessage
from eth_utils.address import to_checksum_address

from paygent.devnet.backend import Allocation
from paygent.devnet.chain import EmbeddedChain
from paygent.devnet.contracts import artifact, calldata
from paygent.devnet.keys import DevAccount, dev_accounts
from paygent.devnet.rpc import RpcApplication

NOW = 1_800_000_000
GWEI = 10**9
ETHER = 10**18
ALICE, BOB, CAROL, MINTER = dev_accounts()[:4]
TRANSFER_TYPES = {
    "from": "address",
    "to": "address",
    "value": "uint256",
    "validAfter": "uint256",
    "validBefore": "uint256",
    "nonce": "bytes32",
}


class Refused(Exception):
    """The node answered with an error object."""

    def __init__(self, error: dict[str, Any]) -> None:
        super().__init__(error["message"])
        self.code: int = error["code"]
        self.data: str | None = error.get("data")


class Evm:
    """A fresh chain on which four development accounts have ether, and `code` runs where it says."""

    def __init__(self, *, heartbeat_seconds: int = 0, code: Mapping[str, str] | None = None) -> None:
        self.now = NOW
        funded = {octets(account.address): Allocation(balance=1_000 * ETHER) for account in dev_accounts()[:4]}
        coded = {octets(address): Allocation(code=octets(runs)) for address, runs in (code or {}).items()}
        self.chain = EmbeddedChain(
            chain_id=31337, genesis=funded | coded, clock=lambda: self.now, heartbeat_seconds=heartbeat_seconds
        )
        self.application = RpcApplication(self.chain)

    def rpc(self, method: str, *params: object) -> Any:
        request = {"jsonrpc": "2.0", "id": 7, "method": method, "params": params}
        answer: Any = self.application.answer(json.dumps(request).encode())
        if "error" in answer:
            raise Refused(answer["error"])
        return answer["result"]

    def sign(self, sender: DevAccount, to: str | None = None, data: str = "0x", **fields: int) -> str:
        used = int(self.rpc("eth_getTransactionCount", sender.address, "latest"), 16)
        defaults = {"nonce": used, "gas": 3_000_000, "chainId": 31337, "gasPrice": 3 * GWEI, "value": 0}
        transaction = {**defaults, "data": data, **({} if to is None else {"to": to}), **fields}
        return "0x" + bytes(Account.sign_transaction(transaction, sender.private_key).raw_transaction).hex()

    def send(self, sender: DevAccount, to: str | None = None, data: str = "0x", **fields: int) -> Any:
        """Return the receipt, also of a transaction that reverted."""
        transaction = self.rpc("eth_sendRawTransaction", self.sign(sender, to, data, **fields))
        return self.rpc("eth_getTransactionReceipt", transaction)

    def call(self, to: str, data: str, sender: DevAccount = CAROL) -> str:
        result: str = self.rpc("eth_call", {"from": sender.address, "to": to, "data": data}, "latest")
        return result


class DollarToken:
    """A DevUSD on a chain, with Alice's 1,000 units."""

    def __init__(self, evm: Evm) -> None:
        self.evm = evm
        receipt = evm.send(MINTER, data="0x" + artifact("DevUSD").bytecode.hex())
        self.address: str = to_checksum_address(receipt["contractAddress"])
        self.send("mint(address,uint256)", ALICE.address, 1_000, sender=MINTER)

    def send(self, function: str, *arguments: object, sender: DevAccount = CAROL) -> Any:
        return self.evm.send(sender, self.address, calldata(function, *arguments))

    def call(self, function: str, *arguments: object, sender: DevAccount = CAROL) -> str:
        return self.evm.call(self.address, calldata(function, *arguments), sender)

    def balance(self, account: DevAccount) -> int:
        return int(self.call("balanceOf(address)", account.address), 16)

    def used(self, nonce: bytes, account: DevAccount = ALICE) -> bool:
        return bool(int(self.call("authorizationState(address,bytes32)", account.address, nonce), 16))

    def domain(self, **changes: object) -> dict[str, object]:
        domain = {"name": "Devnet USD", "version": "1", "chainId": 31337, "verifyingContract": self.address}
        return {**domain, **changes}


@dataclass(frozen=True, kw_only=True)
class Authorization:
    """What an EIP-3009 signer says."""

    sender: str = ALICE.address
    to: str = BOB.address
    value: int = 100
    valid_after: int = 0
    valid_before: int = NOW + 600
    nonce: bytes = bytes(range(32))

    @property
    def arguments(self) -> tuple[object, ...]:
        return (self.sender, self.to, self.value, self.valid_after, self.valid_before, self.nonce)

    def but(self, **changes: Any) -> "Authorization":
        return replace(self, **changes)

    def sign(
        self, domain: dict[str, object], signer: DevAccount = ALICE, kind: str = "TransferWithAuthorization"
    ) -> SignedMessage:
        return sign(domain, kind, TRANSFER_TYPES, self.arguments, signer)


def sign(
    domain: dict[str, object], kind: str, fields: dict[str, str], values: tuple[object, ...], signer: DevAccount
) -> SignedMessage:
    types = {kind: [{"name": name, "type": type_} for name, type_ in fields.items()]}
    message = dict(zip(fields, values, strict=True))
    signed: SignedMessage = Account.sign_typed_data(signer.private_key, domain, types, message)
    return signed


def vrs(signature: SignedMessage) -> tuple[int, bytes, bytes]:
    return (signature.v, signature.r.to_bytes(32, "big"), signature.s.to_bytes(32, "big"))


def high_s(signature: SignedMessage) -> tuple[int, bytes, bytes]:
    """Return the other signature that recovers to the same address."""
    return (55 - signature.v, signature.r.to_bytes(32, "big"), (GROUP_ORDER_INT - signature.s).to_bytes(32, "big"))


def octets(address: str) -> bytes:
    return bytes.fromhex(address[2:])


def word(address: str) -> str:
    """Return an address as a log's topic."""
    return "0x" + address[2:].lower().rjust(64, "0")
