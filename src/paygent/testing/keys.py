"""The development accounts, for tests: public keys of no value."""

from paygent.devnet.keys import LOCAL_SIGNER_CHAIN_IDS, DevAccount, dev_accounts, dev_mnemonic

__all__ = ["LOCAL_SIGNER_CHAIN_IDS", "DevAccount", "dev_accounts", "dev_mnemonic"]
