"""The table of alerts: what somebody wants to be told of a market, or of orders of their own.

Laws: whatever is asked for is asked for with its owner. Bounds hold exactly, also for requests that
race. Thresholds are in units of what they bound (`migrations/versions/0043_alerts.py`), times
microseconds since the epoch. Where an alert begins to look is stored with it, so that nothing that
happens after it was made is missed, and nothing before it counts.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING, Final

import msgspec

from persistence.errors import BoundReached
from persistence.postgres.database import DeadlinePool, affected
from persistence.repositories.watchlists import HOLD_OWNER

if TYPE_CHECKING:
    from asyncpg import Record
    from asyncpg.pool import PoolConnectionProxy

OURS: Final = "exchange"
ALERT_COLUMNS: Final = (
    "id, user_id, kind, platform, external_id, outcome, threshold, order_id, note, pause_s,"
    " webhook_id, is_active, is_met, since_no, looked, looked_entry, fired_count, fired_at,"
    " created_at, changed_at, ended"
)
_ALL_ENTRIES: Final = 2**31 - 1
"""Of the last command: none of them is looked at any more."""
_INSERT: Final = f"""
INSERT INTO alerts (user_id, kind, platform, external_id, outcome, threshold, order_id, note,
                    pause_s, webhook_id, is_active, is_met, since_no, looked, looked_entry,
                    created_at, changed_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9,
        (SELECT id FROM alert_webhooks WHERE id = $10 AND user_id = $1), true, $11, $12,
        (SELECT last_seq FROM engine_state), {_ALL_ENTRIES}, $13, $13)
RETURNING {ALERT_COLUMNS}
"""  # noqa: S608 - constants
_CHANGE: Final = f"""
UPDATE alerts
   SET threshold = $3, note = $4, pause_s = $5,
       webhook_id = (SELECT id FROM alert_webhooks WHERE id = $6 AND user_id = $1),
       is_active = coalesce($7, is_active),
       is_met = CASE WHEN $12 THEN $8 ELSE is_met END,
       since_no = CASE WHEN $12 THEN $9 ELSE since_no END,
       looked = CASE WHEN is_active THEN looked ELSE (SELECT last_seq FROM engine_state) END,
       looked_entry = CASE WHEN is_active THEN looked_entry ELSE {_ALL_ENTRIES} END,
       ended = CASE WHEN coalesce($7, is_active) THEN NULL ELSE ended END,
       changed_at = $10
 WHERE user_id = $1 AND id = $2 AND changed_at = $11
RETURNING {ALERT_COLUMNS}
"""  # noqa: S608 - constants
_PAGE: Final = (
    f"SELECT {ALERT_COLUMNS} FROM alerts WHERE user_id = $1 AND id > $2"  # noqa: S608 - constants
    " ORDER BY id LIMIT $3 OFFSET $4"
)
_ONE: Final = f"SELECT {ALERT_COLUMNS} FROM alerts WHERE user_id = $1 AND id = $2"  # noqa: S608 - constants
# Whoever looks through the tape holds this row; the first alert of a market begins where that is.
_HOLD_TAPE: Final = """
INSERT INTO alert_prints (market_id, trade_no) SELECT id, trade_no FROM markets WHERE id = $1
ON CONFLICT (market_id) DO UPDATE SET trade_no = alert_prints.trade_no
"""
_LAST_PRINT: Final = "SELECT trade_no, last_price FROM markets WHERE id = $1"

Holds = Callable[[int | None], bool]
"""Says whether what an alert waits for is so already; given the last price of YES of a market of
ours, None where there is none, or where it doesn't matter."""


class AlertTerms(msgspec.Struct, frozen=True, kw_only=True):
    """What is looked for, and how it is told.

    `platform` and `external_id` are None for fills in any market, `outcome` for what is no price,
    `pause_s` for an alert that fires once.
    """

    kind: str
    platform: str | None
    external_id: str | None
    outcome: str | None
    threshold: int | None
    order_id: int | None
    note: str
    pause_s: int | None
    webhook_id: int | None


class Alert(msgspec.Struct, frozen=True):
    """A row; `since_no` is the last trade of the market that is before it. `ended` says why it
    looks out no more, unless its owner stopped it: FIRED or MARKET_ENDED.
    """

    id: int
    user_id: int
    kind: str
    platform: str | None
    external_id: str | None
    outcome: str | None
    threshold: int | None
    order_id: int | None
    note: str
    pause_s: int | None
    webhook_id: int | None
    is_active: bool
    is_met: bool
    since_no: int
    looked: int
    looked_entry: int
    fired_count: int
    fired_at: int | None
    created_at: int
    changed_at: int
    ended: str | None


class Alerts:
    """Reads and writes alerts."""

    def __init__(self, pool: DeadlinePool) -> None:
        self._pool = pool

    async def create(
        self, user_id: int, terms: AlertTerms, holds: Holds, at: int, most: int
    ) -> Alert:
        """Add an alert; raises BoundReached if its owner has `most` of them already.

        A webhook that isn't its owner's is left out.
        """
        async with self._pool.transaction() as connection:
            await connection.execute(HOLD_OWNER, user_id)
            count = await connection.fetchval(
                "SELECT count(*) FROM alerts WHERE user_id = $1", user_id
            )
            if count >= most:
                raise BoundReached
            since_no, price = await _beginning(connection, terms)
            fields = msgspec.structs.astuple(terms)
            row = await connection.fetchrow(_INSERT, user_id, *fields, holds(price), since_no, at)
        return alert_of(row)

    async def page(
        self, user_id: int, limit: int, offset: int, after: int
    ) -> tuple[list[Alert], int]:
        """Return alerts above the id `after`, in that order, and how many there are in all."""
        rows = await self._pool.fetch(_PAGE, user_id, after, limit, offset)
        total = await self._pool.fetchval("SELECT count(*) FROM alerts WHERE user_id = $1", user_id)
        return [alert_of(row) for row in rows], total

    async def get(self, user_id: int, alert_id: int) -> Alert | None:
        """Return one alert."""
        row = await self._pool.fetchrow(_ONE, user_id, alert_id)
        return None if row is None else alert_of(row)

    async def change(
        self, was: Alert, terms: AlertTerms, holds: Holds, at: int, *, is_active: bool | None
    ) -> Alert | None:
        """Store what its owner changed; None if its owner has changed it since.

        Of the terms the threshold, the note, the pause and the webhook count. Another threshold,
        and `is_active` True, is looked for from now on. Anything else leaves how it stands, and
        `is_active` None also whether it does: it may fire at this moment.
        """
        is_anew = is_active is True or terms.threshold != was.threshold
        async with self._pool.transaction() as connection:
            since_no, price = await _beginning(connection, terms) if is_anew else (0, None)
            row = await connection.fetchrow(
                _CHANGE,
                was.user_id,
                was.id,
                terms.threshold,
                terms.note,
                terms.pause_s,
                terms.webhook_id,
                is_active,
                holds(price),
                since_no,
                max(at, was.changed_at + 1),
                was.changed_at,
                is_anew,
            )
        return None if row is None else alert_of(row)

    async def delete(self, user_id: int, alert_id: int) -> bool:
        """Delete an alert; what it has told stays. Say whether there was one."""
        done = await self._pool.execute(
            "DELETE FROM alerts WHERE user_id = $1 AND id = $2", user_id, alert_id
        )
        return affected(done) == 1


async def _beginning(
    connection: "PoolConnectionProxy[Record]", terms: AlertTerms
) -> tuple[int, int | None]:
    """Return the last trade that an alert doesn't look at, and its YES price; the tape is held."""
    if terms.platform != OURS or terms.external_id is None or terms.outcome is None:
        return 0, None
    number = int(terms.external_id)
    await connection.execute(_HOLD_TAPE, number)
    row = await connection.fetchrow(_LAST_PRINT, number)
    return (0, None) if row is None else (row["trade_no"], row["last_price"] or None)


def alert_of(row: "Record | None") -> Alert:
    """Return the alert of a row."""
    if row is None:
        raise TypeError("an INSERT ... RETURNING gave no row")
    return Alert(*row)
