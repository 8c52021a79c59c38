"""What the registry of services refuses. Nothing was changed where one of these is raised.

::

    RegistryError
    └── InvalidService · ServiceNotFound · ServiceExists · ServiceConflict
"""

from collections.abc import Sequence

from paygent.core.errors import PaygentError


class RegistryError(PaygentError):
    """The registry of services was asked for something that it cannot do; nothing was changed."""


class InvalidService(RegistryError, ValueError):
    """A description of a service breaks a rule; `field` names where."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(f"{field}: {message}")
        self.field = field


class ServiceNotFound(RegistryError):
    """No service of this id is registered."""

    def __init__(self, service_id: str, *, near: Sequence[str] = ()) -> None:
        hint = f"; near it: {', '.join(near)}" if near else ""
        super().__init__(f"no service {service_id!r} is registered{hint}; `paygent services list` shows all")
        self.service_id = service_id


class ServiceExists(RegistryError):
    """A service of this id is registered already."""

    def __init__(self, service_id: str) -> None:
        super().__init__(f"a service {service_id!r} is registered already; update it, or choose another id")
        self.service_id = service_id


class ServiceConflict(RegistryError):
    """The stored service is not the one the change was based on."""

    def __init__(self, service_id: str) -> None:
        super().__init__(f"service {service_id!r} was changed by somebody else; read it again")
        self.service_id = service_id
