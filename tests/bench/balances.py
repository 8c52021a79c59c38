"""What 50 balances of tokens cost on a real node: in one call, and in 50."""

from time import perf_counter

from paygent.adapters.rpc import RpcChain
from paygent.devnet import Devnet
from paygent.devnet.contracts import multicall_address
from paygent.wallet.balances import BalanceReader
from tests.bench.report import Row
from tests.bench.sampling import Contender, medians

TOKENS = 50
_OWNER = "0x" + "11" * 20


async def rows(rounds: int) -> list[Row]:
    """Return what the devnet's own node takes; the tokens are one token many times, which no side can tell."""
    async with Devnet() as net:
        network = net.asset.id.chain
        async with RpcChain(net.rpc_url, chain=network) as chain:
            together = BalanceReader(chain, network, multicall_address=multicall_address())
            alone = BalanceReader(chain, network, multicall_address=None)

            def reading(reader: BalanceReader) -> Contender:
                async def read() -> float:
                    start = perf_counter()
                    found = await reader.read(_OWNER, [net.asset] * TOKENS)
                    assert all(row.amount is not None for row in found.rows)
                    return perf_counter() - start

                return read

            took = await medians({"one": reading(together), "each": reading(alone)}, rounds=rounds)
    return [
        Row(
            name=f"{TOKENS} token balances in one call",
            unit="ms",
            paygent=took["one"] * 1e3,
            peer_name=f"{TOKENS} calls, ten at once",
            peer=took["each"] * 1e3,
        )
    ]
