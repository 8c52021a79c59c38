"""What importing costs: fresh interpreters, bytecode written, one after the other.

Nobody has click here. Neither package asks for it, the tests' environment has it, and where it is, httpx loads its
command line with everything that draws it.
"""

import statistics
import subprocess
import sys
from time import perf_counter

from tests.bench.report import Row

OFFICIAL = "import x402.http.clients.httpx, x402.mechanisms.evm.exact, x402.mechanisms.evm.signers"
_NO_CLICK = "import sys; sys.modules['click'] = None"
_STATEMENTS = {
    "bare": "pass",
    "package": "import paygent",
    "client": "from paygent import X402Client",
    "ready": "from paygent import X402Client; import paygent.runtime.assemble, paygent.adapters.httpx",
    "official": OFFICIAL,
}


def rows(rounds: int) -> list[Row]:
    """Return milliseconds over a bare interpreter."""
    samples: dict[str, list[float]] = {name: [] for name in _STATEMENTS}
    for number in range(1 + rounds):  # the first one writes the bytecode
        for name, statement in _STATEMENTS.items():
            seconds = _import(statement)
            if number:
                samples[name].append(seconds)
    median = {name: statistics.median(taken) for name, taken in samples.items()}
    cost = {name: (seconds - median["bare"]) * 1e3 for name, seconds in median.items()}
    return [
        _row("import paygent", cost["package"], cost["official"], 30),
        _row("from paygent import X402Client", cost["client"], cost["official"], 160),
        _row("everything until a client can pay", cost["ready"], cost["official"], None),
    ]


def _row(name: str, ours: float, official: float, target: float | None) -> Row:
    return Row(
        name=name,
        unit="ms",
        paygent=ours,
        peer_name="official EVM client",
        peer=official,
        target=target,
        target_is="value",
    )


def _import(statement: str) -> float:
    """Return seconds. `-I` ignores PYTHON… variables, so bytecode is written and read as for any user."""
    begun = perf_counter()
    subprocess.run([sys.executable, "-I", "-c", f"{_NO_CLICK}; {statement}"], check=True)
    return perf_counter() - begun
