"""Who pays, and for what: the names by which limits, halts and statistics know a payment."""

from dataclasses import dataclass, fields


@dataclass(frozen=True, slots=True, kw_only=True)
class Context:
    """Names given by the program that pays, never by a seller or a model. None where there is none."""

    treasury: str = "default"
    """The pool of money everything is paid from."""
    project: str | None = None
    agent: str | None = None
    session: str | None = None
    run: str | None = None
    tool: str | None = None
    """Narrower and narrower: each inside the one before."""
    service: str | None = None
    """The registered service that is bought, where one is known."""

    def __post_init__(self) -> None:
        for part in fields(self):
            name = getattr(self, part.name)
            if name is not None and (not name or len(name) > 200 or not name.isprintable()):
                raise ValueError(f"{part.name} {name!r} is not a name: 1 to 200 printable characters")


NOBODY = Context()
"""A payment of which nothing is known but its wallet."""
