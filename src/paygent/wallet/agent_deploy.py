"""An AgentWallet's first configuration: signed by its owner, deployed by anybody."""

from dataclasses import dataclass

from paygent.core.action import Action, Call
from paygent.core.caip import ChainId
from paygent.core.money import Amount
from paygent.evm import agent_wallet, word
from paygent.evm.agent_wallet import Configuration
from paygent.evm.coins import coin
from paygent.evm.contracts import contract
from paygent.policy.firewall import check_agent_wallet
from paygent.ports.signer import Signer


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedConfiguration:
    """What deploys a wallet as its owner wants it. It is no secret: nobody can use it for anything else."""

    owner: str
    """Checksummed."""
    salt: int
    network: ChainId
    configuration: Configuration
    signature: bytes
    """The owner's; empty where the owner's own key deploys."""

    @property
    def wallet(self) -> str:
        """The wallet's address."""
        return agent_wallet.predict(self.owner, self.salt)


async def sign_configuration(
    signer: Signer, configuration: Configuration, *, network: ChainId, salt: int = 0
) -> SignedConfiguration:
    """Return a configuration signed by its owner, whose signer it is, for one chain.

    Raises: SigningFailed: the signer refused.
    """
    wallet = agent_wallet.predict(signer.address, salt)
    data = agent_wallet.configuration_data(configuration, wallet, network.evm_number)
    check_agent_wallet(data, wallet=wallet, chain_number=network.evm_number)
    return SignedConfiguration(
        owner=signer.address,
        salt=salt,
        network=network,
        configuration=configuration,
        signature=await signer.sign_typed_data(data),
    )


def deployment(signed: SignedConfiguration, *, deadline: int) -> Action:
    """Return the action that deploys a wallet. Args: deadline: unix seconds, of the transaction."""
    factory, wallet = contract("AgentWalletFactory"), signed.wallet
    values = (signed.owner, word.uint256(signed.salt), signed.configuration.words, signed.signature)
    said = (("owner", signed.owner), ("salt", str(signed.salt)), ("wallet", wallet))
    call = Call(
        to=factory.address,
        data=factory["deploy"].call(*values),
        function=factory["deploy"].signature,
        arguments=said,
        returns=("address",),
    )
    return Action(
        purpose="position",
        network=signed.network,
        venue=agent_wallet.VENUE,
        spend=Amount(0, coin(signed.network)),
        counterparty=factory.address,
        calls=(call,),
        deadline=deadline,
        summary=f"Deploy AgentWallet {wallet} of {signed.owner}",
    )
