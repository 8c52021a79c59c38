"""Which AgentWallet is meant: on which chain, at which address."""

from paygent.core.caip import ChainId
from paygent.core.errors import ConfigurationError, LocalProtocolError
from paygent.evm import agent_wallet
from paygent.runtime.assemble import Parts
from paygent.wallet.wallet import address_of


def predicted(owner: str, salt: int) -> str:
    """Return the address of the wallet of `owner` and `salt`. Raises: LocalProtocolError: they are none."""
    try:
        return agent_wallet.predict(owner, salt)
    except ValueError as wrong:
        raise LocalProtocolError(str(wrong)) from wrong


def network_of(parts: Parts, network: ChainId | None) -> ChainId:
    """Return the chain that is meant. Raises: ConfigurationError: no endpoint, or several and none is named."""
    both = [each for each in parts.chains if each in parts.writers]
    if network is None and len(both) == 1:
        return both[0]
    if network is None or network not in both:
        known = ", ".join(map(str, both)) or "none"
        raise ConfigurationError(f"say on which chain the AgentWallet is; endpoints that can send: {known}")
    return network


def place_of(address: str | None, owner: str | None, salt: int, key: str) -> str:
    """Return the address that is meant. Raises: ConfigurationError, LocalProtocolError: it is said twice, or wrong."""
    if address is not None and owner is not None:
        raise ConfigurationError("give the address of the AgentWallet, or its owner and salt, not both")
    if address is None:
        return predicted(key if owner is None else address_of(owner), salt)
    return address_of(address)
