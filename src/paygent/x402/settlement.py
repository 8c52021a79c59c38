"""What became of a payment, in the words of a seller or facilitator: a claim until the chain proves it."""

import re
from collections.abc import Mapping

from pydantic import ValidationError

from paygent.core.errors import RemoteProtocolError
from paygent.core.requirements import Settlement
from paygent.x402.strict_json import MAX_BODY, decode_base64, parse_json, words
from paygent.x402.wire import CronosSettled, Settled, complaint

_HEADERS = ("payment-response", "x-payment-response")
_HASH = re.compile(r"0x[0-9a-fA-F]{64}")
_PENDING = "settlement_pending"


def read_settlement(headers: Mapping[str, str]) -> Settlement | None:
    """Read the settlement an answer carries, whatever its status; None where it carries none.

    Raises: RemoteProtocolError: there is one and it cannot be read.
    """
    for name in _HEADERS:
        if (header := headers.get(name)) is not None:
            try:
                return _settlement(parse_json(decode_base64(header)))
            except ValueError as exc:
                raise _unreadable(f"the {name} header", exc, header) from exc
    return None


def read_settlement_body(raw: bytes) -> Settlement:
    """Read a coinbase-style settlement that is a JSON body: a facilitator's answer.

    Raises: RemoteProtocolError: it cannot be read.
    """
    try:
        return _settlement(_parse_body(raw))
    except ValueError as exc:
        raise _unreadable("the settlement", exc, raw) from exc


def read_cronos_settlement(raw: bytes) -> Settlement:
    """Read the Cronos facilitator's answer to a settle request.

    Raises: RemoteProtocolError: it cannot be read.
    """
    try:
        read = CronosSettled.model_validate(_parse_body(raw))
    except ValueError as exc:
        raise _unreadable("the settlement", exc, raw) from exc
    success = read.event == "payment.settled"
    return Settlement(
        success=success,
        transaction=_hash(read.tx_hash),
        network=words(read.network),
        payer=words(read.payer),
        amount=read.value,
        error=None if success else words(read.error) or words(read.event),
    )


def _settlement(value: object) -> Settlement:
    read = Settled.model_validate(value)
    failure = None if read.success else words(read.error_reason) or words(read.error_message)
    return Settlement(
        success=read.success,
        transaction=_hash(read.transaction),
        network=words(read.network),
        payer=words(read.payer),
        amount=read.amount,
        error=failure,
        pending=not read.success and read.error_reason is not None and read.error_reason.endswith(_PENDING),
    )


def _hash(text: str | None) -> str | None:
    return text if text is not None and _HASH.fullmatch(text) else None


def _parse_body(raw: bytes) -> object:
    if len(raw) > MAX_BODY:
        raise ValueError(f"it has {len(raw)} bytes, {MAX_BODY} are allowed")
    return parse_json(raw)


def _unreadable(what: str, why: ValueError, said: str | bytes) -> RemoteProtocolError:
    reason = complaint(why)[1] if isinstance(why, ValidationError) else str(why)
    shown = said if isinstance(said, str) else said[:80].decode("utf-8", "replace")
    return RemoteProtocolError(f"{what} cannot be read: {reason}", excerpt=shown[:80])
