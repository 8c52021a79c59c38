"""Extensions of version 2: what the seller advertises is echoed unchanged, and the buyer only adds."""

import re
from collections.abc import Mapping

from paygent.core.errors import LocalProtocolError
from paygent.core.requirements import PaymentRequired, Refusal
from paygent.evm.address import checksum
from paygent.x402.strict_json import as_object, excerpt

PAYMENT_IDENTIFIER = "payment-identifier"
GAS_SPONSORING = "eip2612GasSponsoring"
SUPPORTED = frozenset({GAS_SPONSORING, PAYMENT_IDENTIFIER})
"""Extensions that a seller may require."""

_IDENTIFIER = re.compile(r"[A-Za-z0-9_-]{16,128}")


def unsupported_extension(extensions: Mapping[str, object]) -> Refusal | None:
    """Refuse the whole answer where the seller requires an extension that is not spoken here."""
    for key, value in extensions.items():
        if key not in SUPPORTED and _info(value).get("required") not in (None, False):
            text = f"the seller requires the extension {excerpt(key)}; supported are {', '.join(sorted(SUPPORTED))}"
            return Refusal(index=-1, code="unsupported_extension", text=text)
    return None


def declared_metadata(required: PaymentRequired) -> str | None:
    """Return where the seller says that its service is described: `metadataURI` of the resource or of an extension.

    It is a claim. A seller that makes none is not caught by it.
    """
    places = (required.resource or {}, *map(_info, required.extensions.values()))
    said = (place.get("metadataURI") for place in places)
    return next((uri for uri in said if isinstance(uri, str) and uri), None)


def with_payment_identifier(extensions: Mapping[str, object], identifier: str) -> dict[str, object]:
    """Return the extensions with the purchase's name, where the seller advertises payment-identifier.

    The same identifier with the same payload gets the same answer again; pass what never changes for a payment.

    Raises: LocalProtocolError: not 16 to 128 letters, digits, hyphens or underscores.
    """
    if not _IDENTIFIER.fullmatch(identifier):
        raise LocalProtocolError(f"{identifier!r} is not 16 to 128 letters, digits, hyphens or underscores")
    return _added(extensions, PAYMENT_IDENTIFIER, {"id": identifier})


def with_gas_sponsoring(
    extensions: Mapping[str, object],
    *,
    owner: str,
    asset: str,
    spender: str,
    amount: int,
    nonce: int,
    deadline: int,
    signature: bytes,
) -> dict[str, object]:
    """Return the extensions with a signed EIP-2612 permit, so that the facilitator pays the gas of the approval.

    Args: asset: the token's address. spender: Permit2. amount: atomic units. deadline: unix seconds.

    Raises: LocalProtocolError: the seller does not advertise it.
    """
    if GAS_SPONSORING not in extensions:
        raise LocalProtocolError(f"the seller does not offer {GAS_SPONSORING}")
    info: dict[str, object] = {
        "from": checksum(owner),
        "asset": checksum(asset),
        "spender": checksum(spender),
        "amount": str(amount),
        "nonce": str(nonce),
        "deadline": str(deadline),
        "signature": f"0x{signature.hex()}",
        "version": "1",
    }
    return _added(extensions, GAS_SPONSORING, info)


def _added(extensions: Mapping[str, object], key: str, info: dict[str, object]) -> dict[str, object]:
    """Add to one extension's info; what the seller wrote there wins, because servers check that it survives."""
    entry = as_object(extensions.get(key))
    if entry is None:
        return dict(extensions)
    return {**extensions, key: {**entry, "info": {**info, **_info(entry)}}}


def _info(entry: object) -> dict[str, object]:
    found = as_object(entry)
    return (None if found is None else as_object(found.get("info"))) or {}
