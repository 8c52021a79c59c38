"""The development accounts every Ethereum tool knows. Their keys are public: real money sent to them is taken at once.

They come from the mnemonic "test test test test test test test test test test test junk" by the path m/44'/60'/0'/0/i.
"""

import json
from dataclasses import dataclass, field
from functools import lru_cache
from importlib.resources import files
from typing import Any

LOCAL_SIGNER_CHAIN_IDS = frozenset({1337, 31337})
"""The chains on which these keys may sign: those that development nodes give to themselves."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DevAccount:
    """An account whose key is public."""

    address: str
    """With EIP-55 checksum."""
    private_key: str = field(repr=False)
    """0x and 64 hexadecimal digits."""


def dev_accounts() -> tuple[DevAccount, ...]:
    """Return the first accounts of the development mnemonic, in their order."""
    return tuple(DevAccount(**account) for account in _listed()["accounts"])


def dev_mnemonic() -> str:
    """Return the words the accounts are derived from."""
    words: str = _listed()["mnemonic"]
    return words


@lru_cache(maxsize=1)
def _listed() -> Any:
    return json.loads(files("paygent.devnet").joinpath("artifacts", "dev_accounts.json").read_text("utf-8"))
