"""What a transfer costs that two processes make with one key and one store, beside sending what is signed already."""

import statistics
from collections.abc import Sequence
from pathlib import Path

from eth_account import Account

from paygent.adapters.sql import open_journal
from paygent.evm.address import checksum
from tests.bench.report import Row
from tests.interop.install import find_installed
from tests.interop.payers import Job, Payers
from tests.interop.peers.anvil import running_anvil
from tests.interop.peers.chain import STARTING_BALANCE, USDC, TokenChain, call_data, place_base_sepolia
from tests.interop.peers.market import BASE_SEPOLIA_ID

PROCESSES = 2
AT_ONCE = 10
"""Of each process."""
ROUNDS = 3
_GAS_LIMIT = 120_000
_MAX_FEE = 10**10


def rows(transfers: int, folder: Path) -> list[Row]:
    """Return what one of so many transfers takes, those of both processes counted."""
    place = folder / "sending"
    place.mkdir()
    with running_anvil(find_installed(), chain_id=BASE_SEPOLIA_ID, log_dir=place) as anvil, Payers(PROCESSES) as payers:
        chain = place_base_sepolia(anvil, find_installed())
        ours: list[float] = []
        bare: list[float] = []
        for number in range(ROUNDS if transfers > 50 else 1):
            storage = str(place / f"{number}.db")
            open_journal(storage).close()
            ours.append(_seconds(payers, chain, transfers, storage))
            bare.append(_seconds(payers, chain, transfers, None))
    return [
        Row(
            name=f"one of {transfers} transfers by {PROCESSES} processes, one durable store",
            unit="ms",
            paygent=statistics.median(ours) * 1e3,
            peer_name="signed bytes sent, until mined",
            peer=statistics.median(bare) * 1e3,
        )
    ]


def _seconds(payers: Payers, chain: TokenChain, transfers: int, storage: str | None) -> float:
    """Return the seconds from the first one's start to the last one's end, for each transfer; None sends raw bytes."""
    key, payee = chain.new_payer(), checksum(chain.new_payer().address)
    amounts = range(1, 1 + transfers)
    raw = () if storage else _signed(chain, key.key, payee, amounts)
    jobs = [
        Job(
            url=chain.anvil.url,
            chain=chain.anvil.chain_id,
            key="0x" + bytes(key.key).hex(),
            storage=storage or "",
            payee=payee,
            amounts=tuple(amounts[first::PROCESSES]),
            at_once=AT_ONCE,
            raw=raw[first::PROCESSES],
        )
        for first in range(PROCESSES)
    ]
    done = payers.run(jobs)
    assert sum(amounts) == chain.balance_of(payee) - STARTING_BALANCE
    return (max(each.ended for each in done) - min(each.began for each in done)) / transfers


def _signed(chain: TokenChain, key: bytes, payee: str, amounts: Sequence[int]) -> tuple[str, ...]:
    account = Account.from_key(key)
    about = {"to": USDC, "value": 0, "gas": _GAS_LIMIT, "chainId": chain.anvil.chain_id, "type": 2}
    fees = {"maxFeePerGas": _MAX_FEE, "maxPriorityFeePerGas": 1}
    calls = [call_data("transfer(address,uint256)", payee, amount) for amount in amounts]
    made = [account.sign_transaction({**about, **fees, "data": data, "nonce": n}) for n, data in enumerate(calls)]
    return tuple("0x" + bytes(each.raw_transaction).hex() for each in made)
