"""Reading records: fields of a JSON object by their type."""

import re
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import NoReturn, TypeAlias, TypeVar, get_args

from paygent.core.caip import AssetId
from paygent.core.money import Amount, Asset

JSON: TypeAlias = bool | int | str | list["JSON"] | dict[str, "JSON"] | None
"""What a record is made of."""

_T = TypeVar("_T")
_INTEGER = re.compile(r"0|-?[1-9][0-9]{0,90}")


def maybe(write: Callable[[_T], JSON], value: _T | None) -> JSON:
    """Return what `write` makes of a value, or None where there is none."""
    return None if value is None else write(value)


def amount_record(amount: Amount) -> JSON:
    """Return an amount as [atomic, asset, symbol, decimals], all text."""
    asset = amount.asset
    return [str(amount.atomic), str(asset.id), asset.symbol, str(asset.decimals)]


@lru_cache(maxsize=1024)
def _asset(asset_id: str, symbol: str, decimals: int) -> Asset:
    return Asset(id=AssetId.parse(asset_id), symbol=symbol, decimals=decimals)


class Fields:
    """Reads fields of one JSON object by type; a wrong or missing one raises ValueError with its name."""

    __slots__ = ("_object", "_path")

    def __init__(self, object_: Mapping[str, JSON], path: str) -> None:
        self._object = object_
        self._path = path

    def text(self, name: str) -> str:
        value = self._value(name)
        return value if isinstance(value, str) else self._refuse(name, "text")

    def flag(self, name: str) -> bool:
        value = self._value(name)
        return value if isinstance(value, bool) else self._refuse(name, "true or false")

    def number(self, name: str) -> int:
        text = self._value(name)
        if not isinstance(text, str) or not _INTEGER.fullmatch(text):
            self._refuse(name, "a decimal integer in a string")
        return int(text)

    def word(self, name: str, words: Callable[[str], _T]) -> _T:
        text = self.text(name)
        try:
            return words(text)
        except ValueError:
            self._refuse(name, "a known word")

    def one_of(self, name: str, literal: object) -> str:
        text = self.text(name)
        return text if text in get_args(literal) else self._refuse(name, "a known word")

    def list(self, name: str) -> "list[JSON]":
        value = self._value(name)
        return value if isinstance(value, list) else self._refuse(name, "a list")

    def inner(self, name: str) -> "Fields":
        value = self._value(name)
        return Fields(value, f"{self._path}.{name}") if isinstance(value, dict) else self._refuse(name, "an object")

    def inners(self, name: str) -> "tuple[Fields, ...]":
        """Return the objects of a list."""
        return tuple(_object(value, f"{self._path}.{name}[{place}]") for place, value in enumerate(self.list(name)))

    def texts(self, name: str) -> tuple[str, ...]:
        """Return the texts of a list."""
        found = self.list(name)
        return tuple(each if isinstance(each, str) else self._refuse(name, "a list of texts") for each in found)

    def amounts(self, name: str) -> tuple[Amount, ...]:
        """Return the amounts of a list."""
        return tuple(self._amount(name, value) for value in self.list(name))

    def amount(self, name: str) -> Amount:
        return self._amount(name, self.list(name))

    def _amount(self, name: str, value: JSON) -> Amount:
        if not isinstance(value, list) or len(value) != 4:
            self._refuse(name, "[atomic, asset, symbol, decimals]")
        keys = ("atomic", "asset", "symbol", "decimals")
        fields = Fields(dict(zip(keys, value, strict=True)), f"{self._path}.{name}")
        asset = _asset(fields.text("asset"), fields.text("symbol"), fields.number("decimals"))
        return Amount(fields.number("atomic"), asset)

    def maybe(self, name: str, read: Callable[[str], _T]) -> _T | None:
        return None if self._value(name) is None else read(name)

    def has(self, name: str) -> bool:
        """Tell whether the object has a field that older records do not have."""
        return name in self._object

    def _value(self, name: str) -> JSON:
        try:
            return self._object[name]
        except KeyError:
            raise ValueError(f"{self._path} has no {name!r}") from None

    def _refuse(self, name: str, expected: str) -> NoReturn:
        raise ValueError(f"{self._path}.{name} is not {expected}")


def _object(value: JSON, path: str) -> Fields:
    if not isinstance(value, dict):
        raise ValueError(f"{path} is not an object")  # noqa: TRY004  a record is wrong, not an argument
    return Fields(value, path)
