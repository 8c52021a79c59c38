"""`python tests/beside.py`, in `nox -s together`: Paygent and its neighbours in one program."""

import importlib
import importlib.metadata

PAYGENT = ("paygent", "paygent.testing.engine", "paygent.devnet", "paygent.cli")
NEIGHBOURS = {
    "x402": ("x402", "x402.mechanisms.evm.exact"),
    "langgraph": ("langgraph.graph",),
    "mcp": ("mcp", "mcp.server"),
    "pydantic": ("pydantic",),
}


def main() -> None:
    for module in (*PAYGENT, *(name for names in NEIGHBOURS.values() for name in names)):
        importlib.import_module(module)
    print("imported together:", ", ".join(f"{name} {importlib.metadata.version(name)}" for name in NEIGHBOURS))


if __name__ == "__main__":
    main()
