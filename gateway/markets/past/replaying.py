"""What is made of a stretch of the journal, in the process that replays (`engine_side/replays.py`).

Laws: plain data in and out; items of lists come out as JSON, since the event loop has nothing to do
with them but to send them. None stands for what the stretch doesn't reach: the projector is too far
behind.
"""

from collections.abc import Iterator
from itertools import islice
from typing import Final

import msgspec

from exchange.messages.execution import Execution
from exchange.messages.terms import Outcome
from exchange.projections.book_replay import TRADE, BookReplay, LogEntry
from exchange.projections.stored_books import load
from gateway.markets.past.views import BookDeltaView, LogEntryView, OrderLogView
from gateway.markets.views import CHECKSUM_LEVELS, Levels, checksum, seen_from, wire_changes
from gateway.wire.scalars import iso_millis, price_text, quantity_text
from persistence.repositories.past_books import Stretch

_encode: Final = msgspec.json.Encoder().encode

Item = tuple[int, bytes]
"""A market's seq and what is told of it, as JSON."""


class Found(msgspec.Struct, frozen=True, gc=False):
    """A book that was found, as (bids, asks) of the outcome, and the time it came to be so."""

    seq: int
    at: int
    bids: Levels
    asks: Levels


def book_at_seq(stretch: Stretch, outcome: Outcome, depth: int, market_seq: int) -> Found | None:
    """Return the book as of a market's seq, `depth` levels a side."""
    book = _begin(stretch)
    for execution in _executions(stretch):
        if book.seq >= market_seq:
            break
        book.apply(execution)
    return _found(book, outcome, depth) if book.seq == market_seq else None


def book_at_time(stretch: Stretch, outcome: Outcome, depth: int, at: int) -> Found | None:
    """Return the book as it was at a time, `depth` levels a side."""
    book = _begin(stretch)
    reached = stretch.at_end
    for execution in _executions(stretch):
        if execution.at > at:
            reached = True
            break
        book.apply(execution)
    return _found(book, outcome, depth) if reached and book.seq else None


def deltas(stretch: Stretch, outcome: Outcome, after_seq: int, limit: int) -> list[Item]:
    """Return what changed after a market's seq, at most so many times; fewer where it ends."""
    found: list[Item] = []
    for book in islice(moves(stretch, after_seq), limit):
        bids, asks = wire_changes(outcome, *book.changes())
        levels = book.bids.depth(CHECKSUM_LEVELS), book.asks.depth(CHECKSUM_LEVELS)
        total = checksum(*seen_from(outcome, *levels))
        delta = BookDeltaView(book.seq, book.seq - 1, iso_millis(book.at), bids, asks, total)
        found.append((book.seq, _encode(delta)))
    return found


def order_log(stretch: Stretch, after_seq: int, limit: int) -> list[Item]:
    """Return what happened to orders after a market's seq, at most so many commands."""
    found: list[Item] = []
    for book in islice(moves(stretch, after_seq, with_log=True), limit):
        entries = [_entry(entry) for entry in book.log or ()]
        found.append((book.seq, _encode(OrderLogView(book.seq, iso_millis(book.at), entries))))
    return found


def _begin(stretch: Stretch) -> BookReplay:
    return BookReplay(stretch.market_id) if stretch.book is None else load(stretch.book)


def _executions(stretch: Stretch) -> Iterator[Execution]:
    for row in stretch.rows:
        yield from row.within(stretch.after, stretch.to)


def moves(stretch: Stretch, after_seq: int, *, with_log: bool = False) -> Iterator[BookReplay]:
    """Yield the book after each command of a stretch that moved it on from a market's seq.

    `with_log`: with what the command did to its orders, in its `log`.
    """
    book = _begin(stretch)
    if with_log:
        book.log = []
    for execution in _executions(stretch):
        if book.apply(execution) and book.seq > after_seq:
            yield book


def _found(book: BookReplay, outcome: Outcome, depth: int) -> Found:
    levels = seen_from(outcome, book.bids.depth(depth), book.asks.depth(depth))
    return Found(book.seq, book.at, *levels)


def _entry(entry: LogEntry) -> LogEntryView:
    kind, number, is_bid, price, quantity, remaining, trade_no = entry
    return LogEntryView(
        kind,  # type: ignore[arg-type]  # one of the four words
        str(number),
        "bid" if is_bid else "ask",
        price_text(price),
        quantity_text(quantity),
        quantity_text(remaining),
        trade_no if kind == TRADE else msgspec.UNSET,
    )
