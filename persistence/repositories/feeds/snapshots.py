"""What markets of other venues were worth at many times, and the candles that is rolled up into.

Laws: a snapshot is written only where something changed since the last of its market and source;
its sequence is one more, in the same statement, whichever process writes, so (market, source,
sequence) is unique although the partition's key has to be part of the index. The table has a
partition a month (UTC), made ahead by a job, and by the writer who finds it missing. Candles of a
minute are made of snapshots, longer ones of those; what is rolled up again comes out the same.
"""

import datetime as dt
from collections.abc import Iterable, Sequence
from decimal import Decimal
from typing import TYPE_CHECKING, Final

import asyncpg
import msgspec

from persistence.clock import AHEAD_US, MICROSECONDS
from persistence.postgres.database import DeadlinePool, affected

if TYPE_CHECKING:
    from asyncpg import Record

POLL, WEBSOCKET, BACKFILL = "POLL", "WEBSOCKET", "BACKFILL"
MINUTE, HOUR, DAY = 60, 3_600, 86_400
VENUE_SEQ_LENGTH: Final = 128
_MONTHS_AHEAD: Final = 2

# Tips in the order of their markets, so that two writers wait for each other and never in a circle.
_ADD: Final = f"""
WITH given AS (
    SELECT * FROM unnest($2::bigint[], $3::bytea[], $4::timestamptz[], $5::timestamptz[],
                         $6::text[], $7::smallint[], $8::smallint[], $9::smallint[],
                         $10::smallint[], $11::bigint[], $12::bigint[], $13::bigint[],
                         $14::numeric[], $15::numeric[], $16::numeric[])
        AS g(market_id, digest, at, venue_at, venue_seq, yes_price, best_bid, best_ask, last_price,
             bid_quantity, ask_quantity, open_interest, volume, volume_24h, liquidity)
), tips AS (
    INSERT INTO snapshot_tips AS t (market_id, source, sequence, digest, at)
    SELECT market_id, $1, 1, digest, at FROM given ORDER BY market_id
        ON CONFLICT (market_id, source) DO UPDATE
       SET sequence = t.sequence + 1, digest = excluded.digest, at = excluded.at
     WHERE t.digest <> excluded.digest
       AND (t.at <= excluded.at OR t.at > excluded.at + interval '{AHEAD_US} microseconds')
    RETURNING market_id, sequence
)
INSERT INTO market_snapshots (market_id, source, sequence, at, venue_at, venue_seq, yes_price,
       best_bid, best_ask, last_price, bid_quantity, ask_quantity, open_interest, volume,
       volume_24h, liquidity)
SELECT g.market_id, $1, tips.sequence, g.at, g.venue_at, g.venue_seq, g.yes_price, g.best_bid,
       g.best_ask, g.last_price, g.bid_quantity, g.ask_quantity, g.open_interest, g.volume,
       g.volume_24h, g.liquidity
  FROM given g JOIN tips USING (market_id)
"""  # noqa: S608 - constants
COLUMNS: Final = (
    "id, market_id, source, sequence, at, venue_at, venue_seq, yes_price, best_bid, best_ask,"
    " last_price, bid_quantity, ask_quantity, open_interest, volume, volume_24h, liquidity"
)
_PAGE: Final = f"""
SELECT {COLUMNS} FROM market_snapshots
 WHERE market_id = $1 AND (at, id) < ($2, $3) AND at >= $4 AND ($5::text IS NULL OR source = $5)
 ORDER BY at DESC, id DESC LIMIT $6
"""  # noqa: S608 - constants
_LATEST: Final = f"""
SELECT {COLUMNS} FROM market_snapshots s
 WHERE market_id = $1 AND at = (SELECT max(at) FROM snapshot_tips WHERE market_id = $1)
 ORDER BY at DESC, id DESC LIMIT 1
"""  # noqa: S608 - constants
_FIND: Final = f"SELECT {COLUMNS} FROM market_snapshots WHERE id = $1"  # noqa: S608 - constants
# The sequence goes on; what is compared with the next snapshot is no longer there to be shown.
_FORGET_TIPS: Final = "UPDATE snapshot_tips SET digest = '' WHERE at < $1 AND digest <> ''"
_PARTITIONS: Final = """
SELECT c.relname FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
 WHERE i.inhparent = 'market_snapshots'::regclass ORDER BY c.relname
"""
# A volume is the venue's sum so far: a minute's own is what it grew by since the snapshot before,
# which may be of an earlier minute, or of an earlier call (a day back at most).
_ROLL_UP_MINUTES: Final = """
WITH minutes AS (
    SELECT market_id, minute,
           (array_agg(price ORDER BY at, id) FILTER (WHERE price IS NOT NULL))[1] AS open,
           max(price) AS high, min(price) AS low,
           (array_agg(price ORDER BY at DESC, id DESC)
                FILTER (WHERE price IS NOT NULL))[1] AS close,
           (array_agg(best_bid ORDER BY at DESC, id DESC))[1] AS best_bid,
           (array_agg(best_ask ORDER BY at DESC, id DESC))[1] AS best_ask,
           (array_agg(open_interest ORDER BY at DESC, id DESC))[1] AS open_interest,
           max(volume) AS most, min(volume) AS least, count(*) AS snapshots
      FROM (SELECT *, coalesce(yes_price, last_price) AS price,
                   floor(extract(epoch FROM at) / 60)::bigint AS minute
              FROM market_snapshots
             WHERE at >= $1 AND at < $2 AND ($3::bigint IS NULL OR market_id = $3)) AS s
     GROUP BY market_id, minute
), earlier AS (
    SELECT market_id, (SELECT p.volume FROM market_snapshots p
                        WHERE p.market_id = m.market_id AND p.at >= $1 - interval '1 day'
                          AND p.at < $1 AND p.volume IS NOT NULL
                        ORDER BY p.at DESC, p.id DESC LIMIT 1) AS volume
      FROM (SELECT DISTINCT market_id FROM minutes) AS m
)
INSERT INTO snapshot_candles AS c
       (market_id, seconds, start, open, high, low, close, best_bid, best_ask, open_interest,
        volume, snapshots)
SELECT market_id, 60, minute * 60000000, open, high, low, close, best_bid, best_ask, open_interest,
       CASE WHEN most IS NOT NULL THEN greatest(0, most - coalesce(
           max(most) OVER (PARTITION BY market_id ORDER BY minute
                           ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING),
           earlier.volume, least)) END,
       snapshots
  FROM minutes JOIN earlier USING (market_id)
    ON CONFLICT (market_id, seconds, start) DO UPDATE
   SET open = excluded.open, high = excluded.high, low = excluded.low, close = excluded.close,
       best_bid = excluded.best_bid, best_ask = excluded.best_ask,
       open_interest = excluded.open_interest, volume = excluded.volume,
       snapshots = excluded.snapshots
"""
_ROLL_UP: Final = """
INSERT INTO snapshot_candles AS c
       (market_id, seconds, start, open, high, low, close, best_bid, best_ask, open_interest,
        volume, snapshots)
SELECT market_id, $2::integer, start / ($2::integer * 1000000::bigint)
           * ($2::integer * 1000000::bigint) AS begin,
       (array_agg(open ORDER BY start) FILTER (WHERE open IS NOT NULL))[1], max(high), min(low),
       (array_agg(close ORDER BY start DESC) FILTER (WHERE close IS NOT NULL))[1],
       (array_agg(best_bid ORDER BY start DESC))[1], (array_agg(best_ask ORDER BY start DESC))[1],
       (array_agg(open_interest ORDER BY start DESC))[1], sum(volume), sum(snapshots)
  FROM snapshot_candles WHERE seconds = $1 AND start >= $3 AND start < $4
   AND ($5::bigint IS NULL OR market_id = $5)
 GROUP BY market_id, begin
    ON CONFLICT (market_id, seconds, start) DO UPDATE
   SET open = excluded.open, high = excluded.high, low = excluded.low, close = excluded.close,
       best_bid = excluded.best_bid, best_ask = excluded.best_ask,
       open_interest = excluded.open_interest, volume = excluded.volume,
       snapshots = excluded.snapshots
"""
_CANDLES: Final = """
SELECT start, open, high, low, close, best_bid, best_ask, open_interest, volume
  FROM snapshot_candles WHERE market_id = $1 AND seconds = $2 AND start >= $3 AND start <= $4
 ORDER BY start LIMIT $5
"""
_PRUNE_CANDLES: Final = """
DELETE FROM snapshot_candles WHERE ctid = ANY (ARRAY(
    SELECT ctid FROM snapshot_candles WHERE seconds = $1 AND start < $2 LIMIT $3))
"""


class NewSnapshot(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A snapshot to be written if its `digest` isn't that of the last one."""

    market_id: int
    digest: bytes
    at: int
    venue_at: int | None = None
    venue_seq: str | None = None
    yes_price: int | None = None
    best_bid: int | None = None
    best_ask: int | None = None
    last_price: int | None = None
    bid_quantity: int | None = None
    ask_quantity: int | None = None
    open_interest: int | None = None
    volume: Decimal | None = None
    volume_24h: Decimal | None = None
    liquidity: Decimal | None = None


class Snapshot(msgspec.Struct, frozen=True, gc=False):
    """A snapshot; times in microseconds since the epoch."""

    id: int
    market_id: int
    source: str
    sequence: int
    at: int
    venue_at: int | None
    venue_seq: str | None
    yes_price: int | None
    best_bid: int | None
    best_ask: int | None
    last_price: int | None
    bid_quantity: int | None
    ask_quantity: int | None
    open_interest: int | None
    volume: Decimal | None
    volume_24h: Decimal | None
    liquidity: Decimal | None


class Candle(msgspec.Struct, frozen=True, gc=False):
    """An interval of a market; None where nothing is known."""

    start: int
    open: int | None
    high: int | None
    low: int | None
    close: int | None
    best_bid: int | None
    best_ask: int | None
    open_interest: int | None
    volume: Decimal | None


class Snapshots:
    """Reads and writes snapshots and their candles."""

    def __init__(self, pool: DeadlinePool) -> None:
        self._pool = pool

    async def add(self, source: str, snapshots: Sequence[NewSnapshot]) -> int:
        """Write those that differ from their market's last one; return how many those were.

        Of one market each is compared with the one before it, in the order given.
        """
        written = 0
        rest = list(snapshots)
        while rest:
            once: dict[int, NewSnapshot] = {}
            later: list[NewSnapshot] = []
            for one in rest:
                if one.market_id in once:
                    later.append(one)
                else:
                    once[one.market_id] = one
            written += await self._add_once(source, list(once.values()))
            rest = later
        return written

    async def _add_once(self, source: str, snapshots: Sequence[NewSnapshot]) -> int:
        times = [time_of(one.at) for one in snapshots]
        return await self.write(times, _ADD, source, *_arrays(snapshots))

    async def write(self, times: Sequence[dt.datetime], query: str, *arguments: object) -> int:
        """Run a statement that adds snapshots of these times; return how many rows it wrote."""
        try:
            return affected(await self._pool.execute(query, *arguments))
        except asyncpg.CheckViolationError:
            # No partition for one of the times: the job that makes them hasn't come that far.
            await self.make_partitions(times)
            return affected(await self._pool.execute(query, *arguments))

    async def page(
        self,
        market_id: int,
        *,
        before: tuple[int, int],
        since: int,
        source: str | None,
        limit: int,
    ) -> list[Snapshot]:
        """Return snapshots before a place (time, id), newest first."""
        rows = await self._pool.fetch(
            _PAGE, market_id, time_of(before[0]), before[1], time_of(since), source, limit
        )
        return [snapshot_of_row(row) for row in rows]

    async def latest(self, market_id: int) -> Snapshot | None:
        """Return the last snapshot of a market."""
        row = await self._pool.fetchrow(_LATEST, market_id)
        return None if row is None else snapshot_of_row(row)

    async def find(self, number: int) -> Snapshot | None:
        """Return the snapshot of an id."""
        row = await self._pool.fetchrow(_FIND, number)
        return None if row is None else snapshot_of_row(row)

    async def make_partitions(self, moments: Iterable[dt.datetime]) -> None:
        """Make the partitions of the months of these times, those that aren't there."""
        for first in sorted({_month(moment) for moment in moments}):
            name, after = _partition_name(first), _following(first)
            async with self._pool.transaction() as connection:
                await connection.execute("SELECT pg_advisory_xact_lock(hashtext($1))", name)
                await connection.execute(
                    f"CREATE TABLE IF NOT EXISTS {name} PARTITION OF market_snapshots"
                    f" FOR VALUES FROM ('{first.isoformat()}') TO ('{after.isoformat()}')"
                )

    async def make_partitions_ahead(self, now: int) -> None:
        """Make this month's partition and those of the next two."""
        months = [_month(time_of(now))]
        for _ in range(_MONTHS_AHEAD):
            months.append(_following(months[-1]))
        await self.make_partitions(months)

    async def partitions(self) -> list[str]:
        """Return the names of the partitions, the oldest first."""
        return [row[0] for row in await self._pool.fetch(_PARTITIONS)]

    async def drop_before(self, before: int) -> list[str]:
        """Drop the partitions that hold nothing after a time; return their names.

        A market whose last snapshot goes with them gets another one when it is looked at next.
        """
        kept_from = _month(time_of(before))
        last = _partition_name(kept_from)
        gone = [name for name in await self.partitions() if name < last]
        if gone:
            await self._pool.execute(_FORGET_TIPS, kept_from)
        for name in gone:
            await self._pool.execute(f"DROP TABLE IF EXISTS {name}")
        return gone

    async def roll_up(self, since: int, until: int, market_id: int | None = None) -> None:
        """Make the candles of whole minutes, hours and days that lie within two times, of one
        market or of all.

        Both should be the starts of days or hours, or the last candle is of a part of its interval
        and comes out whole with the next call.
        """
        await self._pool.execute(_ROLL_UP_MINUTES, time_of(since), time_of(until), market_id)
        for shorter, longer in ((MINUTE, HOUR), (HOUR, DAY)):
            step = longer * MICROSECONDS
            begin, end = since // step * step, -(-until // step) * step
            await self._pool.execute(_ROLL_UP, shorter, longer, begin, end, market_id)

    async def candles(
        self, market_id: int, seconds: int, start: int, end: int, limit: int
    ) -> list[Candle]:
        """Return candles, oldest first."""
        rows = await self._pool.fetch(_CANDLES, market_id, seconds, start, end, limit)
        return [Candle(*row) for row in rows]

    async def prune_candles(self, seconds: int, before: int, limit: int) -> int:
        """Delete at most `limit` candles that began before a time; return how many those were."""
        return affected(await self._pool.execute(_PRUNE_CANDLES, seconds, before, limit))


def _arrays(snapshots: Sequence[NewSnapshot]) -> list[list[object]]:
    return [
        [one.market_id for one in snapshots],
        [one.digest for one in snapshots],
        [time_of(one.at) for one in snapshots],
        [None if one.venue_at is None else time_of(one.venue_at) for one in snapshots],
        [one.venue_seq for one in snapshots],
        [one.yes_price for one in snapshots],
        [one.best_bid for one in snapshots],
        [one.best_ask for one in snapshots],
        [one.last_price for one in snapshots],
        [one.bid_quantity for one in snapshots],
        [one.ask_quantity for one in snapshots],
        [one.open_interest for one in snapshots],
        [one.volume for one in snapshots],
        [one.volume_24h for one in snapshots],
        [one.liquidity for one in snapshots],
    ]


def snapshot_of_row(row: "Record") -> Snapshot:
    """Return the snapshot of a row of `COLUMNS`."""
    values = list(row)
    values[4] = micros_of(row["at"])
    values[5] = None if row["venue_at"] is None else micros_of(row["venue_at"])
    return Snapshot(*values)


_EPOCH: Final = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
_LATEST_TIME: Final = 250_000_000_000_000_000
"""In the year 9892: what Python's calendar still holds."""


def time_of(at: int) -> dt.datetime:
    """Return microseconds since the epoch as a time of PostgreSQL's, at the latest its last."""
    return _EPOCH + dt.timedelta(microseconds=max(0, min(at, _LATEST_TIME)))


def micros_of(moment: dt.datetime) -> int:
    """Return a time of PostgreSQL's in microseconds since the epoch."""
    return (moment - _EPOCH) // dt.timedelta(microseconds=1)


def _month(moment: dt.datetime) -> dt.datetime:
    return moment.replace(day=1, hour=0, minute=0, second=0, microsecond=0)


def _following(first: dt.datetime) -> dt.datetime:
    return _month(first + dt.timedelta(days=32))


def _partition_name(first: dt.datetime) -> str:
    return f"market_snapshots_{first:%Y_%m}"
