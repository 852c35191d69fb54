"""Order books on the socket: snapshots, deltas, and deltas that span several commands.

Laws (RULEBOOK 12): levels carry absolute quantities, 0 removes; `prevSeq` is the seq of the book
message before it on the same socket and room; the checksum is of the outcome's view after the
message. The NO view is the mirror of the YES view at 1 - price, bids and asks exchanged.

Every command that moves a market's seq gives one delta, an empty one if it left the book alone: so
`prevSeq` is `seq` - 1 for every recipient that keeps up, and one encoding serves all of them.
Everything here is in YES terms until it is encoded. Who gets what is `streaming/rooms.py`'s
concern.
"""

from collections.abc import Iterable, Sequence
from typing import Final, Literal

from exchange.messages.bounds import PRICE_SCALE
from exchange.messages.events import OrderAmended
from exchange.messages.terms import BUY, YES, OrderStatus, Outcome
from exchange.model.market import Market
from exchange.model.order_book import Order, own_price
from gateway.markets.views import (
    CHECKSUM_LEVELS,
    Changes,
    WireLevels,
    book_levels,
    checksum,
    wire_changes,
    wire_levels,
)
from gateway.sockets.framing.frames import Message
from gateway.wire.strict_json import AnswerStruct

EVENT: Final = "orderbook_update"
_EVERY_LEVEL: Final = PRICE_SCALE
_PENDING: Final = OrderStatus.PENDING


class BookUpdate(AnswerStruct, frozen=True, gc=False):
    """The book of one outcome or what changed of it; `prevSeq` is null in a snapshot."""

    market_id: str
    outcome: Outcome
    epoch: int
    seq: int
    prev_seq: int | None
    kind: Literal["snapshot", "delta"]
    bids: WireLevels
    asks: WireLevels
    checksum: int


def changed_levels(
    market: Market, orders: Iterable[Order], seq: int, amends: Sequence[OrderAmended] = ()
) -> tuple[Changes, Changes]:
    """Return the levels (bids, asks) that the command `seq` changed by touching `orders`.

    An order that came and went within the command left no level behind; one that it amended may
    have left a level at another price. O(orders).
    """
    bids: Changes = {}
    asks: Changes = {}
    moved: set[int] = set()
    for amend in amends:
        if amend.market_id == market.id and not amend.keeps_place:
            moved.add(amend.order_id)
            is_bid = (amend.side is BUY) is (amend.outcome is YES)
            side = market.book.bids if is_bid else market.book.asks
            price = own_price(amend.outcome, amend.previous_price)
            level = side.by_key.get(side.sign * price)
            (bids if is_bid else asks)[price] = 0 if level is None else level.quantity
    for order in orders:
        if order.id in moved and not order.resting:
            continue
        if order.market_id != market.id or not (order.resting or order.placed_seq != seq):
            continue
        if not order.resting and _stood_outside(order):
            continue
        side = market.book.own_side(order)
        level = side.by_key.get(side.sign * order.yes_price)
        changes = bids if order.is_bid else asks
        changes[order.yes_price] = 0 if level is None else level.quantity
    return bids, asks


def _stood_outside(order: Order) -> bool:
    """Return whether an order that isn't in the book was never in it, for it waited for a price."""
    rare = order.conditions
    if rare is None or rare.trigger_price is None:
        return False
    return order.price is None or order.status is _PENDING or not rare.due


def view_checksum(market: Market, outcome: Outcome) -> int:
    """Return the checksum of the outcome's view as the book is now."""
    return checksum(*book_levels(market, outcome, CHECKSUM_LEVELS))


def snapshot(market: Market, outcome: Outcome, epoch: int) -> Message:
    """Return the whole book of an outcome."""
    bids, asks = book_levels(market, outcome, _EVERY_LEVEL)
    return Message(
        EVENT,
        BookUpdate(
            str(market.id),
            outcome,
            epoch,
            market.seq,
            None,
            "snapshot",
            wire_levels(bids),
            wire_levels(asks),
            checksum(bids, asks),
        ),
    )


def delta(
    market_id: int | str,
    outcome: Outcome,
    epoch: int,
    prev_seq: int,
    seq: int,
    bids: Changes,
    asks: Changes,
    view_sum: int,
) -> Message:
    """Return what changed between two seqs; `view_sum` is the checksum after the later one."""
    wire_bids, wire_asks = wire_changes(outcome, bids, asks)
    return Message(
        EVENT,
        BookUpdate(
            str(market_id), outcome, epoch, seq, prev_seq, "delta", wire_bids, wire_asks, view_sum
        ),
    )
