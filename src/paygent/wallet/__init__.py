"""A wallet: what an account can do besides paying for x402 services."""

from paygent.wallet.wallet import Wallet

__all__ = ["Wallet"]
