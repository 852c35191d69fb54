"""Where alerts are sent, and what became of each sending.

Laws: what is due is taken with the time of its next try, so a sender that dies has cost a try and
nothing else. It is taken webhook by webhook, each owner's first before any second one, so many of
an owner at a time and so many of each, so that a long row of one's keeps no other's waiting. What
waits for somebody whose account is suspended goes on waiting. Whatever fails is counted on its
webhook until one gets through; who stops a webhook stops what waits for it.
"""

from collections.abc import Mapping, Sequence
from operator import itemgetter
from typing import TYPE_CHECKING, Final

import msgspec

from exchange.messages.bounds import STORED_MAX
from persistence.errors import BoundReached
from persistence.postgres.database import DeadlinePool, affected
from persistence.repositories.alerts.firings import ACTIVE, Firing, NewFiring, add_firing
from persistence.repositories.watchlists import HOLD_OWNER

if TYPE_CHECKING:
    from asyncpg import Record

OF_ONE: Final = 5
"""Deliveries of one webhook that are taken at once."""
OF_OWNER: Final = 2
"""Webhooks of one person that are sent to at the same time."""
_COLUMNS: Final = (
    "id, user_id, url, secret, created_at, disabled_at, failures, failing_since, last_success_at"
)
_INSERT: Final = (
    "INSERT INTO alert_webhooks (user_id, url, secret, created_at) VALUES ($1, $2, $3, $4)"  # noqa: S608 - a constant
    f" RETURNING {_COLUMNS}"
)
_OF_USER: Final = f"SELECT {_COLUMNS} FROM alert_webhooks WHERE user_id = $1 ORDER BY id"  # noqa: S608 - a constant
_ONE: Final = f"SELECT {_COLUMNS} FROM alert_webhooks WHERE user_id = $1 AND id = $2"  # noqa: S608 - a constant
_SEALED: Final = f"SELECT {_COLUMNS} FROM alert_webhooks WHERE id > $1 ORDER BY id LIMIT $2"  # noqa: S608 - a constant
_ENABLE: Final = (
    "UPDATE alert_webhooks SET disabled_at = NULL, failures = 0, failing_since = NULL"  # noqa: S608 - a constant
    f" WHERE user_id = $1 AND id = $2 RETURNING {_COLUMNS}"
)
_DISABLE: Final = (
    "UPDATE alert_webhooks SET disabled_at = $3 WHERE user_id = $1 AND id = $2"  # noqa: S608 - a constant
    f" AND disabled_at IS NULL RETURNING {_COLUMNS}"
)
_STOP_WAITING: Final = (
    "UPDATE alert_deliveries SET status = 'FAILED', error = $2, ended_at = $3"
    " WHERE webhook_id = $1 AND status = 'PENDING'"
)
_TAKE: Final = f"""
WITH due AS (
    SELECT d.webhook_id, d.user_id, min(d.id) AS first
      FROM alert_deliveries d LEFT JOIN accounts a ON a.id = d.user_id
     WHERE d.status = 'PENDING' AND d.next_at <= $1 AND NOT d.webhook_id = ANY($3::bigint[])
       AND coalesce(a.standing, {ACTIVE}) = {ACTIVE}
     GROUP BY d.webhook_id, d.user_id),
turns AS (
    SELECT webhook_id
      FROM (SELECT webhook_id, first, row_number() OVER (PARTITION BY user_id ORDER BY first)
                   + (SELECT count(*) FROM unnest($4::bigint[]) AS busy (owner)
                       WHERE busy.owner = due.user_id) AS place
              FROM due) AS placed
     WHERE place <= {OF_OWNER} ORDER BY place, first LIMIT $5),
taken AS (
    SELECT one.id FROM turns CROSS JOIN LATERAL (
        SELECT d.id FROM alert_deliveries d
         WHERE d.webhook_id = turns.webhook_id AND d.status = 'PENDING' AND d.next_at <= $1
         ORDER BY d.id LIMIT {OF_ONE}) AS one)
UPDATE alert_deliveries d SET tries = d.tries + 1, next_at = $2
  FROM taken, alert_webhooks w, alert_firings f
 WHERE d.id = taken.id AND d.status = 'PENDING' AND d.next_at <= $1
   AND w.id = d.webhook_id AND f.id = d.firing_id
RETURNING d.id, d.tries, w.id, w.user_id, w.url, w.secret, f.id, f.user_id, f.alert_id, f.kind,
          f.platform, f.external_id, f.note, f.at, f.saw
"""  # noqa: S608 - constants
_TESTS: Final = """
SELECT at FROM alert_firings WHERE user_id = $1 AND kind = $2 AND at > $3 ORDER BY at DESC
OFFSET $4 LIMIT 1
"""
_PUT_BACK: Final = (
    "UPDATE alert_deliveries SET tries = tries - 1, next_at = $2"
    " WHERE id = ANY($1::bigint[]) AND status = 'PENDING' AND tries > 0"
)
_DELIVERED: Final = (
    "UPDATE alert_deliveries SET status = 'DELIVERED', answered = $2, error = NULL, ended_at = $3"
    " WHERE id = $1 AND status = 'PENDING'"
)
_WELL: Final = (
    "UPDATE alert_webhooks SET failures = 0, failing_since = NULL, last_success_at = $2"
    " WHERE id = $1"
)
_NOT_DELIVERED: Final = """
UPDATE alert_deliveries
   SET status = CASE WHEN $2::bigint IS NULL THEN 'FAILED' ELSE 'PENDING' END,
       next_at = coalesce($2, next_at), answered = $3, error = $4,
       ended_at = CASE WHEN $2::bigint IS NULL THEN $5::bigint END
 WHERE id = $1 AND status = 'PENDING'
"""
_ILL: Final = (
    "UPDATE alert_webhooks SET failures = failures + 1,"  # noqa: S608 - a constant
    f" failing_since = coalesce(failing_since, $2) WHERE id = $1 RETURNING {_COLUMNS}"
)
_LOG: Final = """
SELECT d.id, d.firing_id, f.kind, d.status, d.tries, d.answered, d.error, d.created_at, d.ended_at,
       CASE WHEN d.status = 'PENDING' THEN d.next_at END
  FROM alert_deliveries d JOIN alert_firings f ON f.id = d.firing_id
 WHERE d.user_id = $1 AND d.webhook_id = $2 AND d.id < $3 ORDER BY d.id DESC LIMIT $4
"""


class Webhook(msgspec.Struct, frozen=True):
    """Where somebody's alerts are sent; `secret` is sealed, `failures` those in a row."""

    id: int
    user_id: int
    url: str
    secret: bytes
    created_at: int
    disabled_at: int | None
    failures: int
    failing_since: int | None
    last_success_at: int | None


class Due(msgspec.Struct, frozen=True):
    """One delivery that was taken; `tries` counts this one."""

    id: int
    tries: int
    webhook_id: int
    user_id: int
    url: str
    secret: bytes
    firing: Firing


class Delivery(msgspec.Struct, frozen=True):
    """A line of the log of a webhook; `answered` is the status of the last answer."""

    id: int
    firing_id: int
    kind: str
    status: str
    tries: int
    answered: int | None
    error: str | None
    created_at: int
    ended_at: int | None
    next_at: int | None


class Webhooks:
    """Reads and writes webhooks and their deliveries."""

    def __init__(self, pool: DeadlinePool) -> None:
        self._pool = pool

    async def create(self, user_id: int, url: str, secret: bytes, at: int, most: int) -> Webhook:
        """Add a webhook; raises BoundReached if its owner has `most` of them already."""
        async with self._pool.transaction() as connection:
            await connection.execute(HOLD_OWNER, user_id)
            count = await connection.fetchval(
                "SELECT count(*) FROM alert_webhooks WHERE user_id = $1", user_id
            )
            if count >= most:
                raise BoundReached
            row = await connection.fetchrow(_INSERT, user_id, url, secret, at)
        found = _webhook(row)
        if found is None:
            raise TypeError("an INSERT ... RETURNING gave no row")
        return found

    async def of_user(self, user_id: int) -> list[Webhook]:
        """Return all of somebody's webhooks, oldest first; O(their bound)."""
        return [Webhook(*row) for row in await self._pool.fetch(_OF_USER, user_id)]

    async def get(self, user_id: int, webhook_id: int) -> Webhook | None:
        """Return one webhook."""
        return _webhook(await self._pool.fetchrow(_ONE, user_id, webhook_id))

    async def enable(self, user_id: int, webhook_id: int) -> Webhook | None:
        """Let a webhook be sent to again, its failures forgotten."""
        return _webhook(await self._pool.fetchrow(_ENABLE, user_id, webhook_id))

    async def disable(
        self, user_id: int, webhook_id: int, at: int, why: str, notice: NewFiring | None = None
    ) -> bool:
        """Send nothing more to a webhook, with a notice to its owner; say whether it was enabled.

        What waits for it has failed, for the reason `why`.
        """
        async with self._pool.transaction() as connection:
            row = await connection.fetchrow(_DISABLE, user_id, webhook_id, at)
            if row is None:
                return False
            await connection.execute(_STOP_WAITING, webhook_id, why, at)
            if notice is not None:
                await add_firing(connection, notice, at)
        return True

    async def delete(self, user_id: int, webhook_id: int) -> bool:
        """Delete a webhook with its log; say whether there was one."""
        done = await self._pool.execute(
            "DELETE FROM alert_webhooks WHERE user_id = $1 AND id = $2", user_id, webhook_id
        )
        return affected(done) == 1

    async def try_out(
        self, firing: NewFiring, now: int, most: int = STORED_MAX, since: int = 0
    ) -> int | None:
        """Send a line that no alert fired, its kind's at most `most` times of an owner since a
        time; return None, or when the one was told that must be older than that before there is
        room.

        Raises BoundReached, and tells nothing, if as many wait for its webhook as may.
        """
        async with self._pool.transaction() as connection:
            await connection.execute(HOLD_OWNER, firing.user_id)
            full: int | None = await connection.fetchval(
                _TESTS, firing.user_id, firing.kind, since, most - 1
            )
            if full is not None:
                return full
            _, delivery = await add_firing(connection, firing, now)
            if delivery is None and firing.webhook_id is not None:
                raise BoundReached
        return None

    async def log(self, user_id: int, webhook_id: int, before: int, limit: int) -> list[Delivery]:
        """Return deliveries below the id `before`, newest first."""
        rows = await self._pool.fetch(_LOG, user_id, webhook_id, before, limit)
        return [Delivery(*row) for row in rows]

    async def take(
        self, now: int, again_at: int, webhooks: int, busy: Mapping[int, int]
    ) -> list[list[Due]]:
        """Take deliveries that are due of at most so many webhooks, and return those of each,
        oldest first; untold, they are due again at `again_at`.

        `busy` has the owners, by their webhooks, of what is sent to already: nothing of that is
        taken, and of its owner so much less.
        """
        rows = await self._pool.fetch(
            _TAKE, now, again_at, list(busy), list(busy.values()), webhooks
        )
        found: dict[int, list[Due]] = {}
        for row in sorted(rows, key=itemgetter(0)):
            due = Due(row[0], row[1], row[2], row[3], row[4], row[5], Firing(*tuple(row)[6:]))
            found.setdefault(due.webhook_id, []).append(due)
        return list(found.values())

    async def put_back(self, dues: Sequence[Due], next_at: int) -> None:
        """Note that deliveries that were taken weren't tried; they are due at a time."""
        await self._pool.execute(_PUT_BACK, [due.id for due in dues], next_at)

    async def delivered(self, due: Due, answered: int, now: int) -> None:
        """Note that a delivery got through."""
        async with self._pool.transaction() as connection:
            await connection.execute(_DELIVERED, due.id, answered, now)
            await connection.execute(_WELL, due.webhook_id, now)

    async def not_delivered(
        self, due: Due, answered: int | None, error: str, next_at: int | None, now: int
    ) -> Webhook | None:
        """Note that a delivery didn't, and when it is tried again (None: never); return how its
        webhook stands, None if it is gone.
        """
        async with self._pool.transaction() as connection:
            await connection.execute(_NOT_DELIVERED, due.id, next_at, answered, error, now)
            row = await connection.fetchrow(_ILL, due.webhook_id, now)
        return _webhook(row)

    async def sealed(self, after: int, limit: int) -> list[Webhook]:
        """Return webhooks of anybody above an id, whose secrets may be sealed by an older key."""
        return [Webhook(*row) for row in await self._pool.fetch(_SEALED, after, limit)]

    async def reseal(self, webhook_id: int, was: bytes, secret: bytes) -> None:
        """Store a secret that was sealed anew, unless it is another one by now."""
        await self._pool.execute(
            "UPDATE alert_webhooks SET secret = $3 WHERE id = $1 AND secret = $2",
            webhook_id,
            was,
            secret,
        )


def _webhook(row: "Record | None") -> Webhook | None:
    return None if row is None else Webhook(*row)
