"""Short names of values, the same in every process: to tell whether what a run began with has changed."""

import json
from collections.abc import Collection, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import fields, is_dataclass
from enum import Enum
from hashlib import sha256
from typing import Any, cast


def fingerprint(value: object) -> str:
    """Return 64 hexadecimal digits that change when the value does. Sets and mappings have no order."""
    return sha256(json.dumps(_plain(value), sort_keys=True, separators=(",", ":")).encode()).hexdigest()


def _plain(value: object) -> Any:
    if isinstance(value, Enum):
        return str(value.value)
    if value is None or isinstance(value, bool | int | str):
        return value
    if is_dataclass(value) and not isinstance(value, type):
        kept = [part.name for part in fields(value) if part.compare]
        return [type(value).__name__, {name: _plain(getattr(value, name)) for name in kept}]
    return _many(value) if isinstance(value, Collection) else [type(value).__qualname__, str(value)]  # pyright: ignore[reportUnknownArgumentType]  # any fields


def _many(value: Collection[object]) -> Any:
    if isinstance(value, Mapping):
        return {str(name): _plain(each) for name, each in cast("Mapping[object, object]", value).items()}
    plain = [_plain(each) for each in value]
    return sorted(plain, key=json.dumps) if isinstance(value, AbstractSet) else plain
