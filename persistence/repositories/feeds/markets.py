"""Markets of other venues: written in bulk, only where they changed, and listed by keyset.

Laws: a record whose hash is known rewrites no row of `venue_markets`; that it was seen goes into
`venue_sightings`. What was asked for earlier never replaces what was asked for later, but for a
later time that only a wrong clock can have given (`AHEAD_US`). A record is bytes to this module
(`gateway/feeds/model.py` knows them). Amounts are micro-units of the venue's currency, `UNKNOWN`
where there is none; times are microseconds since the epoch.
"""

from collections.abc import Collection, Iterable, Sequence
from typing import TYPE_CHECKING, Final

import msgspec

from persistence.clock import AHEAD_US
from persistence.postgres.database import DeadlinePool
from persistence.repositories.feeds.listing import Listing, ListPlace, fetch_planned, query_of

if TYPE_CHECKING:
    from asyncpg import Record

UNKNOWN: Final = -1
"""Stands for an amount that isn't known: below every known one."""
NEVER: Final = 2**62
"""Stands for a close time that isn't known: after every known one."""

_PATIENCE: Final = 8
"""A market that wasn't seen for a time is asked for again after so much of it: an eighth."""

_COLUMNS: Final = "m.id, m.platform, m.external_id, m.record, m.changed_at, s.seen_at, s.venue_at"
_FROM: Final = "FROM venue_markets m LEFT JOIN venue_sightings s ON s.market_id = m.id"

_KNOWN: Final = """
SELECT external_id, id, hash FROM venue_markets WHERE platform = $1 AND external_id = ANY($2)
"""
_WRITE: Final = f"""
INSERT INTO venue_markets AS m
       (platform, external_id, slug, status, category, category_key, event_id, created_at,
        close_time, volume_24h, volume, liquidity, changed_at, hash, record)
SELECT $1, g.external_id, g.slug, g.status, g.category, g.category_key, g.event_id, g.created_at,
       g.close_time, g.volume_24h, g.volume, g.liquidity, $2, g.hash, g.record
  FROM unnest($3::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::text[], $9::bigint[],
              $10::bigint[], $11::bigint[], $12::bigint[], $13::bigint[], $14::bytea[],
              $15::bytea[])
    AS g(external_id, slug, status, category, category_key, event_id, created_at, close_time,
         volume_24h, volume, liquidity, hash, record)
 ORDER BY g.external_id
    ON CONFLICT (platform, external_id) DO UPDATE
   SET slug = excluded.slug, status = excluded.status, category = excluded.category,
       category_key = excluded.category_key, event_id = excluded.event_id,
       close_time = excluded.close_time, volume_24h = excluded.volume_24h,
       volume = excluded.volume, liquidity = excluded.liquidity,
       changed_at = excluded.changed_at, hash = excluded.hash, record = excluded.record
 WHERE m.hash <> excluded.hash
   AND (m.changed_at <= excluded.changed_at OR m.changed_at > excluded.changed_at + {AHEAD_US})
RETURNING m.external_id, m.id, m.xmax = 0
"""  # noqa: S608 - constants
_WRITE_RAWS: Final = """
INSERT INTO venue_raws (market_id, raw) SELECT * FROM unnest($1::bigint[], $2::bytea[])
    ON CONFLICT (market_id) DO UPDATE SET raw = excluded.raw
"""
# Texts seldom change; comparing is cheaper than rewriting what every word's index entry hangs on.
_WRITE_TEXTS: Final = """
INSERT INTO venue_texts AS t (market_id, search)
SELECT g.market_id, g.search::tsvector FROM unnest($1::bigint[], $2::text[]) AS g(market_id, search)
 WHERE NOT EXISTS (SELECT FROM venue_texts o
                    WHERE o.market_id = g.market_id AND o.search = g.search::tsvector)
    ON CONFLICT (market_id) DO UPDATE SET search = excluded.search
"""
_SEEN: Final = f"""
INSERT INTO venue_sightings AS s (market_id, seen_at, asked_at, venue_at)
SELECT g.market_id, $2, $2, g.venue_at
  FROM unnest($1::bigint[], $3::bigint[]) AS g(market_id, venue_at)
 ORDER BY g.market_id
    ON CONFLICT (market_id) DO UPDATE
   SET seen_at = excluded.seen_at,
       asked_at = CASE WHEN s.asked_at > excluded.asked_at + {AHEAD_US} THEN excluded.asked_at
                       ELSE greatest(s.asked_at, excluded.asked_at) END,
       venue_at = coalesce(excluded.venue_at, s.venue_at)
 WHERE s.seen_at < excluded.seen_at OR s.seen_at > excluded.seen_at + {AHEAD_US}
"""  # noqa: S608 - constants
# Locked in the order of `_SEEN`, so that two jobs wait for each other and never in a circle.
_ASKED: Final = f"""
UPDATE venue_sightings s SET asked_at = $3, seen_at = least(s.seen_at, $3::bigint + {AHEAD_US})
  FROM (SELECT o.market_id FROM venue_sightings o JOIN venue_markets m ON m.id = o.market_id
         WHERE m.platform = $1 AND m.external_id = ANY($2)
           AND (o.asked_at < $3 OR o.asked_at > $3 + {AHEAD_US})
         ORDER BY o.market_id FOR UPDATE OF o) AS g
 WHERE s.market_id = g.market_id
"""  # noqa: S608 - constants
_FIND: Final = f"SELECT {_COLUMNS} {_FROM} WHERE m.platform = $1 AND m.external_id = ANY($2)"
_BY_SLUG: Final = f"SELECT {_COLUMNS} {_FROM} WHERE m.slug = $1 AND m.platform = ANY($2) LIMIT 2"
_BY_IDS: Final = f"SELECT {_COLUMNS} {_FROM} WHERE m.id = ANY($1)"
_OF_EVENT: Final = (
    f"SELECT {_COLUMNS} {_FROM} WHERE m.platform = $1 AND m.event_id = $2"
    " ORDER BY m.volume DESC, m.id DESC LIMIT $3"
)
_RAW: Final = "SELECT raw FROM venue_raws WHERE market_id = $1"
_ACTIVE: Final = """
SELECT external_id FROM venue_markets m WHERE platform = $1 AND status IN ('OPEN', 'POST_ONLY')
   AND NOT EXISTS (SELECT FROM venue_sightings s WHERE s.market_id = m.id AND s.seen_at < $2)
 ORDER BY volume_24h DESC, id DESC LIMIT $3
"""
# What should have ended by its own time, and what the lists of live markets no longer show: the
# longer nobody saw it, the more rarely.
_DUE: Final = f"""
SELECT m.external_id FROM venue_markets m JOIN venue_sightings s ON s.market_id = m.id
 WHERE m.platform = $1 AND m.status NOT IN ('RESOLVED', 'VOID')
   AND (m.close_time <= $2 OR m.status IN ('CLOSED', 'RESOLVING') OR s.seen_at < $3
        OR s.seen_at > $2 + {AHEAD_US})
   AND (s.asked_at < least($4, $2 - ($2 - s.seen_at) / {_PATIENCE})
        OR s.asked_at > $2 + {AHEAD_US})
 ORDER BY s.asked_at, m.id LIMIT $5
"""  # noqa: S608 - constants
_MISSING: Final = """
SELECT count(*) FROM venue_sightings s JOIN venue_markets m ON m.id = s.market_id
 WHERE s.seen_at < $2 AND m.platform = $1 AND m.status NOT IN ('RESOLVED', 'VOID')
"""
_COUNTS: Final = """
SELECT platform, status, count(*) FROM venue_markets GROUP BY platform, status
"""
_CATEGORIES: Final = """
SELECT category_key, min(category), count(*),
       count(*) FILTER (WHERE status = 'OPEN')
  FROM venue_markets
 WHERE category_key <> '' AND ($1::text[] IS NULL OR platform = ANY($1))
 GROUP BY category_key ORDER BY count(*) DESC, category_key LIMIT $2
"""
# A place in the keys, and on from there: no walk over what comes before it.
_RANDOM: Final = f"""
SELECT {_COLUMNS} {_FROM}
 WHERE m.status = 'OPEN' AND ($1::text[] IS NULL OR m.platform = ANY($1))
   AND m.id >= $2 ORDER BY m.id LIMIT 1
"""


class NewMarket(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A market to be written; `search` is a tsvector's text."""

    external_id: str
    slug: str | None
    status: str
    category: str
    category_key: str
    event_id: str | None
    created_at: int
    close_time: int
    volume_24h: int
    volume: int
    liquidity: int
    hash: bytes
    record: bytes
    raw: bytes | None
    search: str


class MarketRow(msgspec.Struct, frozen=True, gc=False):
    """A market as it is stored, and when it was seen last."""

    id: int
    platform: str
    external_id: str
    record: bytes
    changed_at: int
    seen_at: int | None
    venue_at: int | None

    @property
    def as_of(self) -> int:
        """Return when it was known to be so."""
        if self.seen_at is None or self.seen_at < self.changed_at <= self.seen_at + AHEAD_US:
            return self.changed_at
        return self.seen_at


class Written(msgspec.Struct, frozen=True):
    """What writing did: ids by the venue's own, and how many of them were new."""

    ids: dict[str, int]
    inserted: int


class CategoryRow(msgspec.Struct, frozen=True, array_like=True):
    """A category, as one of its markets writes it."""

    key: str
    name: str
    markets: int
    active: int


class VenueMarkets:
    """Reads and writes the markets of other venues."""

    def __init__(self, pool: DeadlinePool) -> None:
        self._pool = pool

    async def known(
        self, platform: str, external_ids: Sequence[str]
    ) -> dict[str, tuple[int, bytes]]:
        """Return (id, hash) of those that are stored."""
        rows = await self._pool.fetch(_KNOWN, platform, list(external_ids))
        return {row[0]: (row[1], row[2]) for row in rows}

    async def write(self, platform: str, markets: Sequence[NewMarket], asked_at: int) -> Written:
        """Write markets that are new or changed, in one transaction.

        What was asked for after `asked_at` stays. Raises asyncpg's DataError for a value that
        PostgreSQL doesn't take; nothing is written then.
        """
        async with self._pool.transaction() as connection:
            rows = await connection.fetch(_WRITE, platform, asked_at, *_arrays(markets))
            ids: dict[str, int] = {row[0]: row[1] for row in rows}
            written = [market for market in markets if market.external_id in ids]
            raws = [market for market in written if market.raw is not None]
            await connection.execute(
                _WRITE_RAWS,
                [ids[market.external_id] for market in raws],
                [market.raw for market in raws],
            )
            await connection.execute(
                _WRITE_TEXTS,
                [ids[market.external_id] for market in written],
                [market.search for market in written],
            )
        return Written(ids, sum(row[2] for row in rows))

    async def seen(self, sightings: Iterable[tuple[int, int | None]], seen_at: int) -> None:
        """Note that markets, by their ids, were there, with the time that their venue says."""
        pairs = list(sightings)
        await self._pool.execute(
            _SEEN, [pair[0] for pair in pairs], seen_at, [pair[1] for pair in pairs]
        )

    async def asked(self, platform: str, external_ids: Sequence[str], at: int) -> None:
        """Note that markets were asked for, whether or not their venue has them still."""
        await self._pool.execute(_ASKED, platform, list(external_ids), at)

    async def find(self, platform: str, external_id: str) -> MarketRow | None:
        """Return the market of a venue's own id."""
        found = await self.find_some(platform, [external_id])
        return found[0] if found else None

    async def find_some(self, platform: str, external_ids: Sequence[str]) -> list[MarketRow]:
        """Return those of a venue's own ids that are stored, in no order."""
        return _rows(await self._pool.fetch(_FIND, platform, list(external_ids)))

    async def of_slug(self, slug: str, platforms: Collection[str]) -> list[MarketRow]:
        """Return the markets of these platforms that bear a slug, two at most."""
        return _rows(await self._pool.fetch(_BY_SLUG, slug, list(platforms)))

    async def by_ids(self, ids: Sequence[int]) -> dict[int, MarketRow]:
        """Return rows by their ids."""
        return {row.id: row for row in _rows(await self._pool.fetch(_BY_IDS, list(ids)))}

    async def of_event(self, platform: str, event_id: str, limit: int) -> list[MarketRow]:
        """Return an event's markets, the most traded first."""
        return _rows(await self._pool.fetch(_OF_EVENT, platform, event_id, limit))

    async def raw(self, market_id: int) -> bytes | None:
        """Return the venue's own JSON as it was stored, compressed."""
        raw: bytes | None = await self._pool.fetchval(_RAW, market_id)
        return raw

    async def page(self, listing: Listing, limit: int, offset: int) -> list[tuple[int, MarketRow]]:
        """Return at most `limit` markets of a list, each with its sort value, from a place or an
        offset on.
        """
        column = listing.sort.column
        text, arguments = query_of(listing, "m.id FROM venue_markets m", ordered=True)
        count, order = len(arguments), "DESC" if listing.descending else "ASC"
        # What is skipped is not looked up further, nor carried along.
        found = await self._listed(
            listing,
            f"SELECT m.{column}, {_COLUMNS}"  # noqa: S608 - constants, and places of parameters
            f" FROM ({text} LIMIT ${count + 1} OFFSET ${count + 2}) place"
            " JOIN venue_markets m ON m.id = place.id"
            " LEFT JOIN venue_sightings s ON s.market_id = m.id"
            f" ORDER BY m.{column} {order}, m.id {order}",
            *arguments,
            limit,
            offset,
        )
        return [(row[0], MarketRow(*tuple(row)[1:])) for row in found]

    async def places(self, listing: Listing, limit: int, offset: int) -> list[ListPlace]:
        """Return places of a list: (sort value, id)."""
        text, arguments = query_of(
            listing, f"m.{listing.sort.column}, m.id FROM venue_markets m", ordered=True
        )
        count = len(arguments)
        rows = await self._listed(
            listing, f"{text} LIMIT ${count + 1} OFFSET ${count + 2}", *arguments, limit, offset
        )
        return [(row[0], row[1]) for row in rows]

    async def count(self, listing: Listing) -> int:
        """Return how long a list is."""
        text, arguments = query_of(listing, "count(*) FROM venue_markets m", ordered=False)
        [[count]] = await self._listed(listing, text, *arguments)
        return int(count)

    async def _listed(self, listing: Listing, text: str, *arguments: object) -> "list[Record]":
        """Return what a statement of a list finds."""
        if listing.words is None:
            return await self._pool.fetch(text, *arguments)
        return await fetch_planned(self._pool, text, *arguments)

    async def active(self, platform: str, limit: int, *, seen_since: int = 0) -> list[str]:
        """Return the venue's ids of the most active open markets, of those seen since a time."""
        rows = await self._pool.fetch(_ACTIVE, platform, seen_since, limit)
        return [row[0] for row in rows]

    async def missing(self, platform: str, seen_since: int) -> int:
        """Return how many that haven't ended weren't seen since a time.  O(markets)."""
        count: int = await self._pool.fetchval(_MISSING, platform, seen_since)
        return count

    async def due(
        self, platform: str, *, now: int, unseen_since: int, not_since: int, limit: int
    ) -> list[str]:
        """Return the venue's ids of markets whose end may have come.

        Those past their close time, closed, or not seen since `unseen_since`; never those that
        were asked for after `not_since`, nor within an eighth of the time for which they weren't
        seen. Those not asked for longest come first.
        """
        rows = await self._pool.fetch(_DUE, platform, now, unseen_since, not_since, limit)
        return [row[0] for row in rows]

    async def learn(self) -> None:
        """Let the planner look at the tables, after much was written: it would take the empty
        tables of before for what there is, and read all of them for one market.
        """
        await self._pool.execute(
            "ANALYZE venue_markets, venue_sightings, venue_texts, search_words, search_forms"
        )

    async def counts(self) -> dict[str, dict[str, int]]:
        """Return how many markets of each status each platform has.  O(markets)."""
        found: dict[str, dict[str, int]] = {}
        for platform, status, count in await self._pool.fetch(_COUNTS):
            found.setdefault(platform, {})[status] = count
        return found

    async def categories(self, platforms: Sequence[str] | None, limit: int) -> list[CategoryRow]:
        """Return the categories of these platforms (None: all), the largest first."""
        wanted = None if platforms is None else list(platforms)
        return [CategoryRow(*row) for row in await self._pool.fetch(_CATEGORIES, wanted, limit)]

    async def random(self, platforms: Sequence[str] | None, part: float) -> MarketRow | None:
        """Return an open market from `part` (0 to 1) of the way through the ids."""
        wanted = None if platforms is None else list(platforms)
        most = await self._pool.fetchval("SELECT coalesce(max(id), 0) FROM venue_markets")
        for start in (int(most * part), 0):
            row = await self._pool.fetchrow(_RANDOM, wanted, start)
            if row is not None:
                return MarketRow(*row)
        return None


def _rows(found: "list[Record]") -> list[MarketRow]:
    return [MarketRow(*row) for row in found]


def _arrays(markets: Sequence[NewMarket]) -> list[list[object]]:
    return [
        [m.external_id for m in markets],
        [m.slug for m in markets],
        [m.status for m in markets],
        [m.category for m in markets],
        [m.category_key for m in markets],
        [m.event_id for m in markets],
        [m.created_at for m in markets],
        [m.close_time for m in markets],
        [m.volume_24h for m in markets],
        [m.volume for m in markets],
        [m.liquidity for m in markets],
        [m.hash for m in markets],
        [m.record for m in markets],
    ]
