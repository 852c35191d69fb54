"""A book's past on the wire.

Laws: a delta is what the socket's `orderbook_update` said of the same seq, but for what is the same
in all of them; levels carry absolute quantities, 0 removes. The order log is in YES terms and names
nobody: an order is which one it was of those that came into this book.
"""

from typing import Literal

import msgspec

from gateway.markets.views import WireLevels
from gateway.wire.strict_json import AnswerStruct


class BookDeltaView(AnswerStruct, frozen=True, gc=False):
    """What one command changed of a book; `checksum` is of the outcome's view after it."""

    seq: int
    prev_seq: int
    at: str
    bids: WireLevels
    asks: WireLevels
    checksum: int


class LogEntryView(AnswerStruct, frozen=True, gc=False):
    """What happened to one order that rests, at its YES price.

    `add`: it came to the back of its level, with `quantity`. `reduce`: it has `quantity` less, at
    its place. `remove`: it left, with `quantity` untraded; what is amended to another place comes
    back by an `add`. `trade`: `quantity` of it was traded. `remaining` is what it has then.
    """

    kind: Literal["add", "reduce", "remove", "trade"]
    order: str
    side: Literal["bid", "ask"]
    price: str
    quantity: str
    remaining: str
    trade_no: int | msgspec.UnsetType = msgspec.UNSET


class OrderLogView(AnswerStruct, frozen=True, gc=False):
    """What one command did to the orders of a book, in order; nothing where it left them alone."""

    seq: int
    at: str
    entries: list[LogEntryView]
