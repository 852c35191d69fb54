"""Candles of our markets on the wire: what is asked for, how it looks, how gaps are filled.

Laws: prices are of YES; an interval without a trade has none of its own; `bid` and `ask` say how
the best prices went, as whole commands left them; with `fill` every interval of the range is there,
carrying on what was, from the first that is known.
"""

from enum import Enum
from typing import Final

from exchange.messages.bounds import PRICE_SCALE
from exchange.projections.candles import Candle, Range
from gateway.markets.intervals import Interval, asked_range
from gateway.markets.projected import Projected
from gateway.wire.errors import ValidationFailed
from gateway.wire.scalars import (
    TimeText,
    iso_millis,
    money_text,
    price_text,
    quantity_text,
)
from gateway.wire.strict_json import AnswerStruct, QueryStruct
from persistence.clock import MICROSECONDS
from persistence.repositories.candles import Candles

CANDLES_MAX: Final = 1_000
_CANDLES: Final = 300
"""Of a range whose beginning isn't asked for."""


class Fill(Enum):
    """Whether intervals in which nothing changed are shown."""

    YES = "true"
    NO = "false"


class CandlesQuery(QueryStruct, frozen=True, rename={"from_time": "from", "to_time": "to"}):
    """Which candles: those that begin in [from, to]; unset: the last 300, never more than 1000."""

    interval: Interval = Interval.HOUR
    from_time: TimeText | None = None
    to_time: TimeText | None = None
    fill: Fill = Fill.NO

    def range(self, now: int) -> tuple[int, int]:
        """Return [start, end) in whole intervals; raises ValidationFailed."""
        step = self.interval.seconds * MICROSECONDS
        begin, end = asked_range(self.from_time, self.to_time, now)
        last = min(now if end is None else end, now) // step * step
        if begin is None:
            return max(0, last - (_CANDLES - 1) * step), last + step
        # The candle that `from` falls into began before it.
        first = -(-begin // step) * step
        if (last - first) // step >= CANDLES_MAX:
            most = iso_millis(first + (CANDLES_MAX - 1) * step)
            raise ValidationFailed.of(
                "to",
                f"must be at most {CANDLES_MAX} intervals of {self.interval.value} later than"
                f" `from`: {most}; or ask for longer intervals",
            )
        return first, last + step


class RangeView(AnswerStruct, frozen=True, gc=False):
    """The way of a price through an interval; null where there was none."""

    open: str | None
    high: str | None
    low: str | None
    close: str | None


class CandleView(AnswerStruct, frozen=True, gc=False):
    """One interval of a market, which begins at `time`.

    `volume` and `openInterest` are in shares, `turnover` is what the volume cost at prices of YES.
    """

    time: str
    open: str | None
    high: str | None
    low: str | None
    close: str | None
    volume: str | None
    turnover: str | None
    trades: int | None
    bid: RangeView
    ask: RangeView
    open_interest: str | None


def candle_view(candle: Candle) -> CandleView:
    """Return a candle as everybody sees it."""
    price, bid, ask = (_range_view(one) for one in (candle.price, candle.bid, candle.ask))
    return CandleView(
        iso_millis(candle.start),
        price.open,
        price.high,
        price.low,
        price.close,
        quantity_text(candle.volume),
        money_text(candle.turnover),
        candle.trades,
        bid,
        ask,
        quantity_text(candle.collateral // PRICE_SCALE),
    )


def _range_view(one: Range) -> RangeView:
    return RangeView(_price(one.open), _price(one.high), _price(one.low), _price(one.close))


def _price(price: int) -> str | None:
    return price_text(price) if price else None


def filled(
    candles: list[Candle], before: Candle | None, price: int, span: int, start: int, end: int
) -> list[Candle]:
    """Return a candle for each interval of [start, end): of those in which nothing changed one that
    carries on what the one before ended with, `before` the range and its last `price` (0: none) at
    first. Before anything was known there are none.
    """
    by_start = {candle.start: candle for candle in candles}
    found: list[Candle] = []
    last = before
    for at in range(start, end, span * MICROSECONDS):
        candle = by_start.get(at)
        if candle is None:
            if last is None:
                continue
            bid, ask = last.bid.close, last.ask.close
            candle = Candle(
                span, at, _flat(price), _flat(bid), _flat(ask), 0, 0, 0, last.collateral
            )
        elif not candle.trades:
            candle.price = _flat(price)
        price = candle.price.close
        found.append(candle)
        last = candle
    return found


def _flat(price: int) -> Range:
    return Range(price, price, price, price)


class OwnCandles:
    """Finds candles of our markets."""

    def __init__(self, candles: Candles, projected: Projected) -> None:
        self._candles = candles
        self._projected = projected

    async def find(
        self, market_id: int, query: CandlesQuery, now: int, min_seq: int
    ) -> tuple[list[Candle], int]:
        """Return a market's candles, and the command up to which they hold everything.

        Raises ValidationFailed for the range, NotYetReached if `min_seq` isn't in them in time.
        """
        start, end = query.range(now)
        span = query.interval.seconds
        seq = await self._projected.reach(min_seq)
        found = await self._candles.candles(market_id, span, start, end)
        if query.fill is Fill.YES:
            before, price = await self._candles.before(market_id, start)
            found = filled(found, before, price, span, start, end)
        return found, seq
