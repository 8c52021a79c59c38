"""Contracts that have the same address on every chain.  Source: x402 and Permit2 deployments (CREATE2), Multicall3."""

from paygent.evm.tables import table

DEPLOYMENTS = table("deployments.json", dict[str, str])
"""Checksummed address of each contract by name."""

PERMIT2 = DEPLOYMENTS["permit2"]
EXACT_PROXY = DEPLOYMENTS["x402_exact_permit2_proxy"]
UPTO_PROXY = DEPLOYMENTS["x402_upto_permit2_proxy"]
MULTICALL3 = DEPLOYMENTS["multicall3"]
