"""From an answer that was read to signed bytes."""

import secrets
import time
from time import perf_counter

from coincurve import PrivateKey
from x402.http.utils import decode_payment_required_header

from paygent.adapters.local_signer import LocalSigner
from paygent.core.requirements import PaymentRequired
from paygent.evm.tokens import TOKENS
from paygent.evm.tokens import domain as token_domain
from paygent.policy import firewall
from paygent.policy.evaluate import Ask, evaluate
from paygent.x402 import authorization, read_offers, read_payment_required, select, typed_data, write_payload
from tests.bench.clients import POLICY, official_sdk
from tests.bench.report import Row
from tests.bench.sampling import Contender, medians
from tests.bench.seller import PAYER, required_header


async def rows(rounds: int) -> list[Row]:
    """Ours chooses under the policy, passes the firewall and writes the header; the official one makes its payload."""
    sdk, theirs = official_sdk(), decode_payment_required_header(required_header())
    signer = LocalSigner(PAYER.private_key)
    ours = read_payment_required(headers={"payment-required": required_header()}, body=None)
    assert ours is not None

    async def official() -> float:
        begun = perf_counter()
        await sdk.create_payment_payload(theirs)
        return perf_counter() - begun

    async def paygent() -> float:
        begun = perf_counter()
        await _header(ours, signer)
        return perf_counter() - begun

    took = await medians({"ours": paygent, "official": official, "bare": _bare()}, rounds=rounds, in_a_row=20)
    ours_us = took["ours"] * 1e6
    name = "build and sign one exact payload"
    return [
        Row(
            name=name,
            unit="µs",
            paygent=ours_us,
            peer_name="official SDK",
            peer=took["official"] * 1e6,
            target=1 / 7,
        ),
        Row(name=name, unit="µs", paygent=ours_us, peer_name="bare libsecp256k1 signature", peer=took["bare"] * 1e6),
    ]


def _bare() -> Contender:
    key, digest = PrivateKey(bytes.fromhex(PAYER.private_key[2:])), secrets.token_bytes(32)

    async def sign() -> float:
        begun = perf_counter()
        key.sign_recoverable(digest, hasher=None)
        return perf_counter() - begun

    return sign


async def _header(required: PaymentRequired, signer: LocalSigner) -> str:
    offers, _ = read_offers(required, TOKENS)
    chosen = select(
        offers,
        lambda offer: evaluate(
            POLICY,
            Ask(
                payer=signer.address,
                payee=offer.payee,
                network=offer.requirements.network,
                token=offer.token,
                amount=offer.amount,
                host="seller.example",
            ),
        ),
    ).chosen
    assert chosen is not None
    now = int(time.time())
    signed = authorization(
        chosen, payer=signer.address, nonce=secrets.token_bytes(32), valid_after=0, valid_before=now + 60
    )
    data = typed_data(signed, chosen.token)
    rules = firewall.SigningRules(
        payer=signer.address,
        tokens={token_domain(chosen.token): chosen.amount.atomic},
        now=now,
        max_validity_seconds=60,
    )
    firewall.check(data, rules)
    signature = await signer.sign_typed_data(data)
    return write_payload(required, chosen.requirements, signed, signature).value
