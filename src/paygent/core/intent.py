"""A wish to pay, bound to one offer, with bytes that everybody agrees on."""

import json
from dataclasses import dataclass
from typing import Literal

from paygent.core.caip import ChainId
from paygent.core.ids import IntentId, digest
from paygent.core.money import Amount

_text = json.encoder.encode_basestring_ascii

Purpose = Literal["x402", "transfer", "swap", "position"]


@dataclass(frozen=True, slots=True, kw_only=True)
class PaymentIntent:
    """One payment somebody wants made once. Another amount, payee or resource is another intent."""

    id: IntentId
    """Names the wish; its authorization's nonce is derived from the whole intent."""
    purpose: Purpose
    """What kind of payment it is."""
    network: ChainId
    """The chain it is paid on."""
    payer: str
    """Checksummed address whose money it is."""
    payee: str
    """Checksummed address of who is paid."""
    amount: Amount
    """The ceiling: what is paid, or the most that may be charged (`upto`)."""
    scheme: str
    """How it is paid: `exact` or `upto`, and by which transfer method, for example `exact/eip3009`."""
    resource: str
    """What is bought: the URL, without credentials and fragment."""
    method: str
    """HTTP method of the request, upper case; empty where there is no request."""
    request: str
    """64 hexadecimal digits that name the request with its body."""
    deadline: int
    """Unix seconds by block time; no authorization of this intent is valid at or after it."""

    @property
    def host(self) -> str:
        """Host and port of the resource in lower case."""
        return self.resource.partition("://")[2].partition("/")[0].partition("?")[0].lower()

    def canonical(self) -> bytes:
        """Return the bytes that stand for the intent: JSON, sorted keys, no blanks, ASCII (within RFC 8785)."""
        return (
            f'{{"amount":"{self.amount.atomic}",'
            f'"asset":{_text(self.amount.asset.id.text)},'
            f'"deadline":"{self.deadline}",'
            f'"id":{_text(self.id)},'
            f'"method":{_text(self.method)},'
            f'"network":{_text(self.network.text)},'
            f'"payee":{_text(self.payee.lower())},'
            f'"payer":{_text(self.payer.lower())},'
            f'"purpose":{_text(self.purpose)},'
            f'"request":{_text(self.request)},'
            f'"resource":{_text(self.resource)},'
            f'"scheme":{_text(self.scheme)}}}'
        ).encode()

    @property
    def digest(self) -> bytes:
        """32 bytes that change when anything about the intent changes."""
        return digest("intent/1", self.canonical())
