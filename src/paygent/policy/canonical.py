"""One text for one policy, so that a digest of it says in the audit log by which rules payments were judged."""

import hashlib
import json
from dataclasses import fields, is_dataclass
from decimal import Decimal
from enum import Enum
from typing import cast

from paygent.core.errors import LocalProtocolError
from paygent.policy.policy import Policy


def canonical(policy: Policy) -> bytes:
    """Return JSON with sorted keys and only strings as values (within RFC 8785): equal policies, equal bytes."""
    return json.dumps(_plain(policy), sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def digest(policy: Policy) -> str:
    """Return 64 hexadecimal digits: the SHA-256 of the canonical policy."""
    return hashlib.sha256(canonical(policy)).hexdigest()


def _plain(value: object) -> object:
    if is_dataclass(value) and not isinstance(value, type):
        return {field.name: _plain(getattr(value, field.name)) for field in fields(value) if field.compare}
    if isinstance(value, tuple):
        return [_plain(each) for each in cast("tuple[object, ...]", value)]
    if isinstance(value, frozenset):
        parts = [_plain(each) for each in cast("frozenset[object]", value)]
        return sorted(parts, key=lambda part: json.dumps(part, sort_keys=True))
    return _word(value)


def _word(value: object) -> str | None:
    if value is None:
        return None
    if isinstance(value, Enum):
        return value.name
    if isinstance(value, str | int | Decimal):
        return str(value)
    raise LocalProtocolError(f"a policy has {value!r}, of which the audit log cannot make a digest")
