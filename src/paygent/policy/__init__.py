"""Floor 4: what may be paid, decided by pure functions over frozen values."""
