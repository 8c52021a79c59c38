"""Ports meet the outside world: siblings that never import each other."""
