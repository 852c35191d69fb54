"""What alerts are compared with, and what comes of it: written together, in one transaction.

Laws: how far the tape of a market of ours was looked through (`alert_prints`), and the ledger of an
owner (`alerts.looked`), moves with the firings that follow from it, or not at all. A change of an
alert counts only if the alert is as it was when it was looked at: whoever else looked, or its owner
changed it, was first. So each crossing fires once, whatever dies and whoever looks twice.
"""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Final

import msgspec

from exchange.messages.bounds import PRICE_SCALE
from exchange.messages.terms import Outcome, Side
from exchange.proof.ledger import EntryKind, Owner
from persistence.journal.codes import OUTCOME, SIDE, words
from persistence.postgres.database import DeadlinePool
from persistence.repositories.alerts.alerts import ALERT_COLUMNS, OURS, Alert
from persistence.repositories.alerts.firings import NewFiring, add_firing

if TYPE_CHECKING:
    from asyncpg import Record
    from asyncpg.pool import PoolConnectionProxy

_SIDES: Final = words(SIDE)
_OUTCOMES: Final = words(OUTCOME)
_PRICES: Final = "kind IN ('PRICE_ABOVE', 'PRICE_BELOW')"
_TAPES: Final = f"""
SELECT p.market_id FROM alert_prints p JOIN markets m ON m.id = p.market_id
 WHERE m.trade_no > p.trade_no AND p.market_id > $1
   AND EXISTS (SELECT FROM alerts a WHERE a.platform = '{OURS}' AND a.is_active
                  AND a.external_id = p.market_id::text AND a.{_PRICES})
 ORDER BY p.market_id LIMIT $2
"""  # noqa: S608 - constants
_HOLD_TAPE: Final = f"""
SELECT greatest(p.trade_no, (SELECT min(since_no) FROM alerts a WHERE a.platform = '{OURS}'
          AND a.is_active AND a.external_id = p.market_id::text AND a.{_PRICES})) AS trade_no
  FROM alert_prints p WHERE p.market_id = $1 FOR UPDATE
"""  # noqa: S608 - constants
_PRINTS: Final = """
SELECT trade_no, yes_price, at FROM trades WHERE market_id = $1 AND trade_no > $2
 ORDER BY trade_no LIMIT $3
"""
# In terms of YES: an alert of NO at 0.30 or above is one of YES at 0.70 or below. Only those whose
# state the prints can change are read, those first that have seen the least.
_TOUCHED: Final = f"""
SELECT {ALERT_COLUMNS} FROM (
    SELECT a.*, CASE outcome WHEN 'YES' THEN threshold ELSE 10000 - threshold END AS yes,
           (kind = 'PRICE_ABOVE') = (outcome = 'YES') AS is_up
      FROM alerts a
     WHERE platform = '{OURS}' AND external_id = $1 AND is_active AND since_no < $4
       AND {_PRICES}) AS found
 WHERE CASE WHEN is_up THEN CASE WHEN is_met THEN yes > $2 ELSE yes <= $3 END
            ELSE CASE WHEN is_met THEN yes < $3 ELSE yes >= $2 END END
 ORDER BY since_no, id LIMIT $5
"""  # noqa: S608 - constants
_SEEN: Final = "UPDATE alerts SET since_no = $2 WHERE id = ANY($1::bigint[])"
_MOVE_TAPE: Final = "UPDATE alert_prints SET trade_no = $2 WHERE market_id = $1"
_MARKET: Final = "SELECT slug, question FROM markets WHERE id = $1"
# Those alone whose owner's ledger went on: one statement for many, not one for each that waits.
_FILL_ALERTS: Final = f"""
SELECT {ALERT_COLUMNS} FROM alerts a
 WHERE is_active AND kind = 'FILL' AND id > $1
   AND EXISTS (SELECT FROM ledger l WHERE l.owner_id = a.user_id AND l.owner = $3
                  AND (l.command_seq, l.entry_no) > (a.looked, a.looked_entry))
 ORDER BY id LIMIT $2
"""  # noqa: S608 - constants
_ENTRIES: Final = """
SELECT l.command_seq, l.entry_no, l.kind, l.market_id, l.order_id, l.trade_no, l.at
  FROM ledger l WHERE l.owner_id = $1 AND l.owner = $2 AND (l.command_seq, l.entry_no) > ($3, $4)
 ORDER BY l.command_seq, l.entry_no LIMIT $5
"""
_FILLS: Final = """
SELECT e.seq, e.entry, m.id, m.slug, m.question, o.id, o.side, o.outcome, t.yes_price, t.quantity,
       t.at, t.trade_no
  FROM unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::bigint[], $5::bigint[])
       AS e (seq, entry, market_id, order_id, trade_no)
  JOIN trades t ON t.market_id = e.market_id AND t.trade_no = e.trade_no
  JOIN orders o ON o.id = e.order_id JOIN markets m ON m.id = e.market_id
 ORDER BY e.seq, e.entry
"""
_WATCHED: Final = """
SELECT DISTINCT platform, external_id FROM alerts
 WHERE is_active AND (platform, external_id) > ($1, $2)
 ORDER BY platform, external_id LIMIT $3
"""
_OF_MARKETS: Final = f"""
SELECT {ALERT_COLUMNS} FROM alerts a
 WHERE is_active AND kind <> 'FILL' AND (platform <> '{OURS}' OR NOT {_PRICES})
   AND (platform, external_id) IN (SELECT * FROM unnest($1::text[], $2::text[]))
   AND id > $3 ORDER BY id LIMIT $4
"""  # noqa: S608 - constants
_APPLY: Final = """
UPDATE alerts SET is_met = $2, is_active = $3, ended = CASE WHEN NOT $3 THEN 'FIRED' END,
       fired_count = $4, fired_at = $5, looked = $6, looked_entry = $7
 WHERE id = $1 AND changed_at = $8 AND is_met = $9 AND fired_count = $10 AND is_active
   AND looked = $11 AND looked_entry = $12
RETURNING id
"""


# What has fired is over by that; what has prints or fills to see yet is over when it has seen them.
_END: Final = f"""
UPDATE alerts a SET is_active = false, ended = 'MARKET_ENDED'
 WHERE is_active AND (platform, external_id) IN (SELECT * FROM unnest($1::text[], $2::text[]))
   AND CASE WHEN kind = 'RESOLUTION' THEN is_met
            WHEN kind = 'FILL' THEN NOT EXISTS (
                SELECT FROM ledger l WHERE l.owner_id = a.user_id AND l.owner = $3
                   AND (l.command_seq, l.entry_no) > (a.looked, a.looked_entry))
            WHEN platform = '{OURS}' AND {_PRICES} THEN NOT EXISTS (
                SELECT FROM markets m LEFT JOIN alert_prints p ON p.market_id = m.id
                 WHERE m.id = CASE WHEN platform = '{OURS}' THEN external_id::bigint END
                   AND m.trade_no > greatest(p.trade_no, a.since_no))
            ELSE true END
RETURNING id
"""  # noqa: S608 - constants


class Print(msgspec.Struct, frozen=True):
    """One trade of a market of ours, by the price of YES."""

    trade_no: int
    yes_price: int
    at: int


class Fill(msgspec.Struct, frozen=True):
    """One fill of an order of the owner's, at the price of its own outcome."""

    seq: int
    entry: int
    market_id: int
    slug: str
    question: str
    order_id: int
    side: Side
    outcome: Outcome
    price: int
    quantity: int
    at: int
    trade_no: int


class Change(msgspec.Struct, frozen=True):
    """What a look at an alert comes to."""

    was: Alert
    now: Alert
    firings: tuple[NewFiring, ...] = ()


class Tape:
    """The next prints of one market, and what they may change; within a transaction."""

    def __init__(
        self,
        connection: "PoolConnectionProxy[Record]",
        slug: str,
        question: str,
        prints: list[Print],
        alerts: list[Alert],
    ) -> None:
        """Hold what was read; `slug` and `question` are the market's."""
        self._connection = connection
        self.slug: Final = slug
        self.question: Final = question
        self.prints: Final = prints
        self.alerts: Final = alerts

    async def apply(self, changes: Sequence[Change], now: int) -> int:
        """Write what comes of it; return how often alerts fired."""
        return await _apply(self._connection, changes, now)


DecideTape = Callable[[Tape], Sequence[Change]]
"""Returns what prints make of the alerts that they may change."""


class AlertLooks:
    """Reads what alerts wait for, and writes what comes of it."""

    def __init__(self, pool: DeadlinePool) -> None:
        self._pool = pool

    async def tapes(self, after: int, limit: int) -> list[int]:
        """Return ids above `after` of markets of ours with prints that no alert has seen."""
        return [row["market_id"] for row in await self._pool.fetch(_TAPES, after, limit)]

    async def look_at_tape(
        self, market_id: int, limit: int, most: int, decide: DecideTape, now: int
    ) -> int:
        """Look at the next `limit` prints of a market for at most `most` alerts; return how often
        alerts fired. If there may be more alerts, the tape stays where it is for them.

        `decide` is given the tape and returns what becomes of its alerts.
        """
        async with self._pool.transaction() as connection:
            start = await connection.fetchval(_HOLD_TAPE, market_id) or 0
            rows = await connection.fetch(_PRINTS, market_id, start, limit)
            if not rows:
                await connection.execute(_MOVE_TAPE, market_id, start)
                return 0
            prints = [Print(*row) for row in rows]
            prices, last = [one.yes_price for one in prints], prints[-1].trade_no
            bounds = min(prices), max(prices), last, most
            touched = await connection.fetch(_TOUCHED, str(market_id), *bounds)
            market = await connection.fetchrow(_MARKET, market_id)
            fired = 0
            if touched and market is not None:
                alerts = [Alert(*row) for row in touched]
                tape = Tape(connection, market["slug"], market["question"], prints, alerts)
                fired = await tape.apply(decide(tape), now)
            if len(touched) == most:
                await connection.execute(_SEEN, [row["id"] for row in touched], last)
            else:
                await connection.execute(_MOVE_TAPE, market_id, last)
        return fired

    async def fill_alerts(self, after: int, limit: int) -> list[Alert]:
        """Return active alerts of fills above the id `after`, in that order, whose owner's ledger
        has something that they haven't seen.
        """
        rows = await self._pool.fetch(_FILL_ALERTS, after, limit, int(Owner.ACCOUNT))
        return [Alert(*row) for row in rows]

    async def fills(self, alert: Alert, limit: int) -> tuple[list[Fill], tuple[int, int]]:
        """Return the fills among the next `limit` ledger entries of an alert's owner that concern
        it, oldest first, and the place (seq, entry) up to which was looked.
        """
        entries: list[Any] = await self._pool.fetch(
            _ENTRIES, alert.user_id, int(Owner.ACCOUNT), alert.looked, alert.looked_entry, limit
        )
        if not entries:
            return [], (alert.looked, alert.looked_entry)
        wanted = [
            (
                row["command_seq"],
                row["entry_no"],
                row["market_id"],
                row["order_id"],
                row["trade_no"],
            )
            for row in entries
            if row["kind"] == int(EntryKind.TRADE)
            and alert.external_id in {None, str(row["market_id"])}
            and alert.order_id in {None, row["order_id"]}
        ]
        place = entries[-1]["command_seq"], entries[-1]["entry_no"]
        if not wanted:
            return [], place
        columns = [list(column) for column in zip(*wanted, strict=True)]
        return [_fill(row) for row in await self._pool.fetch(_FILLS, *columns)], place

    async def markets(self, after: tuple[str, str], limit: int) -> list[tuple[str, str]]:
        """Return (platform, external id) of markets that somebody waits for, from there."""
        rows = await self._pool.fetch(_WATCHED, *after, limit)
        return [(row["platform"], row["external_id"]) for row in rows]

    async def of_markets(
        self, refs: Sequence[tuple[str, str]], after: int, limit: int
    ) -> list[Alert]:
        """Return active alerts above the id `after` that look at these markets as they are."""
        platforms, names = [ref[0] for ref in refs], [ref[1] for ref in refs]
        rows = await self._pool.fetch(_OF_MARKETS, platforms, names, after, limit)
        return [Alert(*row) for row in rows]

    async def end(self, refs: Sequence[tuple[str, str]]) -> int:
        """End what waits for markets that have ended, but for what has something to see yet; return
        how many that were.
        """
        platforms, names = [ref[0] for ref in refs], [ref[1] for ref in refs]
        return len(await self._pool.fetch(_END, platforms, names, int(Owner.ACCOUNT)))

    async def apply(self, changes: Sequence[Change], now: int) -> int:
        """Write what comes of looks, each on its own; return how often alerts fired."""
        if not changes:
            return 0
        async with self._pool.transaction() as connection:
            return await _apply(connection, changes, now)


async def _apply(
    connection: "PoolConnectionProxy[Record]", changes: Sequence[Change], now: int
) -> int:
    fired = 0
    for change in changes:
        was, new = change.was, change.now
        state = (new.is_met, new.is_active, new.fired_count, new.fired_at, new.looked)
        known = (was.changed_at, was.is_met, was.fired_count, was.looked, was.looked_entry)
        done = await connection.fetchval(_APPLY, was.id, *state, new.looked_entry, *known)
        if done is None:
            continue
        for firing in change.firings:
            await add_firing(connection, firing, now)
            fired += 1
    return fired


def _fill(row: "Record") -> Fill:
    seq, entry, market_id, slug, question, order_id, side, outcome, yes_price, *rest = row
    own = _OUTCOMES[outcome]
    price = yes_price if own is Outcome.YES else PRICE_SCALE - yes_price
    return Fill(seq, entry, market_id, slug, question, order_id, _SIDES[side], own, price, *rest)
