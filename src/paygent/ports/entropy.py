"""Randomness as a parameter."""

from typing import Protocol


class Entropy(Protocol):
    """**Protocol:** a source of bytes that nobody can foresee. Used to name intents, never to make nonces."""

    def token(self) -> bytes:
        """Return 16 fresh bytes."""
        ...
