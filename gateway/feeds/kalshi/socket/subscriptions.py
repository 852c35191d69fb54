"""What we have agreed with Kalshi's socket: channels, their subscriptions, the markets of each.

    watch ---> subscribe ----> "subscribed" sid        a subscription for each channel
               add_markets, delete_markets             later, on the same one
               unsubscribe                             with the last market

Laws: one command for a channel is under way at a time until its sid is known; what is wanted
meanwhile follows. A subscription that names no market is one to all there are, so it ends with its
last one (but for market_lifecycle_v2, which takes no names). If several markets are refused at
once, they are named one by one, and the one that isn't known there is given up.
"""

from collections.abc import Collection, Iterable
from typing import Final

import msgspec

from gateway.feeds.kalshi.socket import frames
from gateway.feeds.kalshi.socket.frames import BOOKS, LIFECYCLE, TICKER, TRADE

OF_MARKETS: Final = (BOOKS, TICKER, TRADE)
TICKERS_AT_ONCE: Final = 100
"""Markets named in one command."""
ANSWERED_S: Final = 10.0
"""A command, or a snapshot, that isn't answered for so long won't be."""
UNANSWERED_MAX: Final = 5_000
AUTHENTICATION: Final = 9
SNAPSHOT: Final = "get_snapshot"
PROBE: Final = "list_subscriptions"


class SocketFailed(Exception):
    """This connection is of no use any more: another one is needed."""


class Channel:
    """What was agreed about one channel."""

    __slots__ = ("asked", "is_refused", "one_by_one", "pending", "seq", "sid", "since")

    def __init__(self) -> None:
        """Nothing yet."""
        self.sid: int | None = None
        self.seq = 0
        """The number of its last frame."""
        self.asked: dict[str, None] = {}
        self.pending: int | None = None
        """The id of the command to subscribe that isn't answered yet."""
        self.since = 0.0
        self.one_by_one = False
        self.is_refused = False
        """Whether the venue has no such channel."""


class Sent(msgspec.Struct, frozen=True):
    """A command that may be refused."""

    channel: str
    action: str
    tickers: tuple[str, ...]


class Subscriptions:
    """One connection's agreements."""

    def __init__(self) -> None:
        """Want nothing."""
        self.wanted: dict[str, None] = {}
        self.commands: list[str] = []
        """What is to be sent."""
        self._channels = _new_channels()
        self._sent: dict[int, Sent] = {}
        self._last_id = 0
        self.is_connected = False

    @property
    def books(self) -> Channel:
        """The channel whose numbers prove a loss."""
        return self._channels[BOOKS]

    def begin(self, now: float) -> None:
        """Agree on everything anew, on a new connection."""
        self._channels = _new_channels()
        self._sent.clear()
        self.is_connected = True
        self.agree(now)

    def end(self) -> None:
        """Send nothing until there is a connection again."""
        self.is_connected = False
        self.commands.clear()

    def agree(self, now: float) -> None:
        """Send what makes the venue's idea of our subscriptions ours."""
        if not self.is_connected:
            return
        for name in OF_MARKETS:
            channel = self._channels[name]
            if channel.pending is not None:
                continue
            if channel.sid is None or not self.wanted:
                self._begin_or_end(name, channel, list(self.wanted), now)
            else:
                self._update(name, channel)
        channel = self._channels[LIFECYCLE]
        is_agreed = (channel.sid is not None) == bool(self.wanted)
        if channel.pending is None and not channel.is_refused and not is_agreed:
            self._begin_or_end(LIFECYCLE, channel, [], now)

    def subscribed(self, number: int | None, name: str, sid: int, now: float) -> None:
        """Note that a channel has a subscription now."""
        channel = self._channels.get(name)
        if channel is None or channel.pending is None or channel.pending != number:
            # One that we gave up waiting for: nobody wants to hear it twice.
            self.send(frames.unsubscribe(self._next_id(), sid))
            return
        self._sent.pop(channel.pending, None)
        channel.sid, channel.seq, channel.pending = sid, 0, None
        self.agree(now)

    def done(self, number: int | None) -> None:
        """Note that a command was taken."""
        if number is not None:
            self._sent.pop(number, None)

    def refused(self, number: int | None, code: int, now: float) -> str | None:
        """Note that a command wasn't taken; return the market that the venue doesn't know, if one.

        Raises SocketFailed if nothing can be agreed any more.
        """
        sent = None if number is None else self._sent.pop(number, None)
        if sent is None or code == AUTHENTICATION:
            raise SocketFailed(f"refused with code {code}")
        channel = self._channels[sent.channel]
        if sent.action == PROBE:
            return None
        if sent.channel == LIFECYCLE:
            channel.pending, channel.is_refused = None, True
            return None
        if sent.action == SNAPSHOT:
            self.subscribe_again(now)
            return None
        if channel.pending == number:
            channel.pending = None
        for ticker in sent.tickers:
            channel.asked.pop(ticker, None)
        if len(sent.tickers) == 1:
            return sent.tickers[0]
        # Which of them it doesn't know isn't said.
        channel.one_by_one = True
        self.agree(now)
        return None

    def ask_snapshots(self, tickers: Iterable[str]) -> None:
        """Ask for the whole books of those that are subscribed to."""
        asked = [ticker for ticker in tickers if ticker in self.books.asked]
        for part in _parts(asked, TICKERS_AT_ONCE):
            self._change(BOOKS, self.books, SNAPSHOT, part)

    def subscribe_again(self, now: float) -> None:
        """Leave the books' subscription and make a new one: each snapshot comes by itself."""
        if self.books.sid is not None:
            self.send(frames.unsubscribe(self._next_id(), self.books.sid))
            self.books.sid = None
            self.books.asked.clear()
            self.agree(now)

    def probe(self) -> None:
        """Ask for any answer at all."""
        number = self._next_id()
        self._sent[number] = Sent(BOOKS, PROBE, ())
        self.send(frames.command(number, PROBE))

    def check(self, now: float) -> None:
        """Raise SocketFailed if a subscription isn't answered, or too much else."""
        if len(self._sent) > UNANSWERED_MAX:
            raise SocketFailed("commands aren't answered")
        for channel in self._channels.values():
            if channel.pending is not None and now - channel.since > ANSWERED_S:
                raise SocketFailed("a subscription isn't answered")

    def send(self, command: str) -> None:
        """Put a command behind the others."""
        self.commands.append(command)

    def _begin_or_end(self, name: str, channel: Channel, wanted: list[str], now: float) -> None:
        if channel.sid is not None:
            self.send(frames.unsubscribe(self._next_id(), channel.sid))
            channel.sid = None
            channel.asked.clear()
        elif self.wanted:
            first = wanted[: 1 if channel.one_by_one else TICKERS_AT_ONCE]
            channel.pending, channel.since = self._next_id(), now
            channel.asked = dict.fromkeys(first)
            self._sent[channel.pending] = Sent(name, "subscribe", tuple(first))
            self.send(frames.subscribe(channel.pending, name, first))

    def _update(self, name: str, channel: Channel) -> None:
        gone = [ticker for ticker in channel.asked if ticker not in self.wanted]
        new = [ticker for ticker in self.wanted if ticker not in channel.asked]
        at_once = 1 if channel.one_by_one else TICKERS_AT_ONCE
        # New ones first: a subscription whose last market goes would be one to all there are.
        for part in _parts(new, at_once):
            self._change(name, channel, "add_markets", part)
        for part in _parts(gone, at_once):
            self._change(name, channel, "delete_markets", part)
        channel.asked = dict.fromkeys(self.wanted)

    def _change(self, name: str, channel: Channel, action: str, tickers: Collection[str]) -> None:
        if channel.sid is None:
            return
        number = self._next_id()
        self._sent[number] = Sent(name, action, tuple(tickers))
        self.send(frames.update(number, channel.sid, action, tickers))

    def _next_id(self) -> int:
        self._last_id += 1
        return self._last_id


def _new_channels() -> dict[str, Channel]:
    return {name: Channel() for name in (*OF_MARKETS, LIFECYCLE)}


def _parts(tickers: list[str], at_once: int) -> Iterable[list[str]]:
    return (tickers[begin : begin + at_once] for begin in range(0, len(tickers), at_once))
