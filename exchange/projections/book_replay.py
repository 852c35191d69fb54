"""A market's order book from its events alone: which orders rest where, in their order, and the
sequence that clients see.

    replay = BookReplay(market_id)
    for execution in journal:        every command of the market, in order
        if replay.apply(execution):  its public state changed: replay.seq is one more
            replay.changes()         the levels, as the socket tells them

Laws: between two commands an open order rests in the book or waits for a price; the latter is kept
as well, because the event that triggers it doesn't say its terms. `seq` moves once per command
that changed the public state, by the rules of `transitions/marks.py: touch_public`, and `changes`
names the levels that the socket names (`gateway/streaming/book_messages.py`): what is read from
the past is what was sent. `dump` and `load` give the same bytes and the same book anywhere.
"""

from collections.abc import Callable
from typing import Any, Final, cast

import msgspec

from exchange.messages.account_events import (
    CashTransferred,
    DeadManFired,
    DeadManSet,
    FundsDebited,
    LeaseEnded,
    LeaseRenewed,
    SessionEnded,
    StandingChanged,
)
from exchange.messages.bounds import PRICE_SCALE
from exchange.messages.completeness import require_all
from exchange.messages.errors import InvariantViolated
from exchange.messages.events import (
    AccountOpened,
    CommandRejected,
    CommandReplayed,
    Event,
    ExchangeModeChanged,
    FundsCredited,
    HoldersPaid,
    MarketCreated,
    MarketResolved,
    MarketStatusChanged,
    OperationRun,
    OrderAmended,
    OrderCancelled,
    OrderFilled,
    OrderPlaced,
    OrderRested,
    OrdersCancelled,
    PairsNetted,
    PositionSettled,
    TradeExecuted,
)
from exchange.messages.execution import Execution
from exchange.messages.group_events import GroupReset, GroupSet, GroupTriggered
from exchange.messages.limit_events import (
    AccountLimitsSet,
    MarketLimitsSet,
    PostOnlySet,
    ReopeningSet,
)
from exchange.messages.terms import BUY, YES
from exchange.messages.waiting_events import (
    LockPassed,
    OrdersReached,
    OrdersStoodDown,
    OrderTriggered,
    PendingAmended,
)
from exchange.projections.book_sides import OpenOrder, Side

Changes = dict[int, int]
"""YES price -> quantity now, 0 for none."""
_Row = tuple[int, bool, bool, int | None, int | None, int]
"""Of an order: its id, is it a bid, is it of YES, price, quantity, filled."""
_Dumped = tuple[int, int, int, list[_Row], list[_Row]]
"""The market's id and seq, the time of that, what rests (in order) and what waits."""
_DUMPED: Final = msgspec.msgpack.Decoder(_Dumped)


class BookReplay:
    """One market's book; it begins as that of a market that isn't there yet.

    `seq` is the market's, `at` when it moved last. Bounds nothing: the events bound it.
    """

    __slots__ = (
        "_left",
        "_moved",
        "_now",
        "_now_at",
        "_touched",
        "asks",
        "at",
        "bids",
        "market_id",
        "orders",
        "seq",
    )

    def __init__(self, market_id: int) -> None:
        self.market_id = market_id
        self.seq = 0
        self.at = 0
        self.bids = Side(bids=True)
        self.asks = Side(bids=False)
        self.orders: dict[int, OpenOrder] = {}
        """Every open order, those that wait included."""
        self._now = 0
        self._now_at = 0
        self._moved = False
        self._touched: dict[int, OpenOrder] = {}
        """The orders that the command at hand changed, whether they are still open or not."""
        self._left: list[tuple[OpenOrder, int]] = []
        """(order, YES price) of each place that an amend gave up."""

    # -- commands ----------------------------------------------------------------------------

    def apply(self, execution: Execution) -> bool:
        """Take one command, of whose events those of other markets are left out.

        Returns whether the market's public state changed, so that `seq` moved.
        """
        self.begin(execution.seq, execution.at)
        for event in execution.events:
            if market_of(event) == self.market_id:
                self.take(event)
        return self._moved

    def begin(self, seq: int, at: int) -> None:
        """Start the command `seq` (of the exchange), stamped `at`."""
        self._now = seq
        self._now_at = at
        self._moved = False
        if self._touched:
            self._touched = {}
        if self._left:
            self._left = []

    def take(self, event: Event) -> None:
        """Take one event of this market (`market_of`)."""
        _TAKE[type(event)](self, event)

    def changes(self) -> tuple[Changes, Changes]:
        """Return the levels (bids, asks) that the last command changed, as the socket names them:
        an order that came and went within the command left none behind.
        """
        bids: Changes = {}
        asks: Changes = {}
        moved: set[int] = set()
        for order, price in self._left:
            moved.add(order.id)
            if order.is_bid:
                bids[price] = self.bids.quantity_at(price)
            else:
                asks[price] = self.asks.quantity_at(price)
        for order in self._touched.values():
            if not order.resting and (
                order.id in moved
                or order.placed_seq == self._now
                or order.waits
                or order.price is None
            ):
                continue
            price = order.yes_price
            if order.is_bid:
                bids[price] = self.bids.quantity_at(price)
            else:
                asks[price] = self.asks.quantity_at(price)
        return bids, asks

    # -- storing -----------------------------------------------------------------------------

    def dump(self) -> bytes:
        """Return the book between two commands as bytes: the same for the same book."""
        resting = [_row(order) for side in (self.bids, self.asks) for order in side.orders()]
        waiting = [_row(self.orders[id_]) for id_ in sorted(self.orders) if self.orders[id_].waits]
        if len(resting) + len(waiting) != len(self.orders):
            raise InvariantViolated(f"market {self.market_id}: an order neither rests nor waits")
        dumped: _Dumped = (self.market_id, self.seq, self.at, resting, waiting)
        return msgspec.msgpack.encode(dumped)

    # -- events ------------------------------------------------------------------------------

    def order_placed(self, event: OrderPlaced) -> None:
        """Open an order, and put it into the book if it crosses nothing."""
        terms = event.conditions
        is_yes = event.outcome is YES
        order = OpenOrder(
            event.order_id,
            None,
            event.quantity,
            0,
            is_bid=(event.side is BUY) is is_yes,
            is_yes=is_yes,
            waits=terms is not None and terms.trigger_price is not None,
            placed_seq=self._now,
        )
        self._reprice(order, event.price, event.quantity)
        self.orders[order.id] = order
        self._touched[order.id] = order
        if event.resting:
            self._add(order)

    def trade_executed(self, event: TradeExecuted) -> None:
        """Take what was traded off the book, and off both orders."""
        taker, maker = self._touch(event.taker_order_id), self._touch(event.maker_order_id)
        side = self.bids if maker.is_bid else self.asks
        if maker.remaining > event.quantity:
            side.reduce(maker, event.quantity)
        else:
            side.remove(maker)
        self._fill(maker, event.quantity)
        self._fill(taker, event.quantity)
        self._publish()

    def _fill(self, order: OpenOrder, quantity: int) -> None:
        order.filled += quantity
        if order.quantity is None:
            return
        order.remaining = order.quantity - order.filled
        if order.remaining == 0:
            del self.orders[order.id]

    def order_amended(self, event: OrderAmended) -> None:
        """Give an order other terms, and another place unless it keeps its own."""
        order = self._touch(event.order_id)
        side = self.bids if order.is_bid else self.asks
        gone = (order.quantity or 0) - event.quantity
        if not event.keeps_place:
            self._left.append((order, order.yes_price))
            side.remove(order)
        elif gone:
            side.reduce(order, gone)
        if gone or not event.keeps_place:
            self._publish()
        self._reprice(order, event.price, event.quantity)
        if event.resting and not event.keeps_place:
            side.add(order)

    def order_cancelled(self, event: OrderCancelled) -> None:
        """End an order early: out of the book, if it is there."""
        order = self._touch(event.order_id)
        if order.resting:
            (self.bids if order.is_bid else self.asks).remove(order)
            self._publish()
        del self.orders[order.id]

    def order_rested(self, event: OrderRested) -> None:
        """Put what an order didn't trade into the book."""
        self._add(self._touch(event.order_id))

    def order_filled(self, event: OrderFilled) -> None:
        """End an order by maximal cost."""
        self._touch(event.order_id)
        del self.orders[event.order_id]

    def order_triggered(self, event: OrderTriggered) -> None:
        """Let an order wait no longer."""
        order = self._touch(event.order_id)
        order.waits = False
        if event.resting:
            self._add(order)

    def pending_amended(self, event: PendingAmended) -> None:
        """Give an order that waits other terms."""
        self._reprice(self._touch(event.order_id), event.price, event.quantity)

    def lock_passed(self, event: LockPassed) -> None:
        """Note an order of which only the reservation changed."""
        self._touch(event.order_id)

    def market_changed(self, _event: MarketCreated | MarketStatusChanged | MarketResolved) -> None:
        """Note that its life went on, which is public."""
        self._publish()

    def _add(self, order: OpenOrder) -> None:
        (self.bids if order.is_bid else self.asks).add(order)
        self._publish()

    def _reprice(self, order: OpenOrder, price: int | None, quantity: int | None) -> None:
        """Give an order that is in no book, or keeps its place, other terms."""
        order.price = price
        if price is None:
            order.yes_price = 0
        else:
            order.yes_price = price if order.is_yes else PRICE_SCALE - price
        order.quantity = quantity
        order.remaining = 0 if quantity is None else quantity - order.filled

    def _touch(self, order_id: int) -> OpenOrder:
        order = self.orders[order_id]
        self._touched[order_id] = order
        return order

    def _publish(self) -> None:
        if not self._moved:
            self._moved = True
            self.seq += 1
            self.at = self._now_at


def market_of(event: Event) -> int | None:
    """Return the market whose book the event concerns; None if it concerns none."""
    if type(event) not in _TAKE:
        return None
    market_id: int = cast("OrderPlaced", event).market_id
    return market_id


def load(dumped: bytes) -> BookReplay:
    """Return the book that was dumped; raises msgspec.DecodeError for anything else."""
    market_id, seq, at, resting, waiting = _DUMPED.decode(dumped)
    replay = BookReplay(market_id)
    replay.seq = seq
    replay.at = at
    for row in resting:
        order = _order(replay, row, waits=False)
        (replay.bids if order.is_bid else replay.asks).add(order)
    for row in waiting:
        _order(replay, row, waits=True)
    return replay


def _row(order: OpenOrder) -> _Row:
    return order.id, order.is_bid, order.is_yes, order.price, order.quantity, order.filled


def _order(replay: BookReplay, row: _Row, *, waits: bool) -> OpenOrder:
    id_, is_bid, is_yes, price, quantity, filled = row
    order = OpenOrder(
        id_, price, quantity, filled, is_bid=is_bid, is_yes=is_yes, waits=waits, placed_seq=0
    )
    if price is not None:
        order.yes_price = price if is_yes else PRICE_SCALE - price
    replay.orders[id_] = order
    return order


_TAKE: Final[dict[type[Any], Callable[[BookReplay, Any], None]]] = {
    MarketCreated: BookReplay.market_changed,
    MarketStatusChanged: BookReplay.market_changed,
    MarketResolved: BookReplay.market_changed,
    OrderPlaced: BookReplay.order_placed,
    TradeExecuted: BookReplay.trade_executed,
    OrderAmended: BookReplay.order_amended,
    OrderRested: BookReplay.order_rested,
    OrderFilled: BookReplay.order_filled,
    OrderCancelled: BookReplay.order_cancelled,
    OrderTriggered: BookReplay.order_triggered,
    PendingAmended: BookReplay.pending_amended,
    LockPassed: BookReplay.lock_passed,
}
_NOT_OF_A_BOOK: Final = (
    CommandRejected,
    CommandReplayed,
    AccountOpened,
    FundsCredited,
    PositionSettled,
    ExchangeModeChanged,
    OrdersCancelled,
    PairsNetted,
    HoldersPaid,
    DeadManSet,
    DeadManFired,
    LeaseRenewed,
    SessionEnded,
    LeaseEnded,
    FundsDebited,
    CashTransferred,
    StandingChanged,
    OperationRun,
    OrdersReached,
    OrdersStoodDown,
    GroupSet,
    GroupTriggered,
    GroupReset,
    MarketLimitsSet,
    AccountLimitsSet,
    ReopeningSet,
    PostOnlySet,
)
"""What touches no order, no public state, or only orders that wait."""
require_all(Event, (*_TAKE, *_NOT_OF_A_BOOK), "what a book is made from")
