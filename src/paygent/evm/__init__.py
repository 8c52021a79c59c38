"""Floor 3: what EVM contracts sign, answer and log, as bytes. Pure: no chain is read here."""
