"""A book as bytes, between two commands: the same bytes for the same book anywhere."""

from typing import Final

import msgspec

from exchange.messages.bounds import PRICE_SCALE
from exchange.messages.errors import InvariantViolated
from exchange.projections.book_replay import BookReplay
from exchange.projections.book_sides import OpenOrder

_Row = tuple[int, int, bool, bool, int | None, int | None, int]
"""Of an order: its id, number, is it a bid, is it of YES, price, quantity, filled."""
_Stored = tuple[int, int, int, int, list[_Row], list[_Row]]
"""The market's id and seq, the time of that, how many orders came, what rests (in order) and what
waits (by id).
"""
_STORED: Final = msgspec.msgpack.Decoder(_Stored)


def dump(book: BookReplay) -> bytes:
    """Return the book as bytes; raises InvariantViolated in the middle of a command."""
    resting = [_row(order) for side in (book.bids, book.asks) for order in side.orders()]
    waiting = [_row(book.orders[id_]) for id_ in sorted(book.orders) if book.orders[id_].waits]
    if len(resting) + len(waiting) != len(book.orders):
        raise InvariantViolated(f"market {book.market_id}: an order neither rests nor waits")
    stored: _Stored = (book.market_id, book.seq, book.at, book.numbered, resting, waiting)
    return msgspec.msgpack.encode(stored)


def load(stored: bytes) -> BookReplay:
    """Return the book of such bytes; raises msgspec.DecodeError for others.  O(orders)."""
    market_id, seq, at, numbered, resting, waiting = _STORED.decode(stored)
    book = BookReplay(market_id)
    book.seq = seq
    book.at = at
    book.numbered = numbered
    orders = [_order(row, waits=False) for row in resting]
    book.bids.fill(order for order in orders if order.is_bid)
    book.asks.fill(order for order in orders if not order.is_bid)
    orders += [_order(row, waits=True) for row in waiting]
    book.orders = {order.id: order for order in orders}
    return book


def _row(order: OpenOrder) -> _Row:
    return (
        order.id,
        order.number,
        order.is_bid,
        order.is_yes,
        order.price,
        order.quantity,
        order.filled,
    )


def _order(row: _Row, *, waits: bool) -> OpenOrder:
    id_, number, is_bid, is_yes, price, quantity, filled = row
    order = OpenOrder(
        id_, price, quantity, filled, is_bid=is_bid, is_yes=is_yes, waits=waits, placed_seq=0
    )
    order.number = number
    if price is not None:
        order.yes_price = price if is_yes else PRICE_SCALE - price
    return order
