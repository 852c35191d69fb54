"""The rules of Kalshi's socket, without a connection: frames in, events and commands out.

    snapshot ---> deltas ---> ...
                  gap in seq, impossible delta, unreadable frame ---> Lost ---> get_snapshot
    snapshot <-------------------------------------------------------------------'
                  get_snapshot refused, or no snapshot in time ---> unsubscribe, subscribe

Laws: `seq` counts per subscription, all of its markets and its control frames together, so a gap
may be anybody's: every book of it is asked for anew, and no delta of a book counts before its
snapshot. A number that was there already is passed over, and counted (`repeated`). Deltas are
added to exact counts; what is told is the whole quantity that a level has then. Only the books'
numbers prove a loss: those of the tape may jump over what others watch (recorded so).
"""

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping
from decimal import Decimal
from typing import Final

import msgspec

from exchange.messages.bounds import PRICE_SCALE
from gateway.feeds.kalshi import books, numbers
from gateway.feeds.kalshi.books import Ladder
from gateway.feeds.kalshi.markets import PLATFORM, micros
from gateway.feeds.kalshi.numbers import ONE, NumberForms
from gateway.feeds.kalshi.socket import frames
from gateway.feeds.kalshi.socket.frames import Frame
from gateway.feeds.kalshi.socket.subscriptions import ANSWERED_S, SocketFailed, Subscriptions
from gateway.feeds.model import Unrepresentable, VenueBook
from gateway.feeds.venue import (
    BookChange,
    BookSnapshot,
    LifeChanged,
    Lost,
    Printed,
    StreamEvent,
    TopChanged,
)

QUIET_S: Final = 30.0
"""After so long without a word the venue is asked for one."""
LOSSES_MAX: Final = 30
LOSSES_WITHIN_S: Final = 60.0
"""So many losses in so long: another connection."""
_UNREADABLE: Final = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
_OF_BOOKS: Final = frozenset({"orderbook_snapshot", "orderbook_delta"})


class _Book:
    """One market's bids, by the price of their own leg; `since` while its snapshot is awaited."""

    __slots__ = ("no", "since", "yes")

    def __init__(self, since: float) -> None:
        self.yes: Ladder = {}
        self.no: Ladder = {}
        self.since: float | None = since


class SocketProtocol:
    """What is known on one connection; `connected` begins anew."""

    def __init__(self) -> None:
        """Watch nothing."""
        self._agreed = Subscriptions()
        self._books: dict[str, _Book] = {}
        self._now = 0.0
        self._heard_at = 0.0
        self._probed_at: float | None = None
        self._is_tried_again = False
        self._is_yes_leg = True
        """Whether the NO side comes by the price of YES, as we ask for it."""
        self._losses: list[float] = []
        self._events: list[StreamEvent] = []
        self.counts: Counter[str] = Counter()
        """What was heard, and what of it was lost, repeated or unreadable."""
        self.forms = NumberForms()
        self.refused: list[str] = []
        """Why something that came has no form here; whoever counts it empties the list."""
        self._handlers: Mapping[str, Callable[[Frame], None]] = {
            "subscribed": self._on_subscribed,
            "orderbook_snapshot": self._on_snapshot,
            "orderbook_delta": self._on_delta,
            "trade": self._on_trade,
            "ticker": self._on_ticker,
            "market_lifecycle_v2": self._on_life,
            "ok": self._on_ok,
            "unsubscribed": self._on_ok,
            "error": self._on_error,
        }

    @property
    def wanted(self) -> Collection[str]:
        """The tickers that are watched."""
        return self._agreed.wanted.keys()

    def connected(self, now: float) -> None:
        """Begin with a new connection: subscribe to all that is wanted."""
        self._now = self._heard_at = now
        self._probed_at = None
        self._is_tried_again = False
        self._is_yes_leg = True
        self._losses.clear()
        self._books = {ticker: _Book(now) for ticker in self._agreed.wanted}
        self._agreed.begin(now)

    def disconnected(self, now: float) -> None:
        """Send nothing until there is a connection again; what is said meanwhile is missed."""
        self._now = now
        self._await_books("disconnected")
        self._agreed.end()

    def watch(self, tickers: Iterable[str], now: float) -> None:
        """Want these too."""
        for ticker in tickers:
            if ticker not in self._agreed.wanted:
                self._agreed.wanted[ticker] = None
                self._books[ticker] = _Book(now)
        self._agreed.agree(now)

    def unwatch(self, tickers: Iterable[str], now: float) -> None:
        """Want these no longer."""
        for ticker in tickers:
            self._agreed.wanted.pop(ticker, None)
            self._books.pop(ticker, None)
        self._agreed.agree(now)

    def take_events(self) -> list[StreamEvent]:
        """Return what has happened, and forget it."""
        events, self._events = self._events, []
        return events

    def take_commands(self) -> list[str]:
        """Return what is to be sent, and forget it."""
        commands, self._agreed.commands = self._agreed.commands, []
        return commands

    def receive(self, text: str | bytes, now: float) -> None:
        """Take one frame; raises SocketFailed when the connection is of no use any more."""
        self._now = self._heard_at = now
        try:
            frame = frames.FRAME.decode(text)
        except _UNREADABLE:
            # Whose it was can't be known, so it may have been any book's.
            self._refuse("shape")
            self._lose(tuple(self._books), "unreadable")
            return
        handle = self._handlers.get(frame.type)
        self.counts["other" if handle is None else frame.type] += 1
        if handle is None:
            # What answers a question after a silence, say, or a kind of frame that is new there.
            self._agreed.done(frame.id)
        if not self._is_new(frame) or handle is None:
            return
        try:
            handle(frame)
        except _UNREADABLE:
            self._refuse("shape")
            self._lose_one(frame)
        except Unrepresentable as error:
            self._refuse(error.reason)
            self._lose_one(frame)

    def look(self, now: float) -> None:
        """See to what should have come by now; raises SocketFailed if asking again doesn't help."""
        self._now = now
        if self._agreed.is_connected:
            self._agreed.check(now)
            self._look_at_silence()
            self._look_at_books()

    def _look_at_silence(self) -> None:
        """Ask for any answer when nothing was heard for long: markets may be calm all night."""
        if not self._agreed.wanted or self._now - self._heard_at <= QUIET_S:
            return
        if self._probed_at is None or self._probed_at <= self._heard_at:
            self._probed_at = self._now
            self._agreed.probe()
        elif self._now - self._probed_at > ANSWERED_S:
            raise SocketFailed("open, and silent")

    def _look_at_books(self) -> None:
        """Subscribe anew when snapshots don't come, once; then they won't."""
        waiting = {t: book.since for t, book in self._books.items() if book.since is not None}
        late = [ticker for ticker, since in waiting.items() if self._now - since > ANSWERED_S]
        if not waiting:
            self._is_tried_again = False
        if not late or self._agreed.books.sid is None:
            return
        if not self._is_tried_again:
            self._is_tried_again = True
            self._subscribe_again()
        elif len(late) == len(self._books):
            raise SocketFailed("no snapshot comes")
        else:
            # The others are well: these are asked for over HTTP, or not at all.
            self.counts["bookless"] += len(late)
            self.unwatch(late, self._now)

    def _is_new(self, frame: Frame) -> bool:
        """Say whether a frame is the next of the books' subscription, or not of it at all."""
        channel = self._agreed.books
        if frame.sid is None or frame.sid != channel.sid or frame.seq is None:
            return True
        if frame.seq <= channel.seq:
            self.counts["repeated"] += 1
            return False
        missed = frame.seq - channel.seq - 1
        channel.seq = frame.seq
        if missed:
            self.counts["gaps"] += 1
            self._lose(tuple(self._books), "gap")
        return True

    def _on_subscribed(self, frame: Frame) -> None:
        told = frames.SUBSCRIBED.decode(frame.msg)
        self._agreed.subscribed(frame.id, told.channel, told.sid, self._now)

    def _on_snapshot(self, frame: Frame) -> None:
        told = frames.SNAPSHOT.decode(frame.msg)
        book = self._books.get(told.market_ticker)
        if book is None or frame.sid != self._agreed.books.sid:
            return
        yes, no = self._ladders(told)
        if book.since is None and (yes, no) != (book.yes, book.no):
            self.counts["drifted"] += 1
        bids, asks = books.shown(yes, no)
        book.yes, book.no, book.since = yes, no, None
        found = VenueBook(
            platform=PLATFORM,
            external_id=told.market_ticker,
            bids=bids,
            asks=asks,
            venue_seq=_text(frame.seq),
        )
        self._events.append(BookSnapshot(found))
        self._agreed.done(frame.id)

    def _ladders(self, told: frames.Snapshot) -> tuple[Ladder, Ladder]:
        """Return a snapshot's sides; raises Unrepresentable.

        A book that only makes sense with the NO side by its own price says that the venue doesn't
        know what we asked for (`use_yes_price`), so whatever was understood before was wrong.
        """
        yes, no = books.ladders(told, self.forms, is_yes_leg=self._is_yes_leg)
        if not books.is_crossed(yes, no):
            return yes, no
        yes, no = books.ladders(told, NumberForms(), is_yes_leg=False)
        if not self._is_yes_leg or books.is_crossed(yes, no):
            raise Unrepresentable("crossed", told.market_ticker)
        self._is_yes_leg = False
        self.counts["own_leg"] += 1
        self._lose(tuple(self._books), "price_scale")
        return yes, no

    def _on_delta(self, frame: Frame) -> None:
        told = frames.DELTA.decode(frame.msg)
        book = self._books.get(told.market_ticker)
        if book is None or book.since is not None or frame.sid != self._agreed.books.sid:
            return
        price = numbers.dollars(told.price, told.price_dollars, self.forms)
        change = numbers.contracts(told.delta, told.delta_fp, self.forms)
        if price is None or change is None or told.side not in {"yes", "no"}:
            raise Unrepresentable("level")
        is_yes = told.side == "yes"
        if not is_yes and self._is_yes_leg:
            price = ONE - price
        ladder = book.yes if is_yes else book.no
        units = books.level_price(price)
        count = ladder.get(units, 0) + change
        if count < 0:
            self.counts["impossible"] += 1
            self._lose((told.market_ticker,), "impossible")
            return
        quantity = books.cut(count)
        if count:
            ladder[units] = count
        else:
            ladder.pop(units, None)
        change_of = BookChange(
            told.market_ticker,
            bids=((units, quantity),) if is_yes else (),
            asks=() if is_yes else ((PRICE_SCALE - units, quantity),),
            venue_seq=_text(frame.seq),
            venue_at=_when(told.ts_ms, told.ts),
        )
        self._events.append(change_of)

    def _on_trade(self, frame: Frame) -> None:
        told = frames.TRADES.decode(frame.msg)
        if told.market_ticker in self._agreed.wanted:
            self._events.append(Printed(books.trade(told, self.forms)))

    def _on_ticker(self, frame: Frame) -> None:
        told = frames.TICKERS.decode(frame.msg)
        if told.market_ticker not in self._agreed.wanted:
            return
        forms = self.forms
        bid = numbers.bid(numbers.dollars(told.yes_bid, told.yes_bid_dollars, forms))
        ask = numbers.ask(numbers.dollars(told.yes_ask, told.yes_ask_dollars, forms))
        volume = numbers.contracts(told.volume, told.volume_fp, forms)
        interest = numbers.contracts(told.open_interest, told.open_interest_fp, forms)
        self._events.append(
            TopChanged(
                external_id=told.market_ticker,
                best_bid=None if _is_nothing(told.yes_bid_size_fp) else bid,
                best_ask=None if _is_nothing(told.yes_ask_size_fp) else ask,
                last_price=numbers.paid(numbers.dollars(told.price, told.price_dollars, forms)),
                volume_total=None if volume is None else f"{Decimal(volume) / ONE:f}",
                open_interest=numbers.total(interest),
                venue_at=_when(told.ts_ms, told.ts),
            )
        )

    def _on_life(self, frame: Frame) -> None:
        told = frames.LIFE.decode(frame.msg)
        # Of those that nobody watches, one that is new is of interest.
        if told.market_ticker in self._agreed.wanted or told.event_type == "created":
            self._events.append(LifeChanged(told.market_ticker))

    def _on_ok(self, frame: Frame) -> None:
        self._agreed.done(frame.id)

    def _on_error(self, frame: Frame) -> None:
        told = frames.FAILURE.decode(frame.msg)
        before = self._agreed.books.sid
        unknown = self._agreed.refused(frame.id, told.code, self._now)
        if unknown is not None and unknown in self._agreed.wanted:
            # Each of its channels refuses it.
            self.counts["unknown"] += 1
            self._events.append(LifeChanged(unknown))
            self.unwatch((unknown,), self._now)
        if self._agreed.books.sid != before:
            self.counts["resubscribed"] += 1
            self._await_books("resubscribed")

    def _subscribe_again(self) -> None:
        self.counts["resubscribed"] += 1
        self._agreed.subscribe_again(self._now)
        self._await_books("resubscribed")

    def _await_books(self, reason: str) -> None:
        """Wait for every book's snapshot, as a new subscription brings it."""
        live = tuple(ticker for ticker, book in self._books.items() if book.since is None)
        if live:
            self._events.append(Lost(live, reason))
        for book in self._books.values():
            book.since = self._now

    def _lose_one(self, frame: Frame) -> None:
        """Ask anew for the book that an unreadable frame was about, if it was about one."""
        if frame.type not in _OF_BOOKS:
            return
        try:
            ticker = frames.NAMED.decode(frame.msg).market_ticker
        except _UNREADABLE:
            self._lose(tuple(self._books), "unreadable")
            return
        if ticker in self._books:
            self._lose((ticker,), "unreadable")

    def _lose(self, tickers: tuple[str, ...], reason: str) -> None:
        """Say so of the books that counted, and ask for all of these."""
        live = tuple(ticker for ticker in tickers if self._books[ticker].since is None)
        for ticker in live:
            self._books[ticker].since = self._now
        if live:
            self._events.append(Lost(live, reason))
        self._losses = [at for at in self._losses if self._now - at < LOSSES_WITHIN_S]
        self._losses.append(self._now)
        if len(self._losses) > LOSSES_MAX:
            # Whole books over and over would cost both sides more than a pause and a new start.
            raise SocketFailed("too much is lost")
        self._agreed.ask_snapshots(tickers)

    def _refuse(self, reason: str) -> None:
        self.counts["unreadable"] += 1
        self.refused.append(reason)


def _is_nothing(size: numbers.Number) -> bool:
    return size is not None and size != "" and numbers.exact(size) == 0


def _when(milliseconds: numbers.Number, other: str | float | None) -> int | None:
    if milliseconds is not None and milliseconds != "":
        return numbers.exact(milliseconds) * 1_000 // ONE
    return micros(other)


def _text(seq: int | None) -> str | None:
    return None if seq is None else str(seq)
