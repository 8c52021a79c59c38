"""A connector to start from."""
