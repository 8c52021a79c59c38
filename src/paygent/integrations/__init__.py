"""Thin adapters of the one list of tools to other frameworks."""
