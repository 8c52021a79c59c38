"""A TOML file with the line on which each key stands, for errors that say where to look."""

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from paygent.core.errors import ConfigurationError

_TABLE = re.compile(r"\s*\[{1,2}\s*([^\]]+?)\s*\]{1,2}")
_KEY = re.compile(r"""\s*(?:"([^"]+)"|'([^']+)'|([A-Za-z0-9_-]+))\s*[.=]""")


@dataclass(frozen=True, slots=True)
class TomlFile:
    """What a file says."""

    path: Path
    values: Mapping[str, object]
    _lines: Mapping[str, int]

    def at(self, key: str) -> str:
        """Return `file:line` of a key of the top, or of the table of that name."""
        line = self._lines.get(key)
        return str(self.path) if line is None else f"{self.path}:{line}"


def read_toml(path: Path) -> TomlFile:
    """Read a file.

    Raises: ConfigurationError: there is none, it cannot be read, or it is no TOML.
    """
    try:
        text = path.read_text(encoding="utf-8")
        return TomlFile(path, tomllib.loads(text), _lines(text))
    except FileNotFoundError as missing:
        raise ConfigurationError(f"there is no settings file {str(path)!r}; create it, or name another") from missing
    except OSError as broken:
        raise ConfigurationError(f"the settings file {str(path)!r} cannot be read: {broken.strerror}") from broken
    except UnicodeDecodeError:
        raise ConfigurationError(f"the settings file {str(path)!r} is not UTF-8; save it as UTF-8") from None
    except RecursionError:  # the parser is Python, so this is all that can happen
        raise ConfigurationError(f"the settings file {str(path)!r} is nested too deeply; no setting needs it") from None
    except tomllib.TOMLDecodeError as wrong:
        raise ConfigurationError(f"the settings file {str(path)!r} is not TOML: {wrong}") from None


def _lines(text: str) -> Mapping[str, int]:
    found: dict[str, int] = {}
    table = ""
    for number, line in enumerate(text.splitlines(), 1):
        if header := _TABLE.fullmatch(line.partition("#")[0].rstrip()):
            table = header[1].strip("\"'").partition(".")[0]
            found.setdefault(table, number)
        elif not table and (key := _KEY.match(line)):
            found.setdefault(key[1] or key[2] or key[3], number)
    return found
