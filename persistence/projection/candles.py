"""Candles of our own markets, stored interval by interval.

Laws: they follow from trades, from the book as `BestPrices` has it, and from what came into a
market's collateral; only candles that changed are written; a market that rests is dropped from
memory and found again by its last candles. Beside them stands what was paid in each market since it
began, which is moved on by what the candles took.
"""

from collections.abc import Callable, Iterable, Sequence
from typing import Final

from exchange.messages.bounds import STORED_MAX
from exchange.messages.events import Event
from exchange.messages.execution import Execution
from exchange.projections.book_replay import TAKE
from exchange.projections.candles import MONEY, SPANS_S, Candle, MarketCandles, trades_of
from persistence.journal.source import JournalSource
from persistence.postgres.database import Connection
from persistence.repositories.candles import COLUMNS, candle_of

MARKETS_HELD: Final = 20_000
"""More are dropped from memory when they are stored."""

BestPrices = Callable[[int], tuple[int, int]]
"""Market id -> (best bid, best ask) after the command that was applied last; 0 for none."""

_CONCERN: Final = MONEY | TAKE.keys()
"""The events that may change a market's candles: its book, or its collateral."""

_LAST: Final = f"""
SELECT last.* FROM unnest($1::bigint[]) AS market (id), unnest($2::integer[]) AS spans (span),
       LATERAL (SELECT {COLUMNS} FROM candles
                 WHERE market_id = market.id AND candles.span = spans.span
                 ORDER BY start DESC LIMIT 1) AS last
"""  # noqa: S608 - a constant
_STORE: Final = f"""
INSERT INTO candles ({COLUMNS})
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19)
    ON CONFLICT (market_id, span, start) DO UPDATE
   SET volume = excluded.volume, turnover = excluded.turnover, trades = excluded.trades,
       collateral = excluded.collateral,
       open = excluded.open, high = excluded.high, low = excluded.low, close = excluded.close,
       bid_open = excluded.bid_open, bid_high = excluded.bid_high, bid_low = excluded.bid_low,
       bid_close = excluded.bid_close, ask_open = excluded.ask_open, ask_high = excluded.ask_high,
       ask_low = excluded.ask_low, ask_close = excluded.ask_close
"""  # noqa: S608 - a constant
_ADD: Final = f"""
INSERT INTO market_turnovers AS known (market_id, turnover, traded_at) VALUES ($1, $2, $3)
    ON CONFLICT (market_id) DO UPDATE
   SET turnover = least(known.turnover::numeric + excluded.turnover, {STORED_MAX})::bigint,
       traded_at = excluded.traded_at
"""  # noqa: S608 - a constant


def _row(market_id: int, candle: Candle) -> tuple[int, ...]:
    price, bid, ask = candle.price, candle.bid, candle.ask
    return (
        market_id,
        candle.span,
        candle.start,
        candle.volume,
        candle.turnover,
        candle.trades,
        candle.collateral,
        *(price.open, price.high, price.low, price.close),
        *(bid.open, bid.high, bid.low, bid.close),
        *(ask.open, ask.high, ask.low, ask.close),
    )


def _market_id(event: Event) -> int:
    """Return the market of an event of `_CONCERN`."""
    market_id: int = event.market_id  # type: ignore[union-attr, assignment]
    return market_id


class CandleProjection:
    """Implements `Projection`; whoever keeps the books is applied before it."""

    def __init__(self, best: BestPrices) -> None:
        self._best = best
        self._markets: dict[int, MarketCandles] = {}
        self._touched: dict[int, MarketCandles] = {}
        self._traded: dict[int, tuple[int, int]] = {}
        """Market id -> (what was paid since the last `store`, when last)."""

    async def prepare(self, journal: JournalSource, executions: Sequence[Execution]) -> None:
        """Load the last candles of markets that aren't held."""
        named = {
            _market_id(event)
            for execution in executions
            for event in execution.events
            if type(event) in _CONCERN
        }
        missing = [market_id for market_id in named if market_id not in self._markets]
        if not missing:
            return
        for market_id in missing:
            self._markets[market_id] = MarketCandles()
        for row in await journal.tables.fetch(_LAST, missing, SPANS_S):
            self._markets[row["market_id"]].restore(candle_of(tuple(row.values())))

    def apply(self, execution: Execution) -> None:
        """Take one command."""
        events = execution.events
        concerned = {_market_id(event) for event in events if type(event) in _CONCERN}
        if len(concerned) == 1:
            # Most commands are about one market.
            self._take(execution, concerned.pop(), events)
            return
        for market_id in sorted(concerned):
            theirs = [
                event
                for event in events
                if type(event) in _CONCERN and _market_id(event) == market_id
            ]
            self._take(execution, market_id, theirs)

    def _take(self, execution: Execution, market_id: int, events: Iterable[Event]) -> None:
        trades, collected = trades_of(events)
        if trades:
            paid = sum(price * quantity for price, quantity in trades)
            before, _ = self._traded.get(market_id, (0, 0))
            self._traded[market_id] = before + paid, execution.at
        market = self._markets[market_id]
        if market.take(execution.at, trades, collected, *self._best(market_id)):
            self._touched[market_id] = market

    async def store(self, connection: Connection) -> None:
        """Write the candles that changed."""
        rows = [
            _row(market_id, candle)
            for market_id, market in self._touched.items()
            for candle in market.take_changed()
        ]
        if rows:
            await connection.executemany(_STORE, rows)
        if self._traded:
            added = [(market_id, *paid) for market_id, paid in self._traded.items()]
            await connection.executemany(_ADD, added)
            self._traded.clear()
        self._touched.clear()
        if len(self._markets) > MARKETS_HELD:
            self._markets.clear()

    def forget(self) -> None:
        """Drop all memory."""
        self._markets.clear()
        self._touched.clear()
        self._traded.clear()

    async def erase(self, connection: Connection) -> None:
        """Empty the tables."""
        await connection.execute("TRUNCATE candles, market_turnovers")
