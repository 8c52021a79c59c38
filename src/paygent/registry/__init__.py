"""The registry of paid services: who sells what, for how much, and how payments to them went."""

from paygent.registry.registry import ServiceRegistry

__all__ = ["ServiceRegistry"]
