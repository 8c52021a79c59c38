"""An AgentWallet's first configuration: signed by its owner, deployed by anybody."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

from paygent.core.action import Action, Call
from paygent.core.caip import ChainId, chain_id
from paygent.core.money import Amount
from paygent.evm import agent_wallet, word
from paygent.evm.agent_wallet import Configuration, TokenLimit
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


def signed_record(signed: SignedConfiguration) -> dict[str, object]:
    """Return a signed configuration as JSON, for a file."""
    return {
        "owner": signed.owner,
        "salt": str(signed.salt),
        "network": signed.network.text,
        "configuration": _texts(signed.configuration.words),
        "signature": f"0x{signed.signature.hex()}",
    }


def read_signed(record: Mapping[str, Any]) -> SignedConfiguration:
    """Return what `signed_record` wrote.

    Raises: ValueError: it is no such record.
    """
    try:
        guardian, only, approvals, operators, payees, approvers, collectors, limits, deadline = record["configuration"]
        configuration = Configuration(
            guardian=guardian,
            payees_only=only,
            approvals=int(approvals),
            operators=tuple(operators),
            payees=tuple(payees),
            approvers=tuple(approvers),
            collectors=tuple(collectors),
            limits=tuple(map(_read_limit, limits)),
            deadline=int(deadline),
        )
        return SignedConfiguration(
            owner=record["owner"],
            salt=int(record["salt"]),
            network=chain_id(record["network"]),
            configuration=configuration,
            signature=word.raw(record["signature"]),
        )
    except (KeyError, TypeError, ValueError) as wrong:
        raise ValueError(f"this is no signed configuration of an AgentWallet: {wrong!r}") from wrong


def _read_limit(words: list[Any]) -> TokenLimit:
    token, per_day, per_payment, above, name, version = words
    return TokenLimit(
        token=token,
        per_day=int(per_day),
        per_payment=int(per_payment),
        approval_above=int(above),
        name=name,
        version=version,
    )


def _texts(value: object) -> object:
    """Return lists for tuples, and integers as text, because JSON's numbers are not exact everywhere."""
    if isinstance(value, tuple | list):
        return [_texts(each) for each in cast("Sequence[object]", value)]
    return str(value) if type(value) is int else value
