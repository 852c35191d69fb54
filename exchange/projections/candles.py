"""Candles: a market's trades, best prices and collateral, interval by interval.

Laws: an interval begins at a whole multiple of its span since the Unix epoch, and has a candle if
anything in it changed; the best bid and ask open with what they were when it began, however long
nothing had happened; prices are YES prices, 0 where there was none; a price of the book counts as
it is after a whole command. Times are microseconds.
"""

from collections.abc import Iterable
from typing import Final

from exchange.messages.bounds import PRICE_SCALE
from exchange.messages.events import Event, PairsNetted, PositionSettled, TradeExecuted
from exchange.messages.terms import TradeKind

SPANS_S: Final = (60, 3_600, 86_400)
"""The intervals that are kept, in seconds; all others are put together of them."""
MONEY: Final = frozenset({TradeExecuted, PairsNetted, PositionSettled})
"""The events that trade, or move the collateral."""
_MICROSECONDS: Final = 1_000_000
_MINT: Final = TradeKind.MINT
_MERGE: Final = TradeKind.MERGE


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
    """The candles of one market that are open, one for each span.

    What commands do is taken into one part of a minute, which goes into the candle of each span
    when the minute is over or somebody asks.
    """

    __slots__ = ("_changed", "_open", "_part", "_part_end", "ask", "bid", "collateral")

    def __init__(self) -> None:
        self.bid = 0
        self.ask = 0
        self.collateral = 0
        self._changed: dict[tuple[int, int], Candle] = {}
        """(span, start) -> candle, of those that changed since somebody asked."""
        self._open: dict[int, Candle] = {}
        self._part: Candle | None = None
        """What no candle has yet; `_part_end` is where its minute ends."""
        self._part_end = 0

    def restore(self, candle: Candle) -> None:
        """Go on after a candle that is stored; the last of each span, in any order."""
        self._open[candle.span] = candle
        self.bid, self.ask = candle.bid.close, candle.ask.close
        self.collateral = candle.collateral

    def take(
        self, at: int, trades: list[tuple[int, int]], collected: int, bid: int, ask: int
    ) -> bool:
        """Take what a command did: trades (YES price, quantity) in order, the collateral that came
        in (below 0: went out), and the best prices after it; say whether any candle changed.

        Commands come in the order of time.
        """
        if not trades and not collected and bid == self.bid and ask == self.ask:
            return False
        part = self._part
        if part is None or at >= self._part_end:
            part = self._begin(at)
        for price, quantity in trades:
            part.price.trade(price)
            part.volume += quantity
            part.turnover += price * quantity
            part.trades += 1
        if bid != self.bid:
            part.bid.move(bid)
            self.bid = bid
        if ask != self.ask:
            part.ask.move(ask)
            self.ask = ask
        self.collateral += collected
        part.collateral = self.collateral
        return True

    def take_changed(self) -> list[Candle]:
        """Return the candles that changed since the last time, of every span."""
        self._fold()
        found = list(self._changed.values())
        self._changed = {}
        return found

    def _begin(self, at: int) -> Candle:
        """Begin the part of a minute, as it was left."""
        self._fold()
        length = SPANS_S[0] * _MICROSECONDS
        start = at // length * length
        self._part_end = start + length
        bid, ask = self.bid, self.ask
        part = self._part = Candle(
            SPANS_S[0],
            start,
            Range(0, 0, 0, 0),
            Range(bid, bid, bid, bid),
            Range(ask, ask, ask, ask),
            0,
            0,
            0,
            self.collateral,
        )
        return part

    def _fold(self) -> None:
        """Put the part into the candle of each span."""
        part = self._part
        if part is None:
            return
        for span in SPANS_S:
            length = span * _MICROSECONDS
            start = part.start // length * length
            candle = self._open.get(span)
            if candle is None or candle.start != start:
                candle = self._open[span] = _as_first(part, span, start)
            else:
                _join_candle(candle, part)
            self._changed[span, start] = candle
        self._part = None


def trades_of(events: Iterable[Event]) -> tuple[list[tuple[int, int]], int]:
    """Return what events of a market traded, (YES price, quantity) in order, and how much
    collateral came in with it all (below 0: went out).
    """
    trades: list[tuple[int, int]] = []
    collected = 0
    for event in events:
        if type(event) not in MONEY:
            continue
        if isinstance(event, TradeExecuted):
            trades.append((event.yes_price, event.quantity))
            if event.kind is _MINT:
                collected += PRICE_SCALE * event.quantity
            elif event.kind is _MERGE:
                collected -= PRICE_SCALE * event.quantity
        elif isinstance(event, PairsNetted):
            collected -= PRICE_SCALE * event.quantity
        elif isinstance(event, PositionSettled):
            collected -= event.payout
    return trades, collected


def together(candles: list[Candle], span: int) -> list[Candle]:
    """Return candles, oldest first, put together to longer ones of `span` seconds.

    `span` is a multiple of theirs.
    """
    length = span * _MICROSECONDS
    found: list[Candle] = []
    for part in candles:
        start = part.start // length * length
        if not found or found[-1].start != start:
            found.append(_as_first(part, span, start))
        else:
            _join_candle(found[-1], part)
    return found


def _as_first(part: Candle, span: int, start: int) -> Candle:
    """Return a candle that begins with a part."""
    return Candle(
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


def _join_candle(whole: Candle, part: Candle) -> None:
    """Go on with a later part."""
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


def _copy(one: Range) -> Range:
    return Range(one.open, one.high, one.low, one.close)


def _join(whole: Range, part: Range) -> None:
    """Go on with a later part."""
    whole.high = max(whole.high, part.high)
    if part.low and (whole.low == 0 or part.low < whole.low):
        whole.low = part.low
    whole.close = part.close
