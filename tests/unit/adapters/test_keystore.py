"""Keys in password-protected files."""

import json
from pathlib import Path
from typing import Any

import pytest
from eth_account import Account

from paygent.adapters.keystore import create_keystore, load_keystore
from paygent.core.errors import ConfigurationError

KEY = bytes.fromhex("ac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80")
ADDRESS = "0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266"
PASSWORD = "correct horse β"


@pytest.fixture(scope="module")
def keystore() -> dict[str, object]:
    return create_keystore(KEY, PASSWORD, rounds=2)


def test_create_keystore_can_be_opened_by_eth_account(keystore: dict[str, object]) -> None:
    assert bytes(Account.decrypt(keystore, PASSWORD)) == KEY


@pytest.mark.parametrize("kdf", ["scrypt", "pbkdf2"])
def test_load_keystore_opens_what_eth_account_wrote(kdf: Any) -> None:
    written = Account.encrypt(KEY, PASSWORD, kdf=kdf, iterations=2)

    assert load_keystore(written, PASSWORD).address == ADDRESS


def test_load_keystore_opens_the_example_of_the_specification() -> None:
    written = {
        "crypto": {
            "cipher": "aes-128-ctr",
            "cipherparams": {"iv": "6087dab2f9fdbbfaddc31a909735c1e6"},
            "ciphertext": "5318b4d5bcd28de64ee5559e671353e16f075ecae9f99c7a79a38af5f869aa46",
            "kdf": "pbkdf2",
            "kdfparams": {
                "c": 262144,
                "dklen": 32,
                "prf": "hmac-sha256",
                "salt": "ae3cd4e7013836a3df6bd7241b12db061dbe2c6785853cce422d148a624ce0bd",
            },
            "mac": "517ead924a9d0dc3124507e3393d175ce3ff7c1e96529c6c555ce9e51205e9b2",
        },
        "id": "3198bc9c-6672-5ab3-d995-4942343ae5b6",
        "version": 3,
    }

    assert load_keystore(written, "testpassword").address == "0x008AeEda4D805471dF9b2A5B0f38A0C3bCBA786b"


@pytest.mark.parametrize("kind", [str, Path])
def test_load_keystore_reads_a_file(tmp_path: Path, keystore: dict[str, object], kind: Any) -> None:
    path = tmp_path / "key.json"
    path.write_text(json.dumps(keystore))

    assert load_keystore(kind(path), PASSWORD).address == ADDRESS


def test_load_keystore_opens_one_whose_fields_are_in_upper_case(keystore: dict[str, Any]) -> None:
    crypto = {name.upper(): value for name, value in keystore["crypto"].items()}
    written = {"Version": 3, "Crypto": crypto, "Address": "11" * 20}

    assert load_keystore(written | {"Address": ADDRESS}, PASSWORD).address == ADDRESS
    with pytest.raises(ConfigurationError, match="its key is of 0xf39F"):
        load_keystore(written, PASSWORD)


def test_load_keystore_refuses_when_the_password_is_wrong(keystore: dict[str, object]) -> None:
    with pytest.raises(ConfigurationError, match="is the password right") as caught:
        load_keystore(keystore, "wrong word")

    assert "wrong word" not in str(caught.value)


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (None, "cannot read the keystore"),
        (b"\xff\xfe{", "not JSON"),
        (b"not json", "not JSON"),
        (b"[" * 100_000, "not JSON"),
        (b'{"a":' * 100_000, "not JSON"),
        (b"[]", "not a JSON object"),
        (b"{}", "of version 3"),
        (b'{"version": 4}', "of version 3"),
        (b'{"version": 3}', "not a keystore of version 3"),
        (b'{"version": 3, "crypto": []}', "not a keystore of version 3"),
        (b'{"version": 3, "crypto": {"cipher": "aes-128-ctr", "kdf": "argon"}}', "not a keystore of version 3"),
        (b'{"version": 3, "crypto": {"cipher": "aes-128-cbc"}}', "encrypted with 'aes-128-cbc'"),
    ],
)
def test_load_keystore_refuses_when_the_file_is_no_keystore(tmp_path: Path, content: bytes | None, why: str) -> None:
    path = tmp_path / "key.json"
    if content is not None:
        path.write_bytes(content)

    with pytest.raises(ConfigurationError, match=why):
        load_keystore(path, PASSWORD)


@pytest.mark.parametrize(
    ("kdf", "name", "value"), [("scrypt", "n", 1.5), ("scrypt", "r", 0), ("pbkdf2", "prf", 1), ("pbkdf2", "prf", "md5")]
)
def test_load_keystore_refuses_when_the_key_derivation_makes_no_sense(kdf: Any, name: str, value: object) -> None:
    written: dict[str, Any] = create_keystore(KEY, PASSWORD, kdf=kdf, rounds=2)
    written["crypto"]["kdfparams"][name] = value

    with pytest.raises(ConfigurationError, match="not a keystore of version 3"):
        load_keystore(written, PASSWORD)


def test_load_keystore_reads_a_file_in_any_encoding_of_unicode(tmp_path: Path, keystore: dict[str, object]) -> None:
    path = tmp_path / "key.json"
    path.write_text(json.dumps(keystore), encoding="utf-16")

    assert load_keystore(path, PASSWORD).address == ADDRESS


def test_load_keystore_refuses_when_the_address_is_another(keystore: dict[str, object]) -> None:
    other = keystore | {"address": "11" * 20}

    with pytest.raises(ConfigurationError, match="its key is of 0xf39F"):
        load_keystore(other, PASSWORD)


def test_load_keystore_takes_one_that_does_not_say_its_address(keystore: dict[str, object]) -> None:
    silent = {name: value for name, value in keystore.items() if name != "address"}

    assert load_keystore(silent, PASSWORD).address == ADDRESS


def test_create_keystore_refuses_when_there_is_no_password() -> None:
    with pytest.raises(ConfigurationError, match="needs a password"):
        create_keystore(KEY, "")


def test_create_keystore_refuses_when_it_is_no_key() -> None:
    with pytest.raises(ConfigurationError, match="private key is zero"):
        create_keystore(bytes(32), PASSWORD)
