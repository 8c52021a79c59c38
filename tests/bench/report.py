"""What a run prints: one row a measurement."""

import json
import os
import platform
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from importlib.metadata import version
from typing import Literal

from rich.console import Console
from rich.table import Table

SHOWN = ("paygent", "x402", "httpx", "coincurve", "eth-account", "web3", "sqlalchemy", "pydantic")


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One measurement of ours beside one of somebody else's."""

    name: str
    unit: Literal["µs", "ms", "KiB"]
    paygent: float
    peer_name: str
    peer: float
    target: float | None = None
    """The most that is wished for: a ratio, or a number of the row's unit."""
    target_is: Literal["ratio", "value"] = "ratio"

    @property
    def ratio(self) -> float:
        """Ours over the peer's."""
        return self.paygent / self.peer

    @property
    def meets_target(self) -> bool | None:
        """None where there is no target."""
        measured = self.ratio if self.target_is == "ratio" else self.paygent
        return None if self.target is None else measured <= self.target


def as_json(rows: Sequence[Row]) -> str:
    """Return the run as one JSON object."""
    facts = [asdict(row) | {"ratio": row.ratio, "meets_target": row.meets_target} for row in rows]
    return json.dumps({"machine": _machine(), "rows": facts}, ensure_ascii=False)


def show(rows: Sequence[Row], console: Console) -> None:
    """Print the run as a table."""
    table = Table(title="Paygent beside its peers (medians; smaller is better)", caption=_caption())
    for head in ("measured", "unit", "Paygent", "peer", "peer's", "ratio", "target", ""):
        table.add_column(head, justify="left" if head in {"measured", "peer", ""} else "right")
    for row in rows:
        table.add_row(
            row.name,
            row.unit,
            _figure(row.paygent),
            row.peer_name,
            _figure(row.peer),
            f"{row.ratio:.3f}",
            _target(row),
            {True: "met", False: "missed", None: ""}[row.meets_target],
        )
    console.print(table)


def _target(row: Row) -> str:
    if row.target is None:
        return ""
    return f"≤ {row.target:.3f}" if row.target_is == "ratio" else f"≤ {_figure(row.target)} {row.unit}"


def _figure(value: float) -> str:
    return f"{value:,.1f}" if value < 1_000 else f"{value:,.0f}"


def _caption() -> str:
    return ", ".join(f"{name} {said}" for name, said in _machine().items())


def _machine() -> dict[str, str]:
    about = {"python": platform.python_version(), "machine": f"{platform.system()} {platform.machine()}"}
    if hasattr(os, "getloadavg"):  # on a busy machine longer work is interrupted more often, so ratios bend
        about["load"] = f"{os.getloadavg()[0]:.1f} on {os.cpu_count()} cores"
    return about | {name: version(name) for name in SHOWN}
