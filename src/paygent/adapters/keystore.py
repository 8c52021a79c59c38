"""Keystore V3: a private key in a file, encrypted with a password.  Source: Web3 Secret Storage."""

import json
from collections.abc import Mapping
from os import PathLike, fspath
from pathlib import Path
from typing import Any, Final, Literal, cast

from paygent.adapters.local_signer import LocalSigner
from paygent.core.errors import ConfigurationError
from paygent.x402.strict_json import check_depth

_CIPHER: Final = "aes-128-ctr"


def load_keystore(keystore: str | PathLike[str] | Mapping[str, object], password: str) -> LocalSigner:
    """Return the signer whose key a keystore holds: a file's path, or the JSON object already read.

    Raises: ConfigurationError: no such file, no keystore of version 3, a wrong password, or another address inside.
    """
    from eth_keyfile.keyfile import normalize_keys

    written = dict(keystore) if isinstance(keystore, Mapping) else _read(fspath(keystore))
    content = cast("dict[str, Any]", normalize_keys(written))  # early programs wrote Crypto and Version
    if content.get("version") != 3:
        raise ConfigurationError(f"a keystore of version 3 is needed, not of version {content.get('version')!r}")
    signer = LocalSigner(_decrypt(content, password))
    claimed = content.get("address")
    if claimed is not None and str(claimed).lower().removeprefix("0x") != signer.address[2:].lower():
        raise ConfigurationError(f"the keystore says it is of {claimed!r}, but its key is of {signer.address}")
    return signer


def create_keystore(
    private_key: bytes, password: str, *, kdf: Literal["scrypt", "pbkdf2"] = "scrypt", rounds: int | None = None
) -> dict[str, object]:
    """Return the key, encrypted, as a JSON object to write to a file.

    `rounds` is the work of the key derivation (a power of two for scrypt); None takes the usual one.

    Raises: ConfigurationError: that is no private key, or the password is empty.
    """
    from eth_keyfile.keyfile import create_keyfile_json

    LocalSigner(private_key)
    if not password:
        raise ConfigurationError("a keystore needs a password")
    return create_keyfile_json(private_key, password.encode(), version=3, kdf=kdf, iterations=rounds)


def _read(path: str) -> dict[str, object]:
    try:
        raw = Path(path).read_bytes()
        text = raw.decode(json.detect_encoding(raw))
        check_depth(text)
        content = json.loads(text)
    except OSError as error:
        raise ConfigurationError(f"cannot read the keystore {path!r}: {error.strerror}") from error
    except ValueError as error:
        raise ConfigurationError(f"{path!r} is not a keystore: it is not JSON") from error
    if not isinstance(content, dict):
        raise ConfigurationError(f"{path!r} is not a keystore: it is not a JSON object")
    return cast("dict[str, object]", content)


def _decrypt(content: dict[str, Any], password: str) -> bytes:
    from eth_keyfile.keyfile import decode_keyfile_json

    try:
        if (cipher := content["crypto"]["cipher"]) != _CIPHER:  # what opens it takes any for this one
            raise ConfigurationError(f"the keystore is encrypted with {cipher!r}, and {_CIPHER} is supported")
        return decode_keyfile_json(content, password.encode())
    except ValueError as error:
        raise ConfigurationError(f"cannot open the keystore, is the password right? ({error})") from None
    except (KeyError, TypeError, AttributeError, AssertionError, ArithmeticError) as error:
        raise ConfigurationError(f"that is not a keystore of version 3: {type(error).__name__} {error}") from None
