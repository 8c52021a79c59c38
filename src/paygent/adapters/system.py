"""The time and the randomness of this machine."""

import secrets
import time


class SystemClock:
    """A `Clock` that tells the machine's time."""

    def now(self) -> int:
        return int(time.time())


class SystemEntropy:
    """An `Entropy` that asks the operating system."""

    def token(self) -> bytes:
        return secrets.token_bytes(16)
