"""Sellers that lie, break off, or answer nonsense, over real TCP and a real chain."""
