"""The ticker and the candles of markets that somebody follows, told as they change.

    ticker_updated   a market at a glance, on the channel `ticker`
    candle_updated   an interval that goes on, or has just ended, on the channel `candles`

Laws: nothing is asked of the store while nobody follows; what changed is told a few times a second,
however often it changed meanwhile, until the projector has come to the change, however late that
is; each message tells the whole state, so the newest is enough; a
new reader begins with what was told last, or hears of it with the next look. Candles of a minute,
an hour and a day are told; all others follow from those of a minute.
"""

import asyncio
from collections.abc import Sequence
from typing import Final

import msgspec

from exchange.model.market import Market
from exchange.model.state import State
from exchange.projections.candles import Candle
from gateway.jobs.supervisor import CheckIn
from gateway.markets.candles import CandleView, candle_view
from gateway.markets.intervals import Interval
from gateway.markets.tickers import TickerView, ticker_view
from gateway.sockets.framing.frames import Message
from gateway.streaming.channels.channel import Channel
from gateway.streaming.rooms import Rooms
from persistence.clock import MICROSECONDS, now_us
from persistence.repositories.candles import NOTHING, Candles, Day

LOOK_S: Final = 0.25
_MINUTE_US: Final = 60 * MICROSECONDS
_ENDED_AND_OPEN: Final = 2
_INTERVALS: Final = {one.seconds: one for one in Interval}
_fields: Final = msgspec.structs.astuple

_Shown = tuple[object, ...]


class TickerMessage(TickerView, frozen=True, gc=False):
    """A market at a glance; `seq` is the market's."""

    epoch: int


class CandleMessage(CandleView, frozen=True, gc=False):
    """An interval as it is now; a later message about the same `time` takes its place."""

    market_id: str
    interval: Interval


class _Followed:
    """One market of which somebody follows a state."""

    __slots__ = ("candles", "looked_at", "seq", "ticker", "until")

    def __init__(self) -> None:
        self.seq = -1
        self.until: int | None = None
        """A command that the projector must have come to for what is told to be true; None: it has.
        """
        self.looked_at = 0
        self.ticker: tuple[_Shown, Message] | None = None
        """What was told last, its time apart."""
        self.candles: dict[tuple[int, int], tuple[_Shown, Message]] = {}
        """(span, start) -> what was told last, of those that may change yet."""

    def is_due(self, market: Market, now: int, seq: int) -> bool:
        """Say whether anything may be new: it changed, what follows from that wasn't stored yet
        when it was looked at, or another minute has begun. `seq` is the view's.
        """
        if market.seq != self.seq:
            self.seq = market.seq
            self.until = seq
        is_due = self.until is not None or now // _MINUTE_US != self.looked_at // _MINUTE_US
        if is_due:
            self.looked_at = now
        return is_due

    def settle(self, projected: int) -> None:
        """Note that what was stored up to a command has been told."""
        if self.until is not None and self.until <= projected:
            self.until = None


class MarketStates:
    """Looks at what is followed: continuous work of a supervisor."""

    NAME: Final = "market-states"

    def __init__(self, rooms: Rooms, view: State, candles: Candles) -> None:
        """Open both channels."""
        self._rooms = rooms
        self._view = view
        self._candles = candles
        self._followed: dict[int, _Followed] = {}
        rooms.open_channel(Channel.TICKER, self._first_ticker)
        rooms.open_channel(Channel.CANDLES, self._first_candles)

    async def run(self, check_in: CheckIn) -> None:
        """Tell what changes until cancelled."""
        while True:
            await self.look()
            check_in()
            await asyncio.sleep(LOOK_S)

    async def look(self) -> None:
        """Tell what has changed since the last look."""
        now = now_us()
        rooms = self._rooms.markets
        self._followed = {
            id_: self._followed.get(id_) or _Followed()
            for id_, one in rooms.items()
            if one.states and id_ in self._view.markets
        }
        markets, seq = self._view.markets, self._view.seq
        due = [id_ for id_, one in self._followed.items() if one.is_due(markets[id_], now, seq)]
        if not due:
            return
        # Asked first: what is read after it holds all of that.
        projected = await self._candles.projected()
        tickers = [id_ for id_ in due if Channel.TICKER in rooms[id_].states]
        candles = [id_ for id_ in due if Channel.CANDLES in rooms[id_].states]
        if tickers:
            days = await self._candles.days(tickers, now)
            for market_id in tickers:
                self._tell_ticker(markets[market_id], days.get(market_id, NOTHING), now)
        if candles:
            newest = await self._candles.newest(candles, _ENDED_AND_OPEN)
            for market_id, found in newest.items():
                self._tell_candles(market_id, found)
        for market_id in due:
            self._followed[market_id].settle(projected)

    def _tell_ticker(self, market: Market, day: Day, now: int) -> None:
        shown = _fields(ticker_view(market, day, now))
        one = self._followed[market.id]
        # Its time alone is no news.
        if one.ticker is not None and one.ticker[0] == shown[:-1]:
            return
        fields = (*shown, self._rooms.epoch)
        message = Message("ticker_updated", TickerMessage(*fields))
        one.ticker = shown[:-1], message
        self._rooms.tell_channel(market.id, Channel.TICKER, message, seq=market.seq)

    def _tell_candles(self, market_id: int, found: Sequence[Candle]) -> None:
        told = self._followed[market_id].candles
        kept: dict[tuple[int, int], tuple[_Shown, Message]] = {}
        for candle in found:
            shown = _fields(candle_view(candle))
            key = candle.span, candle.start
            before = told.get(key)
            if before is not None and before[0] == shown:
                kept[key] = before
                continue
            interval = _INTERVALS[candle.span]
            fields = (*shown, str(market_id), interval)
            message = Message("candle_updated", CandleMessage(*fields))
            kept[key] = shown, message
            self._rooms.tell_channel(market_id, Channel.CANDLES, message, key=key)
        self._followed[market_id].candles = kept

    def _first_ticker(self, market_id: int) -> Sequence[Message]:
        one = self._followed.get(market_id)
        return () if one is None or one.ticker is None else (one.ticker[1],)

    def _first_candles(self, market_id: int) -> Sequence[Message]:
        one = self._followed.get(market_id)
        return () if one is None else [message for _, message in one.candles.values()]
