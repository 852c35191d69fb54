"""Events of other venues: the questions with several answers, written only where they changed."""

from collections.abc import Collection, Sequence
from typing import Final

import msgspec

from persistence.clock import AHEAD_US
from persistence.postgres.database import DeadlinePool

_WRITE: Final = f"""
INSERT INTO venue_events AS e
       (platform, external_id, slug, category_key, close_time, changed_at, hash, record)
SELECT $1, g.external_id, g.slug, g.category_key, g.close_time, $2, g.hash, g.record
  FROM unnest($3::text[], $4::text[], $5::text[], $6::bigint[], $7::bytea[], $8::bytea[])
    AS g(external_id, slug, category_key, close_time, hash, record)
 WHERE NOT EXISTS (SELECT FROM venue_events o WHERE o.platform = $1
                      AND o.external_id = g.external_id AND o.hash = g.hash)
 ORDER BY g.external_id
    ON CONFLICT (platform, external_id) DO UPDATE
   SET slug = excluded.slug, category_key = excluded.category_key,
       close_time = excluded.close_time, changed_at = excluded.changed_at,
       hash = excluded.hash, record = excluded.record
 WHERE e.hash <> excluded.hash
   AND (e.changed_at <= excluded.changed_at OR e.changed_at > excluded.changed_at + {AHEAD_US})
"""  # noqa: S608 - constants
_COLUMNS: Final = "id, platform, external_id, record, changed_at"
_LIST: Final = f"""
SELECT {_COLUMNS} FROM venue_events
 WHERE ($1::text[] IS NULL OR platform = ANY($1)) AND ($2::text IS NULL OR category_key = $2)
   AND ($3::bigint IS NULL OR id < $3)
 ORDER BY id DESC LIMIT $4 OFFSET $5
"""  # noqa: S608 - constants
_COUNT: Final = """
SELECT count(*) FROM venue_events
 WHERE ($1::text[] IS NULL OR platform = ANY($1)) AND ($2::text IS NULL OR category_key = $2)
"""
_FIND: Final = f"SELECT {_COLUMNS} FROM venue_events WHERE platform = $1 AND external_id = $2"  # noqa: S608 - constants
_BY_SLUG: Final = (
    f"SELECT {_COLUMNS} FROM venue_events WHERE slug = $1 AND platform = ANY($2) LIMIT 2"  # noqa: S608 - constants
)


class NewEvent(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """An event to be written."""

    external_id: str
    slug: str | None
    category_key: str
    close_time: int
    hash: bytes
    record: bytes


class EventRow(msgspec.Struct, frozen=True, gc=False):
    """An event as it is stored."""

    id: int
    platform: str
    external_id: str
    record: bytes
    changed_at: int


class VenueEvents:
    """Reads and writes the events of other venues."""

    def __init__(self, pool: DeadlinePool) -> None:
        self._pool = pool

    async def write(self, platform: str, events: Sequence[NewEvent], asked_at: int) -> None:
        """Write events, those that changed."""
        await self._pool.execute(
            _WRITE,
            platform,
            asked_at,
            [event.external_id for event in events],
            [event.slug for event in events],
            [event.category_key for event in events],
            [event.close_time for event in events],
            [event.hash for event in events],
            [event.record for event in events],
        )

    async def page(
        self,
        platforms: Sequence[str] | None,
        category_key: str | None,
        *,
        before: int | None,
        limit: int,
        offset: int,
    ) -> list[EventRow]:
        """Return events, the last that was listed first, from `before` (an id) or an offset on."""
        wanted = None if platforms is None else list(platforms)
        rows = await self._pool.fetch(_LIST, wanted, category_key, before, limit, offset)
        return [EventRow(*row) for row in rows]

    async def count(self, platforms: Sequence[str] | None, category_key: str | None) -> int:
        """Return how many there are."""
        wanted = None if platforms is None else list(platforms)
        count: int = await self._pool.fetchval(_COUNT, wanted, category_key)
        return count

    async def find(self, platform: str, external_id: str) -> EventRow | None:
        """Return the event of a venue's own id."""
        row = await self._pool.fetchrow(_FIND, platform, external_id)
        return None if row is None else EventRow(*row)

    async def of_slug(self, slug: str, platforms: Collection[str]) -> list[EventRow]:
        """Return the events of these platforms that bear a slug, two at most."""
        rows = await self._pool.fetch(_BY_SLUG, slug, list(platforms))
        return [EventRow(*row) for row in rows]
