"""Paygent."""
