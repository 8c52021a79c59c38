"""Put this project's contracts on a chain: to the same addresses everywhere, through the CREATE2 deployer."""

from typing import Final

from paygent.core.action import Action
from paygent.core.caip import ChainId
from paygent.core.errors import ConfigurationError
from paygent.core.money import Amount
from paygent.core.payment import Payment
from paygent.core.transaction_errors import ContractMismatch, ContractMissing
from paygent.engine.pay import Engine
from paygent.evm import word
from paygent.evm.agent_wallet import VENUE
from paygent.evm.coins import coin
from paygent.evm.contracts import DEPLOYED_DIRECTLY, ContractName, contract
from paygent.evm.create2 import CREATE2_CODE_HASH, CREATE2_DEPLOYER, create2_call
from paygent.evm.keccak import keccak256
from paygent.ports.chain import Chain
from paygent.ports.transactions import Transactions
from paygent.runtime.deployments import check_contracts
from paygent.wallet.wallet import TRANSFER_SECONDS, Wallet

PROBES: Final = {"PUSH0": "5f5ff3", "MCOPY": "6000600060005e60006000f3", "TLOAD": "60005c5060006000f3"}
"""Creation code that uses an instruction the contracts need, and deploys nothing."""


async def probe(chain: Chain, writer: Transactions, network: ChainId, sender: str) -> None:
    """Return if a chain can take the contracts: it has the deployer, and each instruction. Nothing is sent.

    Raises: ContractMissing, ContractMismatch: no CREATE2 deployer. ConfigurationError: an instruction is missing.
    """
    name, where = "CREATE2 deployer", str(network)
    code = word.raw(await chain.code(CREATE2_DEPLOYER))
    if not code:
        advice = "somebody has to deploy it there first, by its published transaction"
        raise ContractMissing(name, address=CREATE2_DEPLOYER, network=where, advice=advice)
    if (found := f"0x{keccak256(code).hex()}") != CREATE2_CODE_HASH:
        raise ContractMismatch(name, address=CREATE2_DEPLOYER, network=where, expected=CREATE2_CODE_HASH, found=found)
    for instruction, creation in PROBES.items():
        call = create2_call(bytes.fromhex(creation))
        if not (await writer.simulate(sender, call.to, call.data)).succeeded:
            raise ConfigurationError(
                f"{network} does not know the instruction {instruction}, which the contracts need; nothing was sent: "
                "use a chain with the Cancun rules"
            )


async def install(
    engine: Engine, chain: Chain, writer: Transactions, network: ChainId
) -> dict[ContractName, Payment | None]:
    """Deploy each contract that is not there yet, one transaction each; None: it was there already.

    Raises: as `probe`, and as `Engine.execute`.
    """
    await probe(chain, writer, network, engine.address)
    done: dict[ContractName, Payment | None] = {}
    for name in DEPLOYED_DIRECTLY:
        done[name] = None
        if await chain.code(contract(name).address) == "0x":
            action = installation(name, network, deadline=engine.now() + TRANSFER_SECONDS)
            done[name] = await Wallet(engine).execute(action, new_action=True)
    await check_contracts(chain, network, *DEPLOYED_DIRECTLY, "AgentWallet")
    return done


def installation(name: ContractName, network: ChainId, *, deadline: int) -> Action:
    """Return the action that deploys a contract. Args: deadline: unix seconds, of the transaction."""
    return Action(
        purpose="position",
        network=network,
        venue=VENUE,
        spend=Amount(0, coin(network)),
        counterparty=CREATE2_DEPLOYER,
        calls=(create2_call(contract(name).creation),),
        deadline=deadline,
        summary=f"Deploy {name} to {contract(name).address}",
    )
