"""How each job of each venue stands, and which markets somebody looks at."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

import msgspec

from persistence.clock import AHEAD_US, MICROSECONDS
from persistence.postgres.database import DeadlinePool, affected

ERROR_LENGTH: Final = 500
_DAY_US: Final = 86_400 * MICROSECONDS
"""No look counts for so long."""

_SUCCEEDED: Final = f"""
INSERT INTO feed_state AS s (platform, job, last_success_at, took_ms, counts)
VALUES ($1, $2, $3, $4, $5::jsonb)
    ON CONFLICT (platform, job) DO UPDATE
   SET last_success_at = CASE WHEN s.last_success_at > excluded.last_success_at + {AHEAD_US}
                              THEN excluded.last_success_at
                              ELSE greatest(s.last_success_at, excluded.last_success_at) END,
       last_failure_at = CASE WHEN s.last_failure_at <= excluded.last_success_at + {AHEAD_US}
                              THEN s.last_failure_at END,
       took_ms = excluded.took_ms, counts = excluded.counts
"""  # noqa: S608 - constants
_FAILED: Final = """
INSERT INTO feed_state AS s (platform, job, last_failure_at, last_error) VALUES ($1, $2, $3, $4)
    ON CONFLICT (platform, job) DO UPDATE
   SET last_failure_at = excluded.last_failure_at, last_error = excluded.last_error
"""
_ALL: Final = """
SELECT platform, job, last_success_at, last_failure_at, last_error, took_ms, counts::text
  FROM feed_state ORDER BY platform, job
"""
# A market may have gone since it was looked up.
_WATCH: Final = """
INSERT INTO venue_watches AS w (market_id, until)
SELECT m.id, $2 FROM venue_markets m WHERE m.id = ANY($1::bigint[]) ORDER BY m.id FOR KEY SHARE OF m
    ON CONFLICT (market_id) DO UPDATE SET until = excluded.until WHERE w.until < excluded.until
"""
_WATCHED: Final = """
SELECT m.platform, m.external_id FROM venue_watches w JOIN venue_markets m ON m.id = w.market_id
 WHERE w.until > $1 ORDER BY w.until DESC, m.id LIMIT $2
"""
# A market that is settled has no life to be looked at.
_MOST_WATCHED: Final = """
SELECT m.id, m.platform, m.external_id
  FROM (SELECT platform, external_id, count(*) AS lists FROM watchlist_items
         WHERE platform = ANY ($1::text[]) GROUP BY platform, external_id) AS i
  JOIN venue_markets m USING (platform, external_id)
 WHERE m.status NOT IN ('RESOLVED', 'VOID')
 ORDER BY i.lists DESC, m.id LIMIT $2
"""


class Standing(msgspec.Struct, frozen=True):
    """How one job of one venue stands; `counts` of its last run that ended well."""

    platform: str
    job: str
    last_success_at: int | None
    last_failure_at: int | None
    last_error: str | None
    took_ms: int | None
    counts_text: str

    @property
    def counts(self) -> dict[str, Any]:
        """Return what was counted, by name."""
        return msgspec.json.decode(self.counts_text, type=dict[str, Any])


class FeedState:
    """Reads and writes how the feed stands."""

    def __init__(self, pool: DeadlinePool) -> None:
        self._pool = pool

    async def succeeded(
        self, platform: str, job: str, at: int, took_ms: int, counts: Mapping[str, Any]
    ) -> None:
        """Note that a job ended well."""
        text = msgspec.json.encode(counts).decode("utf-8")
        await self._pool.execute(_SUCCEEDED, platform, job, at, took_ms, text)

    async def failed(self, platform: str, job: str, at: int, error: str) -> None:
        """Note that a job failed, and why."""
        line = " ".join(error.replace("\x00", " ").split()).encode("utf-8", "replace")
        await self._pool.execute(_FAILED, platform, job, at, line.decode("utf-8")[:ERROR_LENGTH])

    async def all(self) -> list[Standing]:
        """Return how every job of every venue stands."""
        return [Standing(*row) for row in await self._pool.fetch(_ALL)]

    async def watch(self, market_ids: Sequence[int], until: int) -> None:
        """Note that somebody looks at markets, until a time; those that are gone are left out."""
        await self._pool.execute(_WATCH, list(market_ids), until)

    async def watched(self, now: int, limit: int) -> list[tuple[str, str]]:
        """Return (platform, external id) of the markets that somebody looks at."""
        return [(row[0], row[1]) for row in await self._pool.fetch(_WATCHED, now, limit)]

    async def most_watched(
        self, platforms: Sequence[str], limit: int
    ) -> list[tuple[int, str, str]]:
        """Return (id, platform, external id) of what is on most watchlists, and isn't settled."""
        rows = await self._pool.fetch(_MOST_WATCHED, list(platforms), limit)
        return [(row[0], row[1], row[2]) for row in rows]

    async def forget_watches(self, before: int) -> int:
        """Delete what ended before a time, and what no look at it can mean; return how many."""
        return affected(
            await self._pool.execute(
                "DELETE FROM venue_watches WHERE until < $1 OR until > $2", before, before + _DAY_US
            )
        )
