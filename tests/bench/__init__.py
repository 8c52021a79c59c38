"""How fast Paygent is, beside the official SDK in the same process. Nothing here judges: a reader does."""
