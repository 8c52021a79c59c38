"""Facts that lie beside the code as JSON."""

import json
import pkgutil
from typing import TypeVar, cast

_Row = TypeVar("_Row")


def table(name: str, row: type[_Row]) -> _Row:
    """Return the content of one JSON file of this package; the tests check that it has the shape its module says."""
    return cast("_Row", json.loads(pkgutil.get_data("paygent.evm", name) or b""))
