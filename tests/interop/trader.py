"""Swaps on real Uniswap V2, as a connector would build them."""

from dataclasses import dataclass
from typing import Any

from paygent.core.action import Action, Call
from paygent.core.caip import chain_id, erc20
from paygent.core.money import Amount, Asset
from paygent.core.requirements import Token
from paygent.evm.address import checksum
from paygent.evm.calls import approve_call
from tests.interop.acting import Actor
from tests.interop.peers.chain import call_data
from tests.interop.peers.uniswap import Exchange

TOKENS_FOR_TOKENS = "swapExactTokensForTokens(uint256,uint256,address[],address,uint256)"
TOKENS_FOR_COIN = "swapExactTokensForETH(uint256,uint256,address[],address,uint256)"
COIN_FOR_TOKENS = "swapExactETHForTokens(uint256,address[],address,uint256)"


@dataclass(frozen=True, slots=True, kw_only=True)
class Trader:
    """An actor with dollars at an exchange."""

    actor: Actor
    exchange: Exchange

    @property
    def tokens(self) -> tuple[Token, ...]:
        return tuple(
            Token(asset=self.asset(symbol), name=symbol, versions=("1",), usd=symbol == "USDC")
            for symbol in ("USDC", "USDT", "VVS", "WCRO")
        )

    @property
    def address(self) -> str:
        return self.actor.key.address

    def asset(self, symbol: str) -> Asset:
        network = chain_id(self.actor.chain.network)
        address = self.exchange.weth if symbol == "WCRO" else self.exchange.tokens[symbol]
        return Asset(id=erc20(network, address), symbol=symbol, decimals=6 if symbol.startswith("US") else 18)

    def allowance(self, symbol: str = "USDC") -> int:
        token = self.asset(symbol).id.address
        return int(self.exchange.read(token, "allowance(address,address)", self.address, self.exchange.router))

    def now(self) -> int:
        return self.actor.chain.anvil.timestamp()

    def swap(self, atomic: int = 2_000_000, *, bring: str = "USDT", least: int = 1, said: int | None = None) -> Action:
        """Return a swap of dollars. Args: least: in the calldata. said: in the action, where that differs."""
        native = bring == "CRO"
        path = [self.exchange.tokens["USDC"], self.exchange.weth if native else self.asset(bring).id.address]
        signature = TOKENS_FOR_COIN if native else TOKENS_FOR_TOKENS
        deadline = self.now() + 900
        data = call_data(signature, atomic, least, path, self.address, deadline)
        token, router = checksum(path[0]), checksum(self.exchange.router)
        what = self.actor.coin if native else self.asset(bring)
        return Action(
            purpose="swap",
            network=chain_id(self.actor.chain.network),
            venue="vvs",
            spend=Amount(atomic, self.asset("USDC")),
            receive=(Amount(least if said is None else said, what),),
            counterparty=router,
            calls=(
                approve_call(token, router, atomic),
                Call(to=router, data=data, function=signature, returns=("uint256[]",)),
            ),
            deadline=deadline,
            summary=f"Swap {atomic} USDC for {bring}",
            slippage_bps=50,
        )

    def wiring(self, **more: Any) -> dict[str, Any]:
        return {"tokens": self.tokens, **more}


def new_trader(actor: Actor, exchange: Exchange) -> Trader:
    exchange.mint("USDC", actor.key.address, 1_000_000_000)
    return Trader(actor=actor, exchange=exchange)
