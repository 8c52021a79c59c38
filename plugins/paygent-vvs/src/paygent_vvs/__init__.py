"""VVS Finance for Paygent: swaps, liquidity and farms, as unsigned calls."""

from paygent_vvs.connector import VvsConnector

__all__ = ["VvsConnector"]
