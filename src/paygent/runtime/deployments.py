"""Where this project's contracts are on a chain, and whether what is there is truly theirs."""

from typing import Final, TypedDict

from paygent.core.caip import ChainId
from paygent.core.errors import ConfigurationError
from paygent.core.transaction_errors import ContractMismatch, ContractMissing
from paygent.evm import word
from paygent.evm.agent_wallet import code_of
from paygent.evm.contracts import ContractName, contract
from paygent.evm.keccak import keccak256
from paygent.evm.tables import table
from paygent.ports.chain import Chain
from paygent.ports.transactions import Transactions

_OWNER_DIGITS: Final = 40
_DEPLOY: Final = "deploy it with `paygent agent-wallet install`, or use the endpoint of a chain that has it"


class _Deployment(TypedDict):
    address: str
    code_hash: str


DEPLOYMENTS: Final = table("contract_deployments.json", dict[str, dict[str, _Deployment]])
"""Address and code hash of each contract by chain number: what is recorded, and compared before anything is sent."""


def expected(network: ChainId, name: ContractName) -> tuple[str, str]:
    """Return address and code hash of a contract: as recorded for the chain, else as its sources give them."""
    recorded = DEPLOYMENTS.get(str(network.evm_number))
    if recorded is None:
        known = contract(name)
        return known.address, known.code_hash
    return recorded[name]["address"], recorded[name]["code_hash"]


async def check_chain(writer: Transactions, network: ChainId) -> None:
    """Return if an endpoint serves the chain that it is configured for.

    Raises: ConfigurationError: it serves another one. AdapterError: it does not answer.
    """
    number = await writer.chain_number()
    if number != network.evm_number:
        raise ConfigurationError(
            f"the endpoint for {network} serves chain {number}, so nothing was sent: correct PAYGENT_RPC"
        )


async def check_contracts(chain: Chain, network: ChainId, *names: ContractName) -> None:
    """Return if the chain has each contract, with the code that this version knows.

    Raises: ContractMissing, ContractMismatch. AdapterError: the chain does not answer.
    """
    for name in names:
        address, code_hash = expected(network, name)
        code = word.raw(await chain.code(address))
        if not code:
            raise ContractMissing(name, address=address, network=str(network), advice=_DEPLOY)
        found = f"0x{keccak256(code).hex()}"
        if found != code_hash:
            raise ContractMismatch(name, address=address, network=str(network), expected=code_hash, found=found)


async def wallet_owner(chain: Chain, network: ChainId, address: str) -> str | None:
    """Return whose AgentWallet is at an address, by its code; None where nothing is deployed.

    Raises: ContractMismatch: something else is there. AdapterError: the chain does not answer.
    """
    from paygent.evm.address import checksum

    code = (await chain.code(address)).lower()
    if code == "0x":
        return None
    owner = f"0x{code[-_OWNER_DIGITS:]}"
    if len(code) < _OWNER_DIGITS + 2 or code != code_of(owner):
        said = f"0x{keccak256(word.raw(code)).hex()}"
        wanted = f"that of a clone of {contract('AgentWallet').address}"
        raise ContractMismatch("AgentWallet", address=address, network=str(network), expected=wanted, found=said)
    return checksum(owner)
