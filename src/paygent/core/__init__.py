"""Floor 0: the values of a payment. Standard library only; no input or output, no clock, no randomness."""
