"""Lists as a program gives them. What is written wrongly meets nothing, and a deny list with it denies nothing."""

from collections.abc import Iterable
from typing import Any, Final, cast

from paygent.core.caip import AssetId, ChainId, is_evm_address
from paygent.core.errors import ConfigurationError
from paygent.policy.hosts import normal_host

LISTS: Final = ("networks", "assets", "hosts", "payees", "services", "agents", "oracles")
_KINDS: Final[dict[str, type]] = {"networks": ChainId, "assets": AssetId}
_EXAMPLES: Final = {"networks": "ChainId('eip155:25')", "assets": "token.asset.id", "hosts": "'api.example.com'"}


def normal_list(name: str, given: object) -> frozenset[Any]:
    """Return a list of a policy as it is compared.

    Raises: ConfigurationError: it is no set, or something in it is of another kind than the list is of.
    """
    example = _EXAMPLES.get(name, "'name'" if name != "payees" else "'0x…'")
    if isinstance(given, str) or not isinstance(given, Iterable):
        raise ConfigurationError(f"{name} is {given!r}; write a set of them, such as frozenset({{{example}}})")
    named = tuple(cast("Iterable[object]", given))
    for each in named:
        if not isinstance(each, _KINDS.get(name, str)):
            raise ConfigurationError(f"{name} has {each!r}, which would never be met; write {example}")
        if name == "payees" and not is_evm_address(str(each)):
            raise ConfigurationError(f"payees has {each!r}, which is no address: 0x and 40 hexadecimal digits")
    return frozenset(map(_normal_host, named) if name == "hosts" else named)


def _normal_host(named: object) -> str:
    try:
        return normal_host(str(named))
    except ValueError as wrong:
        raise ConfigurationError(str(wrong)) from wrong
