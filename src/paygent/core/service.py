"""Paid services: what they sell and for how much, what is known of them, and how they are looked for."""

import re
from dataclasses import dataclass, field, replace
from typing import Literal, Self

from paygent.core.caip import AssetId, ChainId, is_evm_address
from paygent.core.endpoint import Endpoint
from paygent.core.errors import LocalProtocolError
from paygent.core.money import USD, Amount
from paygent.core.service_errors import InvalidService

PricingModel = Literal["per_call", "metered", "subscription"]
_ID = re.compile(r"[a-z0-9][a-z0-9._-]{0,99}", re.ASCII)
_CATEGORY = re.compile(r"[a-z0-9][a-z0-9-]{0,49}", re.ASCII)
_URL = re.compile(r"https?://([^/?#@\s]+)(/[^\s#]*)?(\?[^\s#]*)?", re.ASCII)
_WORD = re.compile(r"\w+")
MOST_WORDS = 64
"""How many words of a service are searched for; more only take room."""
_DEAREST = 2**40 - 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Pricing:
    """What a service takes, and for what."""

    model: PricingModel
    price: Amount
    """For one call, one unit, or one period; the asset says on which chain."""
    unit: str = ""
    """What is counted where the model is `metered`, such as ``token`` or ``second``; empty otherwise."""
    period_seconds: int | None = None
    """How long a `subscription` lasts; None otherwise."""

    def __post_init__(self) -> None:
        if self.model not in ("per_call", "metered", "subscription"):
            raise InvalidService("model", f"{self.model!r} is not per_call, metered or subscription")
        if (self.model == "metered") != bool(self.unit) or len(self.unit) > 50 or not self.unit.isprintable():
            raise InvalidService("unit", "a metered service, and no other, says what it counts in 1 to 50 characters")
        if (self.model == "subscription") != (self.period_seconds is not None):
            raise InvalidService("period_seconds", "a subscription, and nothing else, says how long it lasts")
        if self.period_seconds is not None and not 60 <= self.period_seconds <= 10 * 366 * 86_400:
            raise InvalidService("period_seconds", f"{self.period_seconds} is not from a minute to ten years")

    def __str__(self) -> str:
        if self.model == "per_call":
            return f"{self.price} a call"
        return f"{self.price} a {self.unit}" if self.unit else f"{self.price} for {self.period_seconds} seconds"


@dataclass(frozen=True, slots=True, kw_only=True)
class Service:
    """A paid service, as whoever registered it describes it. Nothing here is proven."""

    id: str
    """1 to 100 of ``a-z 0-9 . _ -``, beginning with a letter or digit; limits and statistics know it by this name."""
    name: str
    """For people, 1 to 200 printable characters."""
    url: str
    """What is requested; http or https, without credentials and fragment."""
    pricing: Pricing
    category: str
    """1 to 50 of ``a-z 0-9 -``, such as ``market-data``."""
    description: str = ""
    """At most 2,000 characters."""
    tags: tuple[str, ...] = ()
    """At most 20 more words to be found by."""
    payee: str | None = None
    """The address that is paid, where it is known."""
    method: str = "GET"
    """HTTP method, upper case."""
    mcp: bool = False
    """It can be called as a tool of an MCP server."""
    verified: bool = False
    """Somebody trusted has checked who is behind it."""
    active: bool = True
    """It may be bought; what is not active is not discovered."""
    metadata_uri: str = ""
    """Where the service describes itself; at most 2,000 characters."""

    def __post_init__(self) -> None:
        if not _ID.fullmatch(self.id):
            raise InvalidService(
                "id", f"{self.id!r} is not 1 to 100 of a-z 0-9 . _ - that begin with a letter or digit"
            )
        if not 0 < len(self.name) <= 200 or not self.name.isprintable():
            raise InvalidService("name", f"{self.name!r} is not 1 to 200 printable characters")
        if not _CATEGORY.fullmatch(self.category):
            raise InvalidService("category", f"{self.category!r} is not 1 to 50 of a-z 0-9 -")
        if len(self.url) > 2000 or not _URL.fullmatch(self.url):
            raise InvalidService("url", "it is an http or https URL of at most 2,000 characters, without credentials")
        if self.payee is not None and not is_evm_address(self.payee):
            raise InvalidService("payee", f"{self.payee!r} is not an address: 0x and 40 hexadecimal digits")
        self._check_texts()

    def _check_texts(self) -> None:
        if len(self.description) > 2000 or len(self.metadata_uri) > 2000:
            raise InvalidService("description", "a description and a metadata URI have at most 2,000 characters")
        if len(self.tags) > 20 or not all(0 < len(tag) <= 50 and tag.isprintable() for tag in self.tags):
            raise InvalidService("tags", "a service has at most 20 tags of 1 to 50 printable characters")
        if not self.method.isascii() or not self.method.isalpha() or self.method != self.method.upper():
            raise InvalidService("method", f"{self.method!r} is not an HTTP method in upper case")

    @property
    def network(self) -> ChainId:
        """The chain it is paid on."""
        return self.pricing.price.asset.id.chain

    @property
    def words(self) -> tuple[str, ...]:
        """The words it is found by, each once."""
        said = " ".join((self.id, self.name, self.category, *self.tags, self.description))
        return words_of(said)[:MOST_WORDS]


def words_of(text: str) -> tuple[str, ...]:
    """Return the words of a text, folded to lower case, each once, in order."""
    return tuple(dict.fromkeys(_WORD.findall(text.casefold().replace("_", " "))))


@dataclass(frozen=True, slots=True, kw_only=True)
class Reputation:
    """What became of this installation's own payments to a service. Nobody else's word counts."""

    settled: int = 0
    """Payments that the chain proves."""
    failed: int = 0
    """Payments that expired or were cancelled or reverted: the seller did not take what it was offered."""

    @property
    def score(self) -> int:
        """0 to 100: the rule of succession, so that an unknown service has 50 and one good payment is no proof."""
        return (self.settled + 1) * 100 // (self.settled + self.failed + 2)

    def __str__(self) -> str:
        return f"{self.score}/100 ({self.settled} settled, {self.failed} failed)"


@dataclass(frozen=True, slots=True, kw_only=True)
class PricePoint:
    """What a service cost at some time, by whose word."""

    amount: Amount
    at: int
    """Unix seconds."""
    source: Literal["registered", "quoted"]

    def age(self, now: int) -> int:
        """Return how many seconds old it is, at least 0."""
        return max(0, now - self.at)


@dataclass(frozen=True, slots=True, kw_only=True)
class Listing:
    """A registered service, with what is known about it. A value: the registry makes the next one."""

    service: Service
    price: PricePoint
    """The newest price."""
    dollars: Amount | None
    """The newest price in USD; None where nothing says what its asset is worth."""
    reputation: Reputation = field(default_factory=Reputation)
    version: int = 1
    """A store replaces only the version it was shown."""
    registered_at: int = 0
    """Unix seconds."""
    updated_at: int = 0
    """Unix seconds."""

    @property
    def rank(self) -> int:
        """What "best first" sorts by, downwards: the reputation's score, then the lower price in dollars."""
        cheap = 0 if self.dollars is None else _DEAREST - min(self.dollars.atomic, _DEAREST)
        return (self.reputation.score << 40) + cheap

    def next(self, *, at: int, **facts: object) -> Self:
        """Return the next version, with other facts."""
        return replace(self, version=self.version + 1, updated_at=at, **facts)  # type: ignore[arg-type]  # fields of it

    def __str__(self) -> str:
        service = self.service
        mark = "" if service.active else ", not active"
        return f"{service.id}: {service.name}, {service.pricing}, reputation {self.reputation}{mark}"


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceQuery:
    """Which services are looked for: those that every given field agrees with."""

    text: str = ""
    """Every word of it is a word of the service's id, name, category, tags or description."""
    category: str | None = None
    min_price: Amount | None = None
    """In USD; a service whose price nobody can tell in dollars is left out. The limit itself is inside."""
    max_price: Amount | None = None
    """As `min_price`."""
    min_reputation: int | None = None
    """0 to 100, of `Reputation.score`."""
    network: ChainId | None = None
    asset: AssetId | None = None
    mcp: bool | None = None
    model: PricingModel | None = None
    verified: bool | None = None
    url: str | None = None
    """What is requested, in any spelling; a service is meant by its URL, whatever parameters come with it."""
    inactive: bool = False
    """Take those too that are not active."""

    def __post_init__(self) -> None:
        for limit in (self.min_price, self.max_price):
            if limit is not None and limit.asset != USD:
                raise LocalProtocolError(f"a price range is in USD, not {limit.asset.symbol}: write usd('0.10')")
        if self.min_price is not None and self.max_price is not None and self.min_price > self.max_price:
            raise LocalProtocolError(f"no price is from {self.min_price} to {self.max_price}")
        if self.min_reputation is not None and not 0 <= self.min_reputation <= 100:
            raise LocalProtocolError(f"a reputation is from 0 to 100, not {self.min_reputation}")
        if len(self.text) > 500:
            raise LocalProtocolError("a search has at most 500 characters")

    @property
    def words(self) -> tuple[str, ...]:
        """What is searched for."""
        return words_of(self.text)

    def takes(self, listing: Listing) -> bool:
        """Tell whether the service is meant."""
        service = listing.service
        return (
            (service.active or self.inactive)
            and self.category in (None, service.category)
            and self.network in (None, service.network)
            and self.asset in (None, service.pricing.price.asset.id)
            and self.mcp in (None, service.mcp)
            and self.model in (None, service.pricing.model)
            and self.verified in (None, service.verified)
            and (self.min_reputation is None or listing.reputation.score >= self.min_reputation)
            and self._takes_price(listing.dollars)
            and (self.url is None or _is_at(self.url, service))
            and set(self.words) <= set(service.words)
        )

    def _takes_price(self, dollars: Amount | None) -> bool:
        if self.min_price is None and self.max_price is None:
            return True
        if dollars is None or (self.min_price is not None and dollars < self.min_price):
            return False
        return self.max_price is None or dollars <= self.max_price


def _is_at(url: str, service: Service) -> bool:
    asked, registered = Endpoint.of(url), Endpoint.of(service.url)
    return asked is not None and registered is not None and asked.is_part_of(registered)


EVERY_SERVICE = ServiceQuery(inactive=True)
