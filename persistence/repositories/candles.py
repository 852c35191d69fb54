"""Candles of our markets, what happened in them within a day, and what was paid in them since they
began, as the projector stores them.

Laws: what is read holds everything up to `projected()` asked before it, and may hold more; candles
of five minutes, a quarter and four hours are put together of the stored ones; times are
microseconds.
"""

from collections.abc import Sequence
from typing import Any, Final

import msgspec

from exchange.messages.bounds import STORED_MAX
from exchange.projections.candles import SPANS_S, Candle, Range, together
from persistence.clock import MICROSECONDS
from persistence.postgres.database import Fetching

COLUMNS: Final = (
    "market_id, span, start, volume, turnover, trades, collateral, open, high, low, close,"
    " bid_open, bid_high, bid_low, bid_close, ask_open, ask_high, ask_low, ask_close"
)
_MINUTE: Final = 60
_HOUR: Final = 3_600
DAY_US: Final = 86_400 * MICROSECONDS
_CANDLES: Final = (
    f"SELECT {COLUMNS} FROM candles WHERE market_id = $1 AND span = $2"  # noqa: S608 - a constant
    " AND start >= $3 AND start < $4 ORDER BY start"
)
_BEFORE: Final = (
    f"SELECT {COLUMNS} FROM candles WHERE market_id = $1 AND span = $2 AND start < $3"  # noqa: S608 - a constant
    " ORDER BY start DESC LIMIT 1"
)
_PRICE_BEFORE: Final = """
SELECT t.yes_price FROM trades t
 WHERE t.market_id = $1 AND t.trade_no = last_trade_until($1, $2::bigint - 1)
"""
_NEWEST: Final = f"""
SELECT newest.* FROM unnest($1::bigint[]) AS market (id), unnest($2::integer[]) AS spans (span),
       LATERAL (SELECT {COLUMNS} FROM candles
                 WHERE market_id = market.id AND candles.span = spans.span
                 ORDER BY start DESC LIMIT $3) AS newest
 ORDER BY market_id, span, start
"""  # noqa: S608 - a constant
# Whole hours as such, the first and broken one by its minutes.
_DAYS: Final = """
SELECT market.id, day.*, coalesce(past.yes_price, day.first, 0) AS reference
  FROM unnest($1::bigint[]) AS market (id),
       LATERAL (SELECT sum(volume)::bigint AS volume, sum(turnover)::bigint AS turnover,
                       sum(trades)::bigint AS trades, max(high) AS high,
                       min(low) FILTER (WHERE low <> 0) AS low,
                       (array_agg(open ORDER BY start) FILTER (WHERE trades > 0))[1] AS first
                  FROM candles
                 WHERE market_id = market.id
                   AND (span = 60 AND start >= $2 AND start < $3 OR span = 3600 AND start >= $3)
               ) AS day
       LEFT JOIN LATERAL (SELECT yes_price FROM trades
                           WHERE market_id = market.id
                             AND trade_no = last_trade_until(market.id, $2::bigint - 1)
                          ) AS past ON true
"""
# Whoever wasn't traded within the day is not looked for among the candles.
_TURNOVERS: Final = f"""
SELECT known.market_id, known.turnover, least(coalesce(day.turnover, 0), {STORED_MAX})::bigint
  FROM market_turnovers known
       LEFT JOIN LATERAL (SELECT sum(turnover) AS turnover FROM candles
                           WHERE market_id = known.market_id
                             AND (span = 60 AND start >= $1 AND start < $2
                                  OR span = 3600 AND start >= $2)
                         ) AS day ON known.traded_at >= $1
"""  # noqa: S608 - a constant


def candle_of(row: Sequence[Any]) -> Candle:
    """Return the candle of a row of `COLUMNS`."""
    span, start, volume, turnover, trades, collateral = row[1:7]
    price, bid, ask = Range(*row[7:11]), Range(*row[11:15]), Range(*row[15:19])
    return Candle(span, start, price, bid, ask, volume, turnover, trades, collateral)


class Day(msgspec.Struct, frozen=True, gc=False):
    """What happened in a market within the last 24 hours, to the minute.

    `volume` is quantity, `turnover` money; `high` and `low` are None without a trade; `reference`
    is the price of the last trade before, else of the first within; None if nothing was traded.
    """

    volume: int
    turnover: int
    trades: int
    high: int | None
    low: int | None
    reference: int | None


NOTHING: Final = Day(0, 0, 0, None, None, None)


class Turnover(msgspec.Struct, frozen=True, gc=False):
    """What was paid in a market, at prices of YES, in money: within 24 hours, and in all."""

    day: int
    total: int


class Candles:
    """Reads candles over a pool whose waits have an end."""

    def __init__(self, source: Fetching) -> None:
        self._source = source

    async def projected(self) -> int:
        """Return the last command that is in every candle."""
        seq: int = await self._source.fetchval("SELECT last_seq FROM projection_state")
        return seq

    async def candles(self, market_id: int, span: int, start: int, end: int) -> list[Candle]:
        """Return the candles of `span` seconds that begin in [start, end), oldest first.

        Both are whole multiples of the span; intervals in which nothing changed have none.
        """
        kept = max(one for one in SPANS_S if span % one == 0)
        rows = await self._source.fetch(_CANDLES, market_id, kept, start, end)
        found = [candle_of(tuple(row.values())) for row in rows]
        return found if kept == span else together(found, span)

    async def newest(self, market_ids: Sequence[int], count: int) -> dict[int, list[Candle]]:
        """Return the last `count` candles of each span that is kept, by market, oldest first."""
        found: dict[int, list[Candle]] = {}
        for row in await self._source.fetch(_NEWEST, list(market_ids), SPANS_S, count):
            found.setdefault(row["market_id"], []).append(candle_of(tuple(row.values())))
        return found

    async def before(self, market_id: int, start: int) -> tuple[Candle | None, int]:
        """Return the last minute in which anything changed before a time, and the last trade's
        price before it; None and 0 if there was none.
        """
        row = await self._source.fetchrow(_BEFORE, market_id, _MINUTE, start)
        price = await self._source.fetchval(_PRICE_BEFORE, market_id, start)
        return None if row is None else candle_of(tuple(row.values())), price or 0

    async def days(self, market_ids: Sequence[int], now: int) -> dict[int, Day]:
        """Return the last 24 hours of markets, by market."""
        rows = await self._source.fetch(_DAYS, list(market_ids), *_day_before(now))
        return {
            row["id"]: Day(
                row["volume"] or 0,
                row["turnover"] or 0,
                row["trades"] or 0,
                row["high"] or None,
                row["low"] or None,
                row["reference"] or None,
            )
            for row in rows
        }

    async def turnovers(self, now: int) -> dict[int, Turnover]:
        """Return what was paid in every market that was ever traded, by market."""
        rows = await self._source.fetch(_TURNOVERS, *_day_before(now))
        return {number: Turnover(day, total) for number, total, day in rows}


def _day_before(now: int) -> tuple[int, int]:
    """Return where the 24 hours before a time begin, to the minute, and their first whole hour."""
    minute, hour = _MINUTE * MICROSECONDS, _HOUR * MICROSECONDS
    since = (now - DAY_US) // minute * minute
    return since, -(-since // hour) * hour
