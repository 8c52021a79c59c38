"""Reading records: fields of a JSON object by their type."""

from collections.abc import Callable, Container, Mapping
from functools import lru_cache
from typing import Final, NoReturn, TypeAlias, TypeVar

from paygent.core.caip import AssetId
from paygent.core.money import Amount, Asset

JSON: TypeAlias = bool | int | str | list["JSON"] | dict[str, "JSON"] | None
"""What a record is made of."""

_T = TypeVar("_T")
_LONGEST: Final = 91
"""Characters of an integer: more than any token can hold."""
_NOT_AN_INTEGER: Final = "it is not a decimal integer"


def maybe(write: Callable[[_T], JSON], value: _T | None) -> JSON:
    """Return what `write` makes of a value, or None where there is none."""
    return None if value is None else write(value)


def amount_record(amount: Amount) -> JSON:
    """Return an amount as [atomic, asset, symbol, decimals], all text."""
    asset = amount.asset
    return [str(amount.atomic), str(asset.id), asset.symbol, str(asset.decimals)]


def integer(text: str) -> int:
    """Return the integer of a text.

    Raises: ValueError: it is longer than any, or would be written otherwise; the message does not quote it.
    """
    try:
        number = int(text[:_LONGEST])
    except ValueError:
        raise ValueError(_NOT_AN_INTEGER) from None
    if f"{number}" != text:
        raise ValueError(_NOT_AN_INTEGER)
    return number


@lru_cache(maxsize=1024)
def _asset(asset_id: str, symbol: str, decimals: str) -> Asset:
    return Asset(id=AssetId.parse(asset_id), symbol=symbol, decimals=integer(decimals))


@lru_cache(maxsize=1024)
def _amount(atomic: str, asset_id: str, symbol: str, decimals: str) -> Amount:
    """Return an amount, from a cache: a payment's intent, authorization and receipt mostly say the same one."""
    return Amount(integer(atomic), _asset(asset_id, symbol, decimals))


class Fields:
    """Reads fields of one JSON object by type; a wrong or missing one raises ValueError with its name.

    A page of payments reads some five thousand fields, so the most frequent kinds look into the object themselves.
    """

    __slots__ = ("_object", "_path")

    def __init__(self, object_: Mapping[str, JSON], path: str) -> None:
        self._object = object_
        self._path = path

    def text(self, name: str) -> str:
        try:
            value = self._object[name]
        except KeyError:
            self._miss(name)
        return value if isinstance(value, str) else self._refuse(name, "text")

    def maybe_text(self, name: str) -> str | None:
        try:
            value = self._object[name]
        except KeyError:
            self._miss(name)
        return value if value is None or isinstance(value, str) else self._refuse(name, "text")

    def flag(self, name: str) -> bool:
        value = self._value(name)
        return value if isinstance(value, bool) else self._refuse(name, "true or false")

    def number(self, name: str) -> int:
        try:
            text = self._object[name]
        except KeyError:
            self._miss(name)
        if not isinstance(text, str):
            self._refuse(name, "a decimal integer in a string")
        try:
            return integer(text)
        except ValueError:
            self._refuse(name, "a decimal integer in a string")

    def word(self, name: str, words: Mapping[str, _T]) -> _T:
        """Return what a word of `words` stands for."""
        found = words.get(self.text(name))
        return self._refuse(name, "a known word") if found is None else found

    def one_of(self, name: str, words: Container[str]) -> str:
        text = self.text(name)
        return text if text in words else self._refuse(name, "a known word")

    def list(self, name: str) -> "list[JSON]":
        value = self._value(name)
        return value if isinstance(value, list) else self._refuse(name, "a list")

    def inner(self, name: str) -> "Fields":
        value = self._value(name)
        return Fields(value, f"{self._path}.{name}") if isinstance(value, dict) else self._refuse(name, "an object")

    def maybe_inner(self, name: str, read: "Callable[[Fields], _T]") -> _T | None:
        """Return what `read` makes of an object, or None where there is none."""
        return None if self._value(name) is None else read(self.inner(name))

    def inners(self, name: str) -> "tuple[Fields, ...]":
        """Return the objects of a list."""
        return tuple([_object(value, f"{self._path}.{name}[{place}]") for place, value in enumerate(self.list(name))])

    def texts(self, name: str) -> tuple[str, ...]:
        """Return the texts of a list."""
        found = self.list(name)
        return tuple(each if isinstance(each, str) else self._refuse(name, "a list of texts") for each in found)

    def amounts(self, name: str) -> tuple[Amount, ...]:
        """Return the amounts of a list."""
        return tuple([self._amount(name, value) for value in self.list(name)])

    def amount(self, name: str) -> Amount:
        return self._amount(name, self.list(name))

    def _amount(self, name: str, value: JSON) -> Amount:
        if not isinstance(value, list) or len(value) != 4:
            self._refuse(name, "[atomic, asset, symbol, decimals]")
        atomic, asset, symbol, decimals = value
        if not isinstance(atomic, str):
            self._refuse(f"{name}.atomic", "text")
        if not isinstance(asset, str):
            self._refuse(f"{name}.asset", "text")
        if not isinstance(symbol, str):
            self._refuse(f"{name}.symbol", "text")
        if not isinstance(decimals, str):
            self._refuse(f"{name}.decimals", "text")
        try:
            return _amount(atomic, asset, symbol, decimals)
        except ValueError as exc:
            raise ValueError(f"{self._path}.{name} is not an amount: {exc}") from exc

    def maybe(self, name: str, read: Callable[[str], _T]) -> _T | None:
        try:
            value = self._object[name]
        except KeyError:
            self._miss(name)
        return None if value is None else read(name)

    def has(self, name: str) -> bool:
        """Tell whether the object has a field that older records do not have."""
        return name in self._object

    def _value(self, name: str) -> JSON:
        try:
            return self._object[name]
        except KeyError:
            self._miss(name)

    def _miss(self, name: str) -> NoReturn:
        raise ValueError(f"{self._path} has no {name!r}") from None

    def _refuse(self, name: str, expected: str) -> NoReturn:
        raise ValueError(f"{self._path}.{name} is not {expected}")


def _object(value: JSON, path: str) -> Fields:
    if not isinstance(value, dict):
        raise ValueError(f"{path} is not an object")  # noqa: TRY004  a record is wrong, not an argument
    return Fields(value, path)
