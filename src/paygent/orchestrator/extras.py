"""What the Orchestrator needs besides the library's own dependencies."""

from collections.abc import Generator
from contextlib import contextmanager
from typing import Final

from paygent.core.errors import ConfigurationError

_PACKAGES: Final = {
    "aiosqlite": "orchestrator",
    "langchain_core": "orchestrator",
    "langgraph": "orchestrator",
    "psycopg": "postgres",
}


@contextmanager
def extra_needed() -> Generator[None]:
    """Say of a package that is not installed which extra brings it. Raises: ConfigurationError."""
    try:
        yield
    except ModuleNotFoundError as missing:
        name = missing.name or ""
        extra = "postgres" if "postgres" in name else _PACKAGES.get(name.partition(".")[0])
        if extra is None:
            raise
        raise ConfigurationError(f'the Orchestrator needs {name}: run pip install ".[{extra}]" in a clone') from missing
