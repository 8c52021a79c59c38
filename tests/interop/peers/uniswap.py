"""The real bytecode of Uniswap V2 and SushiSwap from npm on a local chain: what the VVS plugin is tested against.

VVS is of that family: the same functions, formula and farms. The packages are installed for tests and never shipped.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from eth_abi.abi import decode, encode
from eth_utils.address import to_checksum_address
from eth_utils.crypto import keccak

from tests.interop.install import Installed
from tests.interop.peers.anvil import Anvil
from tests.interop.peers.chain import call_data

FAR = 2**40
"""A deadline that no test reaches."""
ETHER = 10**18


def deploy(anvil: Anvil, sender: str, bytecode: str, types: list[str], *arguments: Any) -> str:
    """Deploy a contract and return its checksummed address."""
    data = "0x" + bytecode.removeprefix("0x") + encode(types, arguments).hex()
    transaction = anvil.call("eth_sendTransaction", {"from": sender, "data": data, "gas": hex(10_000_000)})
    receipt = anvil._receipt(transaction)
    assert receipt["status"] == "0x1", f"deploying failed: {receipt}"
    return to_checksum_address(receipt["contractAddress"])


@dataclass(frozen=True, kw_only=True)
class Exchange:
    """Uniswap V2 with pools, and our Craftsman farms, on anvil."""

    anvil: Anvil
    installed: Installed
    owner: str
    """Who has deployed everything and has some of every token."""
    weth: str
    factory: str
    router: str
    tokens: Mapping[str, str]
    """Addresses of USDC, USDT, VVS and FOO."""
    craftsmen: dict[int, str] = field(default_factory=dict)

    # sending and reading

    def send(self, sender: str, to: str, data: str, value: int = 0) -> str:
        """Send a transaction of any account; raises RpcError with the revert's text."""
        message = {"from": sender, "to": to, "data": data, "value": hex(value), "gas": hex(3_000_000)}
        self.anvil.call("eth_call", message, "pending")  # a revert has its text here
        transaction: str = self.anvil.call("eth_sendTransaction", message)
        receipt = self.anvil._receipt(transaction)
        assert receipt["status"] == "0x1", f"{transaction} reverted, and not when it was called"
        return transaction

    def read(self, to: str, signature: str, *arguments: Any, returns: str = "uint256") -> Any:
        """Return the first value that a view function answers."""
        call = {"to": to, "data": call_data(signature, *arguments)}
        answer = bytes.fromhex(self.anvil.call("eth_call", call, "latest")[2:])
        return decode(returns.split(" "), answer)[0]

    def balance(self, symbol: str, owner: str) -> int:
        """Return what somebody has of a token, or of the coin (CRO)."""
        if symbol == "CRO":
            return int(self.anvil.call("eth_getBalance", owner, "latest"), 16)
        return int(self.read(self.tokens[symbol], "balanceOf(address)", owner))

    def mint(self, symbol: str, to: str, amount: int) -> None:
        self.send(self.owner, self.tokens[symbol], call_data("mint(address,uint256)", to, amount))

    def pair(self, first: str, second: str) -> str:
        """Return the pool of two token addresses, by the factory's word."""
        found = self.read(self.factory, "getPair(address,address)", first, second, returns="address")
        return to_checksum_address(found)

    def add(self, first: str, amount: int, second: str, other: int) -> None:
        """Add liquidity of two tokens by symbol; CRO is the coin."""
        for symbol, units in ((first, amount), (second, other)):
            if symbol != "CRO":
                self.mint(symbol, self.owner, units)
                self.send(self.owner, self.tokens[symbol], call_data("approve(address,uint256)", self.router, units))
        if first == "CRO":
            asked = (self.tokens[second], other, 0, 0, self.owner, FAR)
            signature = "addLiquidityETH(address,uint256,uint256,uint256,address,uint256)"
            self.send(self.owner, self.router, call_data(signature, *asked), value=amount)
            return
        signature = "addLiquidity(address,address,uint256,uint256,uint256,uint256,address,uint256)"
        both = (self.tokens[first], self.tokens[second], amount, other, 0, 0, self.owner, FAR)
        self.send(self.owner, self.router, call_data(signature, *both))

    def swap_in(self, sender: str, symbol: str, amount: int) -> None:
        """Have somebody buy a token with the coin, at any price."""
        signature = "swapExactETHForTokens(uint256,address[],address,uint256)"
        data = call_data(signature, 0, [self.weth, self.tokens[symbol]], sender, FAR)
        self.send(sender, self.router, data, value=amount)

    # farms

    @cached_property
    def farms(self) -> dict[str, Any]:
        """Compiled farms: ours and SushiSwap's."""
        loaded: dict[str, Any] = json.loads(self.installed.farms.read_text())
        return loaded

    # configuration

    def described(self, **more: object) -> dict[str, object]:
        """Return this exchange as the plugin's options describe a network."""
        decimals = {"USDC": 6, "USDT": 6, "VVS": 18, "FOO": 18}
        tokens = [{"symbol": "WCRO", "address": self.weth, "decimals": 18}]
        tokens += [{"symbol": name, "address": at, "decimals": decimals[name]} for name, at in self.tokens.items()]
        return {
            "title": "the test's exchange",
            "coin": "CRO",
            "share_symbol": "LP",
            "router": self.router,
            "factory": self.factory,
            "init_code_hash": pair_code_hash(self.installed),
            "wrapped": "WCRO",
            "reward": "VVS",
            "hubs": ["WCRO", "USDC", "USDT", "VVS"],
            "tokens": tokens,
            **more,
        }


def pair_code_hash(installed: Installed) -> str:
    """Return the hash of the code that makes a pool."""
    code = _build(installed, "v2-core", "UniswapV2Pair")["bytecode"]
    return "0x" + keccak(hexstr=code).hex()


def place_exchange(anvil: Anvil, installed: Installed) -> Exchange:
    """Deploy Uniswap V2 with pools of CRO-USDC, CRO-VVS, USDC-USDT and VVS-FOO."""
    owner = to_checksum_address(anvil.call("eth_accounts")[0])
    anvil.call("anvil_setBalance", owner, hex(10**9 * ETHER))
    weth = deploy(anvil, owner, _build(installed, "v2-periphery", "WETH9")["bytecode"], [])
    core = _build(installed, "v2-core", "UniswapV2Factory")["bytecode"]
    factory = deploy(anvil, owner, core, ["address"], owner)
    routing = _build(installed, "v2-periphery", "UniswapV2Router02")["bytecode"]
    router = deploy(anvil, owner, routing, ["address", "address"], factory, weth)
    token = json.loads(installed.farms.read_text())["TestToken"]["bytecode"]
    tokens = {
        symbol: deploy(anvil, owner, token, ["string", "uint8"], symbol, decimals)
        for symbol, decimals in (("USDC", 6), ("USDT", 6), ("VVS", 18), ("FOO", 18))
    }
    made = Exchange(
        anvil=anvil, installed=installed, owner=owner, weth=weth, factory=factory, router=router, tokens=tokens
    )
    made.add("CRO", 1_000_000 * ETHER, "USDC", 100_000 * 10**6)
    made.add("CRO", 500_000 * ETHER, "VVS", 20_000_000_000 * ETHER)
    made.add("USDC", 1_000_000 * 10**6, "USDT", 1_000_000 * 10**6)
    made.add("VVS", 10_000_000 * ETHER, "FOO", 10_000 * ETHER)
    _age(made)
    return made


def _age(exchange: Exchange) -> None:
    """Let every pool write down its first price: its first trade of a new second takes far more gas than others."""
    exchange.anvil.call("evm_increaseTime", 2)
    for place in range(exchange.read(exchange.factory, "allPairsLength()")):
        pool = exchange.read(exchange.factory, "allPairs(uint256)", place, returns="address")
        exchange.send(exchange.owner, to_checksum_address(pool), call_data("sync()"))


def place_farms(exchange: Exchange) -> None:
    """Deploy both Craftsman versions: pool 0 is VVS, pool 1 the shares of CRO-USDC."""
    owner, anvil = exchange.owner, exchange.anvil
    code = exchange.farms
    vvs = exchange.tokens["VVS"]
    first = deploy(anvil, owner, code["Craftsman"]["bytecode"], ["address", "uint256"], vvs, 40 * ETHER)
    share = exchange.pair(exchange.weth, exchange.tokens["USDC"])
    exchange.send(owner, first, call_data("add(uint256,address)", 3000, share))
    bonus = exchange.tokens["FOO"]
    types = ["address", "address", "uint256"]
    second = deploy(anvil, owner, code["CraftsmanV2"]["bytecode"], types, first, bonus, ETHER)
    exchange.craftsmen.update({1: first, 2: second})


def place_smart_router(exchange: Exchange) -> str:
    """Deploy SwapRouter02, which SmartRouters come from; its functions take a deadline in `multicall` only."""
    path = exchange.installed.exchange / "node_modules/@uniswap/swap-router-contracts/artifacts/contracts"
    code = json.loads((path / "SwapRouter02.sol/SwapRouter02.json").read_text())["bytecode"]
    nobody = "0x" + "00" * 20
    arguments = (exchange.factory, nobody, nobody, exchange.weth)
    return deploy(exchange.anvil, exchange.owner, code, ["address"] * 4, *arguments)


def _build(installed: Installed, package: str, name: str) -> dict[str, Any]:
    path = installed.exchange / "node_modules/@uniswap" / package / "build" / f"{name}.json"
    built: dict[str, Any] = json.loads(path.read_text())
    return built
