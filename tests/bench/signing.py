"""From an answer that was read to signed bytes."""

import secrets
import time
from collections.abc import Awaitable, Callable
from functools import partial
from time import perf_counter

import anyio
from coincurve import PrivateKey
from eth_account import Account
from x402.http.utils import decode_payment_required_header, encode_payment_signature_header
from x402.mechanisms.evm.exact import ExactEvmScheme
from x402.mechanisms.evm.signers import EthAccountSigner
from x402.schemas import PaymentRequired as OfficialRequired

from paygent.adapters.local_signer import LocalSigner
from paygent.core.requirements import Authorization, PaymentRequired
from paygent.evm.tokens import TOKENS
from paygent.policy import firewall
from paygent.policy.evaluate import Ask, evaluate
from paygent.x402 import (
    Offer,
    authorization,
    payment_message,
    read_offers,
    read_payment_required,
    select,
    typed_data,
    write_payload,
)
from tests.bench.clients import POLICY, official_sdk
from tests.bench.report import Row
from tests.bench.sampling import Contender, medians, of_processes
from tests.bench.seller import PAYER, required_header

_NAME = "payment-required"


def rows(rounds: int) -> list[Row]:
    """Return two spans: from a chosen offer to its signed payload, and from the seller's answer to what is sent."""
    us = {name: took * 1e6 for name, took in of_processes(_measured, rounds=rounds).items()}
    build, choose = "build and sign one exact payload", "choose an offer, build, sign, write the header"
    return [
        Row(name=build, unit="µs", paygent=us["build"], peer_name="official scheme", peer=us["scheme"], target=1 / 7),
        Row(name=build, unit="µs", paygent=us["build"], peer_name="bare libsecp256k1 signature", peer=us["signature"]),
        Row(name=choose, unit="µs", paygent=us["choose"], peer_name="official SDK", peer=us["sdk"]),
    ]


def _measured(rounds: int) -> dict[str, float]:
    wire = required_header()
    theirs, ours = decode_payment_required_header(wire), read_payment_required(headers={_NAME: wire}, body=None)
    assert isinstance(theirs, OfficialRequired)
    assert ours is not None
    return anyio.run(partial(medians, _contenders(ours, theirs), rounds=rounds, in_a_row=100))


def _contenders(ours: PaymentRequired, theirs: OfficialRequired) -> dict[str, Contender]:
    signer, sdk = LocalSigner(PAYER.private_key), official_sdk()
    scheme = ExactEvmScheme(EthAccountSigner(Account.from_key(PAYER.private_key)))
    key, digest = PrivateKey(bytes.fromhex(PAYER.private_key[2:])), secrets.token_bytes(32)
    chosen = _choose(ours, signer)

    async def build() -> object:
        return payment_message(ours, chosen.requirements, *await _sign(chosen, signer))

    async def choose() -> object:
        best = _choose(ours, signer)
        return write_payload(ours, best.requirements, *await _sign(best, signer))

    async def official_scheme() -> object:
        return scheme.create_payment_payload(theirs.accepts[0])

    async def official_sdk_path() -> object:
        return encode_payment_signature_header(await sdk.create_payment_payload(theirs))

    async def signature() -> object:
        return key.sign_recoverable(digest, hasher=None)

    works = {
        "build": build,
        "choose": choose,
        "scheme": official_scheme,
        "sdk": official_sdk_path,
        "signature": signature,
    }
    return {name: partial(_timed, work) for name, work in works.items()}


async def _timed(work: Callable[[], Awaitable[object]]) -> float:
    begun = perf_counter()
    await work()
    return perf_counter() - begun


def _choose(required: PaymentRequired, signer: LocalSigner) -> Offer:
    offers, _ = read_offers(required, TOKENS)
    chosen = select(offers, lambda offer: evaluate(POLICY, _ask(offer, signer.address))).chosen
    assert chosen is not None
    return chosen


def _ask(offer: Offer, payer: str) -> Ask:
    return Ask(
        payer=payer,
        payee=offer.payee,
        network=offer.requirements.network,
        token=offer.token,
        amount=offer.amount,
        host="seller.example",
    )


async def _sign(chosen: Offer, signer: LocalSigner) -> tuple[Authorization, bytes]:
    """Authorize, pass the firewall, sign."""
    now = int(time.time())
    signed = authorization(
        chosen, payer=signer.address, nonce=secrets.token_bytes(32), valid_after=0, valid_before=now + 60
    )
    data = typed_data(signed, chosen.token)
    rules = firewall.SigningRules(
        payer=signer.address,
        payee=chosen.payee,
        tokens={data.domain: chosen.amount.atomic},
        now=now,
        max_validity_seconds=60,
    )
    firewall.check(data, rules)
    return signed, await signer.sign_typed_data(data)
