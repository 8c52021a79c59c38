"""A relayer with a private key of its own."""

import re
from collections.abc import Mapping
from typing import NoReturn, final

import anyio
from coincurve import PrivateKey

from paygent.core.caip import ChainId
from paygent.core.errors import AdapterError, ConfigurationError
from paygent.evm.address import checksum
from paygent.evm.keccak import keccak256
from paygent.ports.transactions import Fees, Transactions

MAX_COST_WEI = 10**18
"""The most that one transaction may cost unless told otherwise: one whole unit of the chain's coin."""
_KEY = re.compile(r"(?:0x)?([0-9a-fA-F]{64})")
_MAX_GAS = 1_000_000
_FIRST_LOOK_SECONDS = 0.02
_SLOWEST_LOOK_SECONDS = 1.0


@final
class KeyRelayer:
    """A `Relayer` that pays with a key it holds; prints as its address. Use an account that holds gas and nothing else.

    Args: chains: an endpoint for each chain. max_cost_wei: the most that one transaction may cost, gas limit times
    highest fee. timeout_seconds: how long to wait for a block.
    """

    __slots__ = ("_chains", "_key", "_max_cost_wei", "_next", "_timeout_seconds", "_turn", "address")

    def __init__(
        self,
        private_key: bytes | str,
        *,
        chains: Mapping[ChainId, Transactions],
        max_cost_wei: int = MAX_COST_WEI,
        timeout_seconds: float = 60,
    ) -> None:
        self._key = _key_bytes(private_key)
        public = PrivateKey(self._key).public_key.format(compressed=False)
        self.address = checksum("0x" + keccak256(public[1:])[12:].hex())
        self._chains = dict(chains)
        self._max_cost_wei = max_cost_wei
        self._timeout_seconds = timeout_seconds
        self._turn = anyio.Lock()
        self._next: dict[ChainId, int] = {}

    async def send(self, chain: ChainId, to: str, data: str) -> str:
        """Submit a call, wait until it is mined, and return the transaction's 0x hash.

        Raises:
            AdapterError: it was not sent, reverted, costs too much, or was not mined in time.
            ConfigurationError: there is no endpoint for this chain.
        """
        node = self._chains.get(chain)
        if node is None:
            raise ConfigurationError(f"the relayer has no endpoint for {chain}: set PAYGENT_RPC, or pass chains=")
        async with self._turn:  # one nonce after the other; waiting for blocks is done side by side
            transaction = await self._submit(chain, node, to, data)
        await self._mined(node, transaction)
        return transaction

    async def _submit(self, chain: ChainId, node: Transactions, to: str, data: str) -> str:
        gas = await node.estimate_gas(self.address, to, data) * 5 // 4
        fees = await node.fees()
        nonce = max(await node.next_nonce(self.address), self._next.setdefault(chain, 0))
        raw = self._signed(chain, to, data, gas=gas, nonce=nonce, fees=fees)
        transaction = f"0x{keccak256(raw).hex()}"
        try:
            await node.send_raw(raw)
        except AdapterError as error:
            self._next.pop(chain, None)
            raise AdapterError(
                f"transaction {transaction} was perhaps not sent: {error}", retryable=error.retryable
            ) from error
        self._next[chain] = nonce + 1
        return transaction

    def _signed(self, chain: ChainId, to: str, data: str, *, gas: int, nonce: int, fees: Fees) -> bytes:
        from eth_account import Account

        if fees.legacy:
            raise AdapterError(f"{chain} has no base fee; the relayer needs EIP-1559", retryable=False)
        highest = _highest_fee(fees)
        if gas > _MAX_GAS or gas * highest > self._max_cost_wei:
            raise AdapterError(
                f"the transaction would cost up to {gas * highest} wei for {gas} gas; "
                f"allowed are {self._max_cost_wei} wei and {_MAX_GAS} gas",
                retryable=True,
            )
        fields: dict[str, object] = {
            "type": 2,
            "chainId": chain.evm_number,
            "nonce": nonce,
            "to": checksum(to),
            "value": 0,
            "data": data,
            "gas": gas,
            "maxFeePerGas": highest,
            "maxPriorityFeePerGas": fees.tip,
        }
        return bytes(Account.sign_transaction(fields, self._key).raw_transaction)

    async def _mined(self, node: Transactions, transaction: str) -> None:
        wait = _FIRST_LOOK_SECONDS
        with anyio.move_on_after(self._timeout_seconds):
            while True:
                if (receipt := await node.receipt(transaction)) is not None:
                    if receipt.succeeded:
                        return
                    raise AdapterError(f"transaction {transaction} was mined and reverted", retryable=False)
                await anyio.sleep(wait)
                wait = min(wait * 2, _SLOWEST_LOOK_SECONDS)
        raise AdapterError(
            f"transaction {transaction} was sent and not mined in {self._timeout_seconds} s", retryable=True
        )

    def __repr__(self) -> str:
        return f"KeyRelayer({self.address})"

    def __reduce__(self) -> NoReturn:
        raise TypeError("a KeyRelayer holds a private key and is never pickled or copied; make a new one from its key")

    def __getstate__(self) -> NoReturn:
        self.__reduce__()


def _highest_fee(fees: Fees) -> int:
    """Return the most to offer for each gas: room for the base fee to rise.

    Where tips buy nothing (Cronos) the offer stays within a quarter of the base fee, because such a chain's documents
    leave open whether the offer or the base fee is charged. Source: Cronos documentation, fee market module.
    """
    return 2 * fees.base_fee + fees.tip if fees.tip else -(-fees.base_fee * 5 // 4)


def _key_bytes(private_key: object) -> bytes:
    raw = private_key
    if isinstance(raw, str) and (digits := _KEY.fullmatch(raw)):
        raw = bytes.fromhex(digits[1])
    if not isinstance(raw, bytes) or len(raw) != 32:
        raise ConfigurationError("the relayer's private key is 32 bytes, or 0x and 64 hexadecimal digits")
    try:
        PrivateKey(raw)
    except ValueError:
        raise ConfigurationError("the relayer's private key is zero or not below the order of secp256k1") from None
    return raw
