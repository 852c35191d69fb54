"""What alerts have told: a line for each time one fired, with what it saw.

Laws: a line is written in the transaction that notes why, so once, and with it what is to be sent
to its owner's webhook, unless the owner's account is suspended. Lines go by themselves when they
are old, or too many of one owner.
"""

from collections.abc import Collection
from typing import TYPE_CHECKING, Final, NamedTuple

import msgspec

from exchange.messages.terms import Standing
from persistence.journal.codes import STANDING
from persistence.postgres.database import DeadlinePool, affected

if TYPE_CHECKING:
    from asyncpg import Record
    from asyncpg.pool import PoolConnectionProxy

ACTIVE: Final = STANDING[Standing.ACTIVE]
"""The standing of an account that may do what it likes; one that isn't opened yet has none."""
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
   AND NOT EXISTS (SELECT FROM accounts a WHERE a.id = $1 AND a.standing <> {ACTIVE})
   AND (SELECT count(*) FROM alert_deliveries d
         WHERE d.webhook_id = w.id AND d.status = 'PENDING') < {WAITING_MAX}
RETURNING id
"""  # noqa: S608 - constants
_PAGE: Final = (
    f"SELECT {_COLUMNS} FROM alert_firings WHERE user_id = $1 AND id < $2"  # noqa: S608 - constants
    " AND ($3::bigint = 0 OR alert_id = $3) ORDER BY id DESC LIMIT $4"
)
# In one statement, so that what it sees and what it says of transactions are of one moment.
_NEWER: Final = f"""
SELECT pg_snapshot_xmin(now.s)::text::bigint AS over, pg_snapshot_xmax(now.s)::text::bigint AS next,
       found.*
  FROM (SELECT pg_current_snapshot() AS s) AS now
  LEFT JOIN (SELECT {_COLUMNS} FROM alert_firings
              WHERE id > $1 AND NOT id = ANY($2::bigint[]) ORDER BY id LIMIT $3) AS found ON true
 ORDER BY found.id
"""  # noqa: S608 - constants
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


class Newer(NamedTuple):
    """Lines, oldest first, and what transactions they may still come from."""

    lines: list[Firing]
    over: int
    """All transactions with a smaller number had ended: what they wrote was seen."""
    next: int
    """No transaction had this number yet, nor a larger one."""


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

    async def newer(self, after: int, told: Collection[int], limit: int) -> Newer:
        """Return lines of anybody above an id but those that were told."""
        rows = await self._pool.fetch(_NEWER, after, list(told), limit)
        lines = [Firing(*tuple(row)[2:]) for row in rows if row["id"] is not None]
        return Newer(lines, rows[0]["over"], rows[0]["next"])

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
