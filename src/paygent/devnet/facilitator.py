"""The official x402 facilitator over HTTP: it verifies payments and settles them on the devnet with its own key."""

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from typing import Any

import requests
from pydantic import ValidationError
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route
from web3 import HTTPProvider
from x402 import PaymentPayload, PaymentRequirements, SchemeNotFoundError, SettleResponse, VerifyResponse
from x402 import x402FacilitatorSync as OfficialFacilitator
from x402.mechanisms.evm import FacilitatorWeb3Signer  # pyright: ignore[reportMissingTypeStubs]  # inline types, no py.typed there
from x402.mechanisms.evm.exact import ExactEvmFacilitatorScheme  # pyright: ignore[reportMissingTypeStubs]  # as above

from paygent.devnet.keys import DevAccount


def facilitator_application(*, rpc_url: str, network: str, account: DevAccount) -> Starlette:
    """Return the application that serves ``/verify``, ``/settle`` and ``/supported`` (v2, ``exact``).

    A refused payment is an answer with status 200; a body that is no x402 request gets 400.
    """
    session = requests.Session()
    facilitator = OfficialFacilitator()
    facilitator.register([network], ExactEvmFacilitatorScheme(_Signer(account, rpc_url, session)))

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncGenerator[None]:
        try:
            yield
        finally:
            session.close()

    async def supported(_: Request) -> JSONResponse:
        return JSONResponse(facilitator.get_supported().model_dump(by_alias=True, exclude_none=True))

    async def verify(request: Request) -> JSONResponse:
        return await _perform(request, facilitator.verify)

    async def settle(request: Request) -> JSONResponse:
        return await _perform(request, facilitator.settle)

    routes = [
        Route("/supported", supported, methods=["GET"]),
        Route("/verify", verify, methods=["POST"]),
        Route("/settle", settle, methods=["POST"]),
    ]
    return Starlette(routes=routes, lifespan=lifespan)


class _Signer(FacilitatorWeb3Signer):
    """The official signer on one HTTP session that can be closed; its own are kept in a cache of web3 for ever."""

    def __init__(self, account: DevAccount, rpc_url: str, session: requests.Session) -> None:
        super().__init__(account.private_key, rpc_url)
        self._w3.provider = HTTPProvider(rpc_url, session=session)


async def _perform(
    request: Request, action: Callable[[PaymentPayload, PaymentRequirements], VerifyResponse | SettleResponse]
) -> JSONResponse:
    try:
        payload, requirements = _parse(await request.json())
        result = await asyncio.to_thread(action, payload, requirements)
    except (ValidationError, ValueError, KeyError, TypeError, SchemeNotFoundError) as error:
        return JSONResponse({"error": f"not a payment this facilitator can judge: {type(error).__name__}"}, 400)
    return JSONResponse(result.model_dump(by_alias=True, exclude_none=True))


def _parse(body: Any) -> tuple[PaymentPayload, PaymentRequirements]:
    payload = PaymentPayload.model_validate(body["paymentPayload"])
    return payload, PaymentRequirements.model_validate(body["paymentRequirements"])
