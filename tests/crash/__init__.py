"""Payments of processes that are killed: whatever moment, one transfer at most, and honest books afterwards."""
