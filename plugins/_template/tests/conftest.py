"""The template is not installed: its folder is on the path instead. Leave this out of a plugin of your own."""

import sys
from pathlib import Path

from tests.conftest import anyio_backend

sys.path.insert(0, str(Path(__file__).parents[1] / "src"))

__all__ = ["anyio_backend"]
