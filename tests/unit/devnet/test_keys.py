"""The development accounts are the ones every tool derives."""

import pytest
from eth_account import Account

from paygent.devnet.keys import LOCAL_SIGNER_CHAIN_IDS, dev_accounts, dev_mnemonic


@pytest.mark.parametrize("index", range(6))
def test_account_is_derived_from_the_mnemonic(index: int) -> None:
    Account.enable_unaudited_hdwallet_features()
    derived = Account.from_mnemonic(dev_mnemonic(), account_path=f"m/44'/60'/0'/0/{index}")
    listed = dev_accounts()[index]

    assert (derived.address, bytes(derived.key)) == (listed.address, bytes.fromhex(listed.private_key[2:]))


def test_account_hides_its_key_when_it_is_shown() -> None:
    account = dev_accounts()[0]

    assert f"DevAccount(address={account.address!r})" == repr(account)


def test_keys_are_for_local_chains_only() -> None:
    assert {1337, 31337} == LOCAL_SIGNER_CHAIN_IDS
