"""The table of contracts that are everywhere."""

import pytest
from eth_utils.address import is_checksum_address
from x402.mechanisms.evm import constants

from paygent.evm import deployments


@pytest.mark.parametrize("address", list(deployments.DEPLOYMENTS.values()))
def test_check_tables_every_address_has_a_valid_checksum(address: str) -> None:
    assert is_checksum_address(address)


def test_the_contracts_are_those_of_the_official_sdk() -> None:
    assert deployments.PERMIT2 == constants.PERMIT2_ADDRESS
    assert deployments.EXACT_PROXY == constants.X402_EXACT_PERMIT2_PROXY_ADDRESS
    assert deployments.UPTO_PROXY == constants.X402_UPTO_PERMIT2_PROXY_ADDRESS
    assert deployments.MULTICALL3 == constants.MULTICALL3_ADDRESS
