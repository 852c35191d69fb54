"""Candles: a market's trades, best prices and collateral, interval by interval.

Laws: an interval begins at a whole multiple of its span since the Unix epoch, and has a candle if
anything in it changed; the best bid and ask open with what they were when it began, however long
nothing had happened; prices are YES prices, 0 where there was none; a price of the book counts as
it is after a whole command. Times are microseconds.
"""

from typing import Final

SPANS_S: Final = (60, 3_600, 86_400)
"""The intervals that are kept, in seconds; all others are put together of them."""
_MICROSECONDS: Final = 1_000_000


class Range:
    """A price's way through an interval: where it began, its bounds, where it ended."""

    __slots__ = ("close", "high", "low", "open")

    def __init__(self, open_: int, high: int, low: int, close: int) -> None:
        self.open = open_
        self.high = high
        self.low = low
        self.close = close

    def move(self, price: int) -> None:
        """Go to a price; to none: the bounds stay."""
        self.close = price
        if price == 0:
            return
        self.high = max(self.high, price)
        if self.low == 0 or price < self.low:
            self.low = price

    def trade(self, price: int) -> None:
        """Take a trade's price: the first one opens."""
        if self.open == 0:
            self.open = price
        self.move(price)


class Candle:
    """One interval of one market; `volume` (quantity), `turnover` (what it cost at YES prices) and
    `trades` are those within, `collateral` the last.
    """

    __slots__ = (
        "ask",
        "bid",
        "collateral",
        "price",
        "span",
        "start",
        "trades",
        "turnover",
        "volume",
    )

    def __init__(
        self,
        span: int,
        start: int,
        price: Range,
        bid: Range,
        ask: Range,
        volume: int,
        turnover: int,
        trades: int,
        collateral: int,
    ) -> None:
        self.span = span
        self.start = start
        self.price = price
        self.bid = bid
        self.ask = ask
        self.volume = volume
        self.turnover = turnover
        self.trades = trades
        self.collateral = collateral


class MarketCandles:
    """The candles of one market that are open, one for each span."""

    __slots__ = ("_open", "ask", "bid", "changed", "collateral")

    def __init__(self) -> None:
        self.bid = 0
        self.ask = 0
        self.collateral = 0
        self.changed: dict[tuple[int, int], Candle] = {}
        """(span, start) -> candle, of those that changed since somebody emptied this."""
        self._open: dict[int, Candle] = {}

    def restore(self, candle: Candle) -> None:
        """Go on after a candle that is stored; the last of each span, in any order."""
        self._open[candle.span] = candle
        self.bid, self.ask = candle.bid.close, candle.ask.close
        self.collateral = candle.collateral

    def take(
        self, at: int, trades: list[tuple[int, int]], collected: int, bid: int, ask: int
    ) -> None:
        """Take what a command did: trades (YES price, quantity) in order, the collateral that came
        in (below 0: went out), and the best prices after it.
        """
        if not trades and not collected and bid == self.bid and ask == self.ask:
            return
        collateral = self.collateral + collected
        for span in SPANS_S:
            candle = self._candle(span, at)
            for price, quantity in trades:
                candle.price.trade(price)
                candle.volume += quantity
                candle.turnover += price * quantity
                candle.trades += 1
            if bid != self.bid:
                candle.bid.move(bid)
            if ask != self.ask:
                candle.ask.move(ask)
            candle.collateral = collateral
        self.bid, self.ask, self.collateral = bid, ask, collateral

    def _candle(self, span: int, at: int) -> Candle:
        length = span * _MICROSECONDS
        start = at // length * length
        candle = self._open.get(span)
        if candle is None or candle.start != start:
            bid, ask = self.bid, self.ask
            candle = self._open[span] = Candle(
                span,
                start,
                Range(0, 0, 0, 0),
                Range(bid, bid, bid, bid),
                Range(ask, ask, ask, ask),
                0,
                0,
                0,
                self.collateral,
            )
        self.changed[span, start] = candle
        return candle


def together(candles: list[Candle], span: int) -> list[Candle]:
    """Return candles, oldest first, put together to longer ones of `span` seconds.

    `span` is a multiple of theirs.
    """
    length = span * _MICROSECONDS
    found: list[Candle] = []
    for part in candles:
        start = part.start // length * length
        if not found or found[-1].start != start:
            found.append(
                Candle(
                    span,
                    start,
                    _copy(part.price),
                    _copy(part.bid),
                    _copy(part.ask),
                    part.volume,
                    part.turnover,
                    part.trades,
                    part.collateral,
                )
            )
            continue
        whole = found[-1]
        if part.trades:
            if whole.trades:
                _join(whole.price, part.price)
            else:
                whole.price = _copy(part.price)
        _join(whole.bid, part.bid)
        _join(whole.ask, part.ask)
        whole.volume += part.volume
        whole.turnover += part.turnover
        whole.trades += part.trades
        whole.collateral = part.collateral
    return found


def _copy(one: Range) -> Range:
    return Range(one.open, one.high, one.low, one.close)


def _join(whole: Range, part: Range) -> None:
    """Go on with a later part."""
    whole.high = max(whole.high, part.high)
    if part.low and (whole.low == 0 or part.low < whole.low):
        whole.low = part.low
    whole.close = part.close
