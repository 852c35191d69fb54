"""Kalshi's candlesticks in the one format, and intervals that the venue hasn't.

Laws: an interval without a trade has no open, high, low and close; what was bid and asked at its
end stands beside them. The venue has minutes, hours and days; others are put together of the
largest of these that fits.
"""

from collections.abc import Iterable, Sequence
from typing import Final

from gateway.feeds.kalshi import numbers
from gateway.feeds.kalshi.answers import CandleAnswer, PriceSpan
from gateway.feeds.kalshi.numbers import NumberForms
from gateway.feeds.model import PricePoint, Unrepresentable, VenueCandle

PERIODS_S: Final = (86_400, 3_600, 60)
"""The venue's own intervals, the longest first."""
_MICROSECONDS: Final = 1_000_000
_NOTHING: Final = PriceSpan()


def period_of(interval_s: int) -> int:
    """Return the longest of the venue's intervals that divides this one.

    Raises ValueError for one that isn't whole minutes.
    """
    for period in PERIODS_S:
        if interval_s > 0 and interval_s % period == 0:
            return period
    raise ValueError(f"interval_s must be whole minutes, not {interval_s}")


def candle(answer: CandleAnswer, period_s: int, forms: NumberForms) -> VenueCandle:
    """Return one interval; raises Unrepresentable."""
    price = answer.price or _NOTHING
    bid, ask = answer.yes_bid or _NOTHING, answer.yes_ask or _NOTHING
    if answer.end_period_ts < period_s:
        raise Unrepresentable("time")
    return VenueCandle(
        start=(answer.end_period_ts - period_s) * _MICROSECONDS,
        open=numbers.paid(numbers.dollars(price.open, price.open_dollars, forms)),
        high=numbers.paid(numbers.dollars(price.high, price.high_dollars, forms)),
        low=numbers.paid(numbers.dollars(price.low, price.low_dollars, forms)),
        close=numbers.paid(numbers.dollars(price.close, price.close_dollars, forms)),
        best_bid=numbers.bid(numbers.dollars(bid.close, bid.close_dollars, forms)),
        best_ask=numbers.ask(numbers.dollars(ask.close, ask.close_dollars, forms)),
        volume=_count(answer.volume, answer.volume_fp, forms),
        open_interest=_count(answer.open_interest, answer.open_interest_fp, forms),
    )


def together(candles: Sequence[VenueCandle], interval_s: int) -> tuple[VenueCandle, ...]:
    """Return candles, oldest first, put together to intervals that begin at whole multiples."""
    step = interval_s * _MICROSECONDS
    groups: dict[int, list[VenueCandle]] = {}
    for one in candles:
        groups.setdefault(one.start // step * step, []).append(one)
    return tuple(_one(start, groups[start]) for start in sorted(groups))


def points(candles: Iterable[VenueCandle], interval_s: int) -> tuple[PricePoint, ...]:
    """Return what YES was worth at each interval's end: the last price, else between bid and ask;
    nothing for an interval with neither.
    """
    found = []
    for one in candles:
        worth = one.close
        if worth is None and one.best_bid is not None and one.best_ask is not None:
            worth = (one.best_bid + one.best_ask) // 2
        if worth is not None:
            at = one.start + interval_s * _MICROSECONDS
            found.append(PricePoint(at=at, yes_price=worth))
    return tuple(found)


def _one(start: int, parts: Sequence[VenueCandle]) -> VenueCandle:
    highs = [part.high for part in parts if part.high is not None]
    lows = [part.low for part in parts if part.low is not None]
    volumes = [part.volume for part in parts if part.volume is not None]
    last = parts[-1]
    return VenueCandle(
        start=start,
        open=next((part.open for part in parts if part.open is not None), None),
        high=max(highs, default=None),
        low=min(lows, default=None),
        close=next((part.close for part in reversed(parts) if part.close is not None), None),
        best_bid=last.best_bid,
        best_ask=last.best_ask,
        volume=sum(volumes) if volumes else None,
        open_interest=last.open_interest,
    )


def _count(whole: numbers.Number, exact: numbers.Number, forms: NumberForms) -> int | None:
    return numbers.total(numbers.contracts(whole, exact, forms))
