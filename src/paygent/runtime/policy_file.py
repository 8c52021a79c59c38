"""The policy in files, read again while the program runs."""

import logging
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from paygent.core.errors import ConfigurationError, PolicyFileError
from paygent.evm.tokens import TOKENS
from paygent.policy.config import read_policy
from paygent.policy.policy import Policy
from paygent.policy.sections import Tokens

_LOG = logging.getLogger(__name__)
_ATTEMPTS = 5
_State = tuple[tuple[int, int, int], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Reloaded:
    """What became of reading the files again."""

    policy: Policy
    """The policy that holds now."""
    changed: bool
    """It is another one than before."""
    error: ConfigurationError | None = None
    """Why the files were not taken; the policy is the one from before then."""


class PolicyFile:
    """A policy that follows its files. A change is taken whole or not at all; an invalid file changes nothing.

    Several files (such as policy.yaml, agents.yaml, services.yaml) say one policy together. May be used from several
    threads; a payment that is being judged keeps the policy that it began with.
    """

    def __init__(self, *paths: Path, tokens: Tokens = TOKENS) -> None:
        """Read the files.

        Raises: ConfigurationError: one is not there, cannot be read, or is invalid (PolicyFileError).
        """
        if not paths:
            raise ConfigurationError("name at least one policy file")
        self._paths = paths
        self._tokens = tokens
        self._door = threading.Lock()
        self._seen, texts = self._read()
        self._policy = read_policy(texts, tokens=tokens)
        self._error: ConfigurationError | None = None

    @property
    def policy(self) -> Policy:
        """The policy that was read last; reads nothing."""
        return self._policy

    @property
    def source(self) -> str:
        """The files' names."""
        return ", ".join(map(str, self._paths))

    @property
    def error(self) -> ConfigurationError | None:
        """Why the files as they are now do not hold, or None where they do."""
        return self._error

    def current(self) -> Policy:
        """Return the policy after reading the files again if they changed."""
        return self.reload().policy

    def reload(self) -> Reloaded:
        """Read the files again if they changed since they were read last, and say what became of it."""
        with self._door:
            try:
                if self._state() == self._seen:
                    return Reloaded(policy=self._policy, changed=False, error=self._error)
                self._seen, texts = self._read()
                policy = read_policy(texts, tokens=self._tokens)
            except ConfigurationError as error:
                return self._kept(error)
            changed, self._policy, self._error = policy != self._policy, policy, None
            return Reloaded(policy=policy, changed=changed)

    def _kept(self, error: ConfigurationError) -> Reloaded:
        if not isinstance(error, PolicyFileError):
            self._seen = ()  # it was not read: the same file may be read next time
        if str(error) != str(self._error):
            _LOG.error("the old policy is kept: %s", error)
        self._error = error
        return Reloaded(policy=self._policy, changed=False, error=error)

    def _state(self) -> _State:
        return tuple(_state_of(path) for path in self._paths)

    def _read(self) -> tuple[_State, Sequence[tuple[str, str]]]:
        """Return the files and their state; a file that changes meanwhile is read again."""
        for _ in range(_ATTEMPTS):
            before = self._state()
            texts = [(str(path), _text_of(path)) for path in self._paths]
            if before == self._state():
                return before, texts
        raise ConfigurationError(f"{self._paths[0]} or a file beside it changes all the time; write it in one go")


def _state_of(path: Path) -> tuple[int, int, int]:
    try:
        found = path.stat()
    except OSError as error:
        raise ConfigurationError(f"the policy file {str(path)!r} cannot be read: {error.strerror}") from error
    return (found.st_mtime_ns, found.st_size, found.st_ino)


def _text_of(path: Path) -> str:
    try:
        raw = path.read_bytes()
    except OSError as error:
        raise ConfigurationError(f"the policy file {str(path)!r} cannot be read: {error.strerror}") from error
    try:
        return raw.decode()
    except UnicodeDecodeError as wrong:
        line = raw.count(b"\n", 0, wrong.start) + 1
        column = wrong.start - raw.rfind(b"\n", 0, wrong.start)
        found = f"the byte {raw[wrong.start]:#04x}"
        raise PolicyFileError(str(path), line, column, expected="UTF-8", found=found) from None
