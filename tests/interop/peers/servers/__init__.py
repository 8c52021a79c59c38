"""The child processes: each file is one peer."""
