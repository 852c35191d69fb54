"""What alerts have told: a line for each time one fired, with what it saw.

Laws: a line is written in the transaction that notes why, so once, and with it what is to be sent
to its owner's webhook. Lines go by themselves when they are old, or too many of one owner.
"""

from collections.abc import Collection
from typing import TYPE_CHECKING, Final

import msgspec

from persistence.postgres.database import DeadlinePool, affected

if TYPE_CHECKING:
    from asyncpg import Record
    from asyncpg.pool import PoolConnectionProxy

WAITING_MAX: Final = 1_000
"""Deliveries that wait for one webhook; what fires beyond that is told on the page alone."""
_COLUMNS: Final = "id, user_id, alert_id, kind, platform, external_id, note, at, saw"
_INSERT: Final = """
INSERT INTO alert_firings (user_id, alert_id, kind, platform, external_id, note, at, saw)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8) RETURNING id
"""
_SEND: Final = f"""
INSERT INTO alert_deliveries (user_id, webhook_id, firing_id, next_at, created_at)
SELECT w.user_id, w.id, $3, $4, $4 FROM alert_webhooks w
 WHERE w.id = $2 AND w.user_id = $1 AND w.disabled_at IS NULL
   AND (SELECT count(*) FROM alert_deliveries d
         WHERE d.webhook_id = w.id AND d.status = 'PENDING') < {WAITING_MAX}
RETURNING id
"""  # noqa: S608 - constants
_PAGE: Final = (
    f"SELECT {_COLUMNS} FROM alert_firings WHERE user_id = $1 AND id < $2"  # noqa: S608 - constants
    " AND ($3::bigint = 0 OR alert_id = $3) ORDER BY id DESC LIMIT $4"
)
_NEWER: Final = (
    f"SELECT {_COLUMNS} FROM alert_firings WHERE id > $1 AND NOT id = ANY($2::bigint[])"  # noqa: S608 - constants
    " ORDER BY id LIMIT $3"
)
_PRUNE_OLD: Final = """
DELETE FROM alert_firings WHERE id IN (SELECT id FROM alert_firings WHERE at < $1 LIMIT $2)
"""
_PRUNE_MANY: Final = """
WITH owners AS (SELECT DISTINCT user_id FROM alert_firings WHERE user_id > $2
                 ORDER BY user_id LIMIT $3),
     kept AS (SELECT o.user_id, (SELECT i.id FROM alert_firings i WHERE i.user_id = o.user_id
                                  ORDER BY i.id DESC OFFSET $1 LIMIT 1) AS last FROM owners o),
     gone AS (DELETE FROM alert_firings f USING kept
               WHERE f.user_id = kept.user_id AND f.id <= kept.last RETURNING f.id)
SELECT (SELECT count(*) FROM gone) AS gone, (SELECT max(user_id) FROM owners) AS last
"""


class NewFiring(msgspec.Struct, frozen=True, kw_only=True):
    """What fired; `saw` is JSON, `webhook_id` where it is sent."""

    user_id: int
    alert_id: int | None
    kind: str
    platform: str | None
    external_id: str | None
    note: str
    at: int
    saw: str
    webhook_id: int | None = None


class Firing(msgspec.Struct, frozen=True):
    """A line; `alert_id` is None when its alert was deleted, or it is about something else."""

    id: int
    user_id: int
    alert_id: int | None
    kind: str
    platform: str | None
    external_id: str | None
    note: str
    at: int
    saw: str


async def add_firing(
    connection: "PoolConnectionProxy[Record]", new: NewFiring, now: int
) -> tuple[int, int | None]:
    """Write a line in a transaction that is open; return its id, and its delivery's, if any."""
    number: int = await connection.fetchval(
        _INSERT,
        new.user_id,
        new.alert_id,
        new.kind,
        new.platform,
        new.external_id,
        new.note,
        new.at,
        new.saw,
    )
    if new.webhook_id is None:
        return number, None
    return number, await connection.fetchval(_SEND, new.user_id, new.webhook_id, number, now)


class Firings:
    """Reads what was told."""

    def __init__(self, pool: DeadlinePool) -> None:
        self._pool = pool

    async def page(
        self, user_id: int, limit: int, before: int, alert_id: int | None = None
    ) -> list[Firing]:
        """Return lines below the id `before`, newest first, of one alert or of all."""
        rows = await self._pool.fetch(_PAGE, user_id, before, alert_id or 0, limit)
        return [Firing(*row) for row in rows]

    async def newest(self) -> int:
        """Return the id of the newest line of anybody, 0 if there is none."""
        return await self._pool.fetchval("SELECT coalesce(max(id), 0) FROM alert_firings") or 0

    async def newer(self, after: int, told: Collection[int], limit: int) -> list[Firing]:
        """Return lines of anybody above an id but those that were told, oldest first."""
        rows = await self._pool.fetch(_NEWER, after, list(told), limit)
        return [Firing(*row) for row in rows]

    async def prune(self, before: int, limit: int) -> int:
        """Delete at most `limit` lines from before a time; return how many went."""
        return affected(await self._pool.execute(_PRUNE_OLD, before, limit))

    async def prune_many(self, most: int, after: int, owners: int) -> tuple[int, int | None]:
        """Delete what is beyond the newest `most` of each of the next `owners` above an id.

        Return how many went, and the last of these owners, None if there was none.
        """
        row = await self._pool.fetchrow(_PRUNE_MANY, most, after, owners)
        if row is None:
            raise TypeError("a SELECT of one row gave none")
        return row["gone"], row["last"]
