"""Registered services in a SQL database: found by word, category, chain and price, best first, from indexes."""

import json
from collections.abc import Sequence
from typing import Any, Final

from sqlalchemy import BigInteger, Dialect, Integer, bindparam, delete, literal_column, or_, select, update

from paygent.adapters.sql.rows import parsed
from paygent.adapters.sql.schema import service_prices, service_words, services
from paygent.adapters.sql.statement import Cursor, Statement, words_of_dialect
from paygent.core.endpoint import Endpoint
from paygent.core.errors import AdapterError
from paygent.core.service import Listing, PricePoint, ServiceQuery
from paygent.core.service_errors import ServiceConflict, ServiceExists
from paygent.core.service_page import ServicePage, check_next, page_of, place_of, twice
from paygent.core.service_record import from_record, price_record, read_price, to_record

_S: Final = services.c
_W: Final = service_words.c
_LIMIT: Final = bindparam("limit", type_=Integer)
_EQUAL: Final = ("category", "network", "asset", "mcp", "model", "verified")
_MOST_WORDS: Final = 8
"""Words of a search that the database looks at; the rest are looked at here."""


class ServiceStatements:
    """Every statement about services, for one dialect."""

    def __init__(self, dialect: Dialect) -> None:
        self._ready, add = words_of_dialect(dialect)
        ready = self._ready
        self._made: Final[dict[frozenset[str], Statement]] = {}
        mine = _S.id == bindparam("id_")
        self.add: Final = add(services)
        self.add_word: Final = add(service_words)
        self.add_price: Final = add(service_prices, "seq")
        self.by_id: Final = ready(select(_S.record).where(mine))
        self.is_there: Final = ready(select(_S.version).where(mine))
        self.change: Final = ready(
            update(services)
            .where(mine, _S.version == bindparam("before"))
            .values({column.name: bindparam(column.name) for column in services.c if column.name != "id"})
        )
        self.drop: Final = ready(delete(services).where(mine))
        self.drop_words: Final = ready(delete(service_words).where(_W.service == bindparam("service_")))
        self.drop_prices: Final = ready(delete(service_prices).where(service_prices.c.service == bindparam("service_")))
        self.prices: Final = ready(
            select(service_prices.c.price)
            .where(service_prices.c.service == bindparam("service_"))
            .order_by(service_prices.c.seq.desc())
            .limit(_LIMIT)
        )

    def page(self, names: frozenset[str]) -> Statement:
        """Return the statement for a page of services with these conditions given."""
        found = self._made.get(names)
        if found is None:
            found = self._made[names] = self._ready(_page(names))
        return found


def _page(names: frozenset[str]) -> Any:
    words = sorted(name for name in names if name.startswith("word"))
    order: Any = _W if words else _S
    key = _W.service if words else _S.id
    after = bindparam("rank_", type_=BigInteger)
    query = select(_S.record, order.rank, _S.id).where(
        order.rank <= after,
        or_(order.rank < after, key > bindparam("id_")),
        order.rank >= bindparam("least", type_=BigInteger),
    )
    if words:
        query = query.join_from(service_words, services, _W.service == _S.id).where(_W.word == bindparam(words[0]))
        query = query.where(*map(_has_word, words[1:]))
    if "inactive" not in names:
        query = query.where(order.active == literal_column("1"))
    if "min_price" in names:
        query = query.where(order.dollars >= bindparam("min_price", type_=BigInteger))
    if "max_price" in names:
        query = query.where(order.dollars <= bindparam("max_price", type_=BigInteger))
    for name in sorted(names & set(_EQUAL)):
        column = service_words.c[name] if words and name in service_words.c else _S[name]
        query = query.where(column == bindparam(name))
    return query.order_by(order.rank.desc(), key).limit(_LIMIT)


def _has_word(name: str) -> Any:
    other = service_words.alias()
    one = literal_column("1", Integer)
    same: Any = select(one).where(other.c.word == bindparam(name), other.c.service == _W.service)
    return same.exists()


class Services:
    """What a store does about services inside one transaction."""

    def __init__(self, cursor: Cursor, statements: ServiceStatements) -> None:
        self._cursor: Final = cursor
        self._sql: Final = statements

    def add(self, listings: Sequence[Listing]) -> None:
        if (again := twice(listings)) is not None:
            raise ServiceExists(again)
        for listing in listings:
            if self._sql.is_there.run(self._cursor, id_=listing.service.id).fetchone() is not None:
                raise ServiceExists(listing.service.id)
        self._sql.add.run_many(self._cursor, [_row(listing) for listing in listings])
        self._sql.add_word.run_many(self._cursor, [row for listing in listings for row in _words(listing)])
        self._sql.add_price.run_many(self._cursor, [_price_row(listing) for listing in listings])

    def replace(self, before: Listing, after: Listing) -> None:
        check_next(before, after)
        changed = _row(after)
        changed["id_"] = changed.pop("id")
        if self._sql.change.run(self._cursor, before=before.version, **changed).rowcount != 1:
            raise ServiceConflict(before.service.id)
        if _words(before) != _words(after):
            self._sql.drop_words.run(self._cursor, service_=after.service.id)
            self._sql.add_word.run_many(self._cursor, _words(after))
        if before.price != after.price:
            self._sql.add_price.run_many(self._cursor, [_price_row(after)])

    def remove(self, service_id: str) -> bool:
        self._sql.drop_words.run(self._cursor, service_=service_id)
        self._sql.drop_prices.run(self._cursor, service_=service_id)
        return self._sql.drop.run(self._cursor, id_=service_id).rowcount == 1

    def get(self, service_id: str) -> Listing | None:
        row = self._sql.by_id.run(self._cursor, id_=service_id).fetchone()
        return None if row is None else _read(row[0])

    def page(self, query: ServiceQuery, after: str | None, limit: int) -> ServicePage:
        """Return a page; the database looks for the first words of a search, and the query for all of them."""
        rank, key = place_of(after, limit)
        values = _conditions(query)
        statement = self._sql.page(frozenset(values))
        found: list[Listing] = []
        while len(found) <= limit:
            rows = statement.run(
                self._cursor, **values, rank_=rank, id_=key, least=(query.min_reputation or 0) << 40, limit=limit + 1
            ).fetchall()
            found += [listing for row in rows if query.takes(listing := _read(row[0]))]
            if len(rows) <= limit:
                break
            rank, key = int(rows[-1][1]), str(rows[-1][2])
        return page_of(found, limit)

    def prices(self, service_id: str, limit: int) -> Sequence[PricePoint]:
        rows = self._sql.prices.run(self._cursor, service_=service_id, limit=limit).fetchall()
        return tuple(read_price(parsed(row[0])) for row in rows)


def _conditions(query: ServiceQuery) -> dict[str, object]:
    given: dict[str, object] = {
        "category": query.category,
        "network": None if query.network is None else str(query.network),
        "asset": None if query.asset is None else str(query.asset),
        "mcp": None if query.mcp is None else int(query.mcp),
        "model": query.model,
        "verified": None if query.verified is None else int(query.verified),
        "min_price": None if query.min_price is None else _stored(query.min_price.atomic),
        "max_price": None if query.max_price is None else _stored(query.max_price.atomic),
        "inactive": 1 if query.inactive else None,
    }
    rarest_first = [] if query.url is None else [host_word(query.url)]
    rarest_first += sorted(query.words, key=len, reverse=True)[:_MOST_WORDS]
    words = {f"word{place}": word for place, word in enumerate(rarest_first)}
    return {name: value for name, value in given.items() if value is not None} | words


def host_word(url: str) -> str:
    """Return the word by which the services of a URL's host are found; no search of people has an @ in a word."""
    endpoint = Endpoint.of(url)
    return "@" if endpoint is None else f"@{endpoint.host}"


def _stored(dollars: int) -> int:
    """Return millionths of a dollar as the column holds them."""
    return min(dollars, 2**62)


def _row(listing: Listing) -> dict[str, object]:
    service = listing.service
    return {
        "id": service.id,
        "version": listing.version,
        "active": int(service.active),
        "rank": listing.rank,
        "category": service.category,
        "network": str(service.network),
        "asset": str(service.pricing.price.asset.id),
        "model": service.pricing.model,
        "mcp": int(service.mcp),
        "verified": int(service.verified),
        "dollars": None if listing.dollars is None else _stored(listing.dollars.atomic),
        "record": json.dumps(to_record(listing), separators=(",", ":")),
    }


def _words(listing: Listing) -> list[dict[str, object]]:
    row = _row(listing)
    shared = {name: row[name] for name in ("rank", "active", "category", "mcp", "dollars")}
    found_by = (*listing.service.words, host_word(listing.service.url))
    return [{"word": word, "service": listing.service.id, **shared} for word in found_by]


def _price_row(listing: Listing) -> dict[str, object]:
    price = json.dumps(price_record(listing.price), separators=(",", ":"))
    return {"service": listing.service.id, "price": price}


def _read(record: object) -> Listing:
    try:
        return from_record(parsed(record))
    except ValueError as wrong:
        raise AdapterError(f"a service in the storage cannot be read: {wrong}", retryable=False) from wrong
