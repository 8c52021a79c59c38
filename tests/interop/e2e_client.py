"""A client with the contract of the official end-to-end tests: pays one resource and prints one JSON line last.

Environment: EVM_PRIVATE_KEY, RESOURCE_SERVER_URL and ENDPOINT_PATH; optional EVM_NETWORK (a CAIP-2 id that may be paid
on, otherwise any), EVM_RPC_URL (an endpoint of that network, to read allowances and to prove the payment). It is for
test networks: it trusts every token that the seller offers, as far as the seller names it.
"""

import base64
import json
import os
import sys
from collections.abc import Mapping
from typing import Any

import anyio
import httpx

from paygent.client import X402Client
from paygent.core.caip import AssetId, ChainId, chain_id
from paygent.core.errors import PaygentError
from paygent.core.money import Asset
from paygent.core.requirements import PaymentRequirements, Token
from paygent.evm.networks import NETWORKS
from paygent.evm.tokens import TOKENS
from paygent.policy.policy import Policy
from paygent.testing.journal import MemoryJournal
from paygent.x402.codec import read_payment_required

REQUIRED = ("EVM_PRIVATE_KEY", "RESOURCE_SERVER_URL", "ENDPOINT_PATH")
_CLAIMS = ("PAYMENT-RESPONSE", "X-PAYMENT-RESPONSE")
Result = dict[str, Any]


def main(environment: Mapping[str, str]) -> int:
    """Pay, print the result, and return the exit code: 0 when the resource was bought."""
    missing = [name for name in REQUIRED if not environment.get(name)]
    if missing:
        return _print({"success": False, "error": f"missing environment variables: {', '.join(missing)}"})
    try:
        return _print(anyio.run(_buy, environment))
    except (PaygentError, httpx.HTTPError, httpx.InvalidURL, ValueError) as error:
        return _print({"success": False, "error": f"{type(error).__name__}: {error}"})


def _print(result: Result) -> int:
    print(json.dumps(result))
    return 0 if result["success"] else 1


async def _buy(environment: Mapping[str, str]) -> Result:
    url = environment["RESOURCE_SERVER_URL"].rstrip("/") + environment["ENDPOINT_PATH"]
    network = environment.get("EVM_NETWORK")
    policy = Policy(networks=frozenset({chain_id(network)}) if network else None)
    rpc = environment.get("EVM_RPC_URL")
    offered = await _offered(url)
    networks = {str(offer.network) for offer in offered if network in (None, "", str(offer.network))}
    async with X402Client.open(
        private_key=environment["EVM_PRIVATE_KEY"],
        journal=MemoryJournal(),
        policy=policy,
        tokens=[token for offer in offered if (token := _believed(offer)) is not None],
        rpc=dict.fromkeys(networks, rpc) if rpc else {},
    ) as client:
        return _result(await client.get(url))


async def _offered(url: str) -> tuple[PaymentRequirements, ...]:
    """Return what the seller asks for, before anything else is done."""
    async with httpx.AsyncClient(trust_env=False) as http:
        response = await http.get(url)
    if response.status_code != httpx.codes.PAYMENT_REQUIRED:
        return ()
    required = read_payment_required(headers=response.headers, body=response.content)
    return () if required is None else required.requirements


def _believed(offer: PaymentRequirements) -> Token | None:
    """Return a token nobody knows as its seller describes it; its price counts as dollars with 6 decimals."""
    asset: AssetId = offer.asset
    if asset in TOKENS or offer.eip712_name is None or not _is_test(offer.network):
        return None
    versions = (offer.eip712_version or "1",)
    return Token(
        asset=Asset(id=asset, symbol="TEST", decimals=6), name=offer.eip712_name, versions=versions, usd=True, test=True
    )


def _is_test(network: ChainId) -> bool:
    known = NETWORKS.get(network)
    return known is None or known.test


def _result(response: httpx.Response) -> Result:
    claim = next((response.headers[name] for name in _CLAIMS if name in response.headers), None)
    settlement = None if claim is None else json.loads(base64.b64decode(claim))
    paid = settlement is None or settlement["success"]
    try:
        data = response.json()
    except ValueError:
        data = response.text
    return {
        "success": response.is_success and paid,
        "data": data,
        "status_code": response.status_code,
        "payment_response": settlement,
    }


if __name__ == "__main__":
    sys.exit(main(os.environ))
