"""Who pays the gas for calls that anybody may make."""

from typing import Protocol

from paygent.core.caip import ChainId


class Relayer(Protocol):
    """**Protocol:** a funded account that submits a call whose authority is a signature inside it.

    It is given no key of a wallet and moves none of its money; the engine has it cancel authorizations.
    """

    async def send(self, chain: ChainId, to: str, data: str) -> str:
        """Submit a call, wait until it is mined, and return the transaction's 0x hash.

        Raises:
            AdapterError: it was not sent, reverted, or was not mined in time; the message says which.
            ConfigurationError: the relayer has no endpoint for this chain.
        """
        ...
