"""Floor 5: the one place that orders effects. Everything that signs or sends money goes through here."""
