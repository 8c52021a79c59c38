"""Floor 6: settings, and the composition of engine and adapters."""
