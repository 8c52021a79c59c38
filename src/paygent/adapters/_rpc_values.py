"""Reading what a JSON-RPC node answers: each value by its shape, or not at all."""

import re
from collections.abc import Mapping, Sequence
from typing import Final, TypeAlias, cast

from paygent.adapters._http import Endpoint
from paygent.core.caip import is_evm_address
from paygent.core.errors import AdapterError
from paygent.ports.chain import Log

Json: TypeAlias = Mapping[str, object]
DATA: Final = re.compile(r"0x(?:[0-9a-fA-F]{2})*")
HASH: Final = re.compile(r"0x[0-9a-fA-F]{64}")
_QUANTITY = re.compile(r"0x(0|[1-9a-fA-F][0-9a-fA-F]{0,63})")


class RpcValues:
    """Reads values of one endpoint's answers; a malformed one is an AdapterError that names the endpoint."""

    _endpoint: Endpoint

    def _log(self, found: object) -> tuple[tuple[int, int], Log]:
        entry = self._object(found, "a log")
        if entry.get("removed") is True:
            raise self._malformed("a log that stands")
        number = self._quantity(entry.get("blockNumber"), "a block number")
        place = self._quantity(entry.get("logIndex"), "the place of a log")
        return (number, place), Log(
            address=self._address(entry.get("address")),
            topics=tuple(self._hash(topic, "a topic") for topic in self._list(entry.get("topics"), "topics")),
            data=self._data(entry.get("data"), "the data of a log"),
            block_number=number,
            block_hash=self._hash(entry.get("blockHash"), "a block hash"),
            transaction=self._hash(entry.get("transactionHash"), "a transaction hash"),
        )

    def _object(self, found: object, what: str) -> Json:
        if not isinstance(found, dict):
            raise self._malformed(what)
        return cast(Json, found)

    def _list(self, found: object, what: str) -> Sequence[object]:
        if not isinstance(found, list):
            raise self._malformed(what)
        return cast(list[object], found)

    def _quantity(self, found: object, what: str) -> int:
        if not isinstance(found, str) or not _QUANTITY.fullmatch(found):
            raise self._malformed(what)
        return int(found, 16)

    def _data(self, found: object, what: str) -> str:
        if not isinstance(found, str) or not DATA.fullmatch(found):
            raise self._malformed(what)
        return found.lower()

    def _hash(self, found: object, what: str | None) -> str:
        if isinstance(found, str) and HASH.fullmatch(found):
            return found.lower()
        if what is None:
            raise ValueError(f"{found!r} is not a hash: 0x and 64 hexadecimal digits")
        raise self._malformed(what)

    def _address(self, found: object) -> str:
        if not isinstance(found, str) or not is_evm_address(found):
            raise self._malformed("an address")
        return found.lower()

    def _malformed(self, what: str) -> AdapterError:
        return AdapterError(f"{self._endpoint.name} did not answer with {what}", retryable=False)
