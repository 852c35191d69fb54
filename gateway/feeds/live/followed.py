"""One market of another venue as it moves: its book, its prints, and our numbers for both.

Laws: `seq` is ours and dense: each `Step` is the next one, whatever the venue's own numbers did.
`epoch` is another one for each time a market begins to be followed. A book that may have missed
something stays as it was, is out of sync, takes no changes, and readers begin anew with the whole
book when there is one. A crossed book isn't shown for `CROSSED_S`; then it is, since the venue
says so.
"""

from typing import Final

import msgspec

from gateway.feeds.api.reading import Known
from gateway.feeds.books import LocalBook
from gateway.feeds.model import FINAL, Levels, VenueBook, VenueMarket, VenueTrade
from gateway.feeds.venue import (
    BookChange,
    BookSnapshot,
    LifeChanged,
    Lost,
    Printed,
    StreamEvent,
    TopChanged,
)

CROSSED_S: Final = 2.0
STALE_S: Final = 2.0
"""A book that is out of sync for so long may have changed: readers are told."""
TRADES_MAX: Final = 500
"""So many prints wait for a step; then it is made at once."""

Changes = dict[int, int]
"""YES price -> quantity now, 0 for none."""


class Step(msgspec.Struct, frozen=True, kw_only=True):
    """What readers hear at once, under one seq."""

    seq: int
    bids: Changes
    asks: Changes
    trades: tuple[tuple[int, VenueTrade], ...]
    """Each under its number, dense within the epoch."""
    is_whole: bool
    """Whether the whole book has to be told: what changed isn't enough."""
    is_market: bool
    """Whether something else of the market changed."""


class Followed:
    """One market that somebody follows."""

    def __init__(self, known: Known, epoch: int, now: float) -> None:
        """Know no book; `now` in seconds that only grow, as everywhere here."""
        self.known: Known = known
        self.market: VenueMarket = known.market
        self.epoch: Final = epoch
        self.seq = 0
        self.trade_no = 0
        self.book: Final = LocalBook()
        self.venue_seq: str | None = None
        self.venue_at: int | None = None
        self.told_at = known.at
        """When something of it was told last, in microseconds since the epoch."""
        self.book_at = 0
        """When its book was told last."""
        self.in_sync = False
        self.out_of_sync_since = now
        self.by_stream = False
        """Whether the book is the stream's, so that its changes fit."""
        self.is_stale = False
        """Whether readers were told that it may have changed."""
        self.terms_at = 0
        """When the stream told another tick size: what was known before has the old one."""
        self.wants_refresh = False
        self.wants_book = False
        """Whether the stream has to send the book again."""
        self.holders: dict[str, None] = {}
        """For what it is followed."""
        self._bids: Changes = {}
        self._asks: Changes = {}
        self._trades: list[VenueTrade] = []
        self._is_whole = False
        self._is_market = False
        self._crossed_since: float | None = None

    @property
    def ref(self) -> tuple[str, str]:
        """The platform, and what it calls the market."""
        return self.market.platform, self.market.external_id

    @property
    def id(self) -> str:
        """The one text that names it on the wire."""
        return f"{self.market.platform}:{self.market.external_id}"

    @property
    def is_final(self) -> bool:
        """Whether nothing will happen to it any more."""
        return self.market.status in FINAL

    @property
    def shows_book(self) -> bool:
        """Whether readers have the book: there was one, and a step told it."""
        return self.book.is_known and self.seq > 0

    @property
    def is_dirty(self) -> bool:
        """Whether there is something for a step."""
        return bool(self._bids or self._asks or self._trades or self._is_whole or self._is_market)

    @property
    def is_full(self) -> bool:
        """Whether a step must not be put off."""
        return len(self._trades) >= TRADES_MAX

    # -- what happens to it ---------------------------------------------------------------------

    def take(self, event: StreamEvent, at: int, now: float) -> None:
        """Note what the venue's stream says, at a time since the epoch and by the clock."""
        match event:
            case BookSnapshot(book=book) if not self.is_final:
                self.by_stream, self.wants_book = True, False
                self.show(book, at)
            case BookChange() if self.in_sync and self.by_stream:
                self.told_at = self.book_at = at
                self.venue_seq = event.venue_seq or self.venue_seq
                self.venue_at = event.venue_at or self.venue_at
                self.book.take(event)
                self._bids.update(event.bids)
                self._asks.update(event.asks)
            case Printed(trade=trade):
                self.told_at = at
                self.print(trade)
            case TopChanged():
                self._take_top(event, at)
            case LifeChanged():
                self.wants_refresh = True
            case Lost():
                self.by_stream = False
                self.lose(now)
            case _:
                # A change behind a loss: the whole book comes. A book behind the end: it isn't one.
                return

    def show(self, book: VenueBook, at: int) -> None:
        """Take the whole book as it was at a time, from a stream or asked for."""
        self.told_at = self.book_at = at
        before = dict[int, int](), dict[int, int]()
        if self.book.is_known:
            bids, asks = self.book.levels()
            before = dict(bids), dict(asks)
        self._is_whole = self._is_whole or not self.in_sync
        self.book.snapshot(book)
        self.venue_seq, self.venue_at, self.in_sync = book.venue_seq, book.venue_at, True
        bids, asks = self.book.levels()
        _differences(before[0], dict(bids), self._bids)
        _differences(before[1], dict(asks), self._asks)

    def print(self, trade: VenueTrade) -> None:
        """Take a print."""
        self._trades.append(trade)
        if self.market.last_price != trade.yes_price:
            self.market = msgspec.structs.replace(self.market, last_price=trade.yes_price)

    def lose(self, now: float) -> None:
        """Note that something was missed."""
        if self.in_sync:
            self.in_sync, self.out_of_sync_since = False, now

    def refreshed(self, known: Known) -> None:
        """Take the market as it is now; readers hear of it if its life or its terms changed."""
        self.wants_refresh = False
        if known.at < self.terms_at:
            return
        before, after = self.market, known.market
        self.known = known
        if after.last_price is None:
            after = msgspec.structs.replace(after, last_price=before.last_price)
        self.market = after
        if _terms(before) != _terms(after):
            self._is_market = True
        if self.is_final and (self.book.is_known or not self.seq):
            self.in_sync, self.by_stream = False, False
            empty = VenueBook(
                platform=after.platform, external_id=after.external_id, bids=(), asks=()
            )
            self.show(empty, known.at)

    def look(self, now: float) -> None:
        """See whether it has become stale, or is no longer."""
        is_stale = not self.in_sync and now - self.out_of_sync_since >= STALE_S
        if is_stale is not self.is_stale:
            self.is_stale, self._is_market = is_stale, True

    def _take_top(self, event: TopChanged, at: int) -> None:
        market = self.market
        last = market.last_price if event.last_price is None else event.last_price
        tick = market.tick_size if event.tick_size is None else event.tick_size
        interest = market.open_interest if event.open_interest is None else event.open_interest
        if tick != market.tick_size:
            self._is_market, self.terms_at = True, at
        if (last, tick, interest) != (market.last_price, market.tick_size, market.open_interest):
            self.market = msgspec.structs.replace(
                market, last_price=last, tick_size=tick, open_interest=interest
            )

    # -- what is heard of it --------------------------------------------------------------------

    def step(self, now: float) -> Step | None:
        """Return what readers hear next; None for nothing, or for a book that is crossed."""
        if not self.is_dirty:
            return None
        if self.book.fault is None:
            self._crossed_since = None
        elif self._crossed_since is None:
            self._crossed_since = now
            return None
        elif now - self._crossed_since < CROSSED_S:
            return None
        else:
            self.wants_book = True
        self.seq += 1
        trades = tuple(enumerate(self._trades, self.trade_no + 1))
        self.trade_no += len(trades)
        told = Step(
            seq=self.seq,
            bids=self._bids,
            asks=self._asks,
            trades=trades,
            is_whole=self._is_whole,
            is_market=self._is_market,
        )
        self._bids, self._asks, self._trades = {}, {}, []
        self._is_whole = self._is_market = False
        return told

    def levels(self, depth: int) -> tuple[Levels, Levels]:
        """Return (bids, asks) of YES, best first."""
        return self.book.levels(depth)

    def as_traded(self) -> VenueMarket:
        """Return the market with the prices of its book."""
        return on_top(self.market, self)


def on_top(market: VenueMarket, followed: Followed) -> VenueMarket:
    """Return a market with the prices of a book that is followed."""
    last = followed.market.last_price
    if not followed.book.is_known or market.status in FINAL:
        return market
    bids, asks = followed.levels(1)
    bid, ask = (side[0] if side else (None, None) for side in (bids, asks))
    worth = last if bid[0] is None or ask[0] is None else (bid[0] + ask[0]) // 2
    return msgspec.structs.replace(
        market,
        best_bid=bid[0],
        best_ask=ask[0],
        bid_quantity=bid[1],
        ask_quantity=ask[1],
        last_price=last,
        yes_price=worth,
        venue_at=followed.venue_at,
    )


def _terms(market: VenueMarket) -> tuple[object, ...]:
    return (
        market.status, market.resolution, market.yes_payout, market.tick_size, market.close_time,
        market.question, market.slug, market.min_quantity,
    )  # fmt: skip


def _differences(before: Changes, after: Changes, into: Changes) -> None:
    """Note levels that differ, 0 for those that are gone."""
    for price in before.keys() - after.keys():
        into[price] = 0
    for price, quantity in after.items():
        if before.get(price) != quantity:
            into[price] = quantity
