"""A market's order book from its events alone: which orders rest where, in their order, and the
sequence that clients see.

    replay = BookReplay(market_id)
    for execution in journal:        every command of the market, in order
        if replay.apply(execution):  its public state changed: replay.seq is one more
            replay.changes()         the levels, as the socket tells them
            replay.log               order by order, if it is kept

Laws: between two commands an open order rests in the book or waits for a price; the latter is kept
as well, because the event that triggers it doesn't say its terms. `seq` moves once per command
that changed the public state, by the rules of `transitions/marks.py: touch_public`, and `changes`
names the levels that the socket names (`gateway/streaming/book_messages.py`): what is read from
the past is what was sent. `dump` and `load` give the same bytes and the same book anywhere.
"""

from collections.abc import Callable
from typing import Any, Final

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
from exchange.messages.events import (
    AccountOpened,
    CommandRejected,
    CommandReplayed,
    Event,
    ExchangeModeChanged,
    FundsCredited,
    HoldersPaid,
    MarketCreated,
    MarketEdited,
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
LogEntry = tuple[str, int, bool, int, int, int, int]
"""(what, the order's number, is it a bid, YES price, quantity, what remains of it there, trade).

ADD: it came to the back of its level. REDUCE: it has less, at its place. REMOVE: it left, without a
trade. TRADE: so much of it traded; a remainder of 0 says that it left. The trade is its number in
the market, else 0.
"""
ADD: Final = "add"
REDUCE: Final = "reduce"
REMOVE: Final = "remove"
TRADE: Final = "trade"


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
        "log",
        "market_id",
        "numbered",
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
        self.numbered = 0
        """How many orders ever came into the book."""
        self.log: list[LogEntry] | None = None
        """What the command at hand did to the book; None: it isn't kept."""
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
        if self.log:
            self.log = []

    def take(self, event: Event) -> None:
        """Take one event of this market (`market_of`)."""
        TAKE[type(event)](self, event)

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
        if self.log is not None:
            self._note(TRADE, maker, event.quantity, event.trade_no)
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
            self._note(REMOVE, order, order.remaining)
        elif gone:
            side.reduce(order, gone)
        self._reprice(order, event.price, event.quantity)
        if event.keeps_place:
            if gone:
                self._note(REDUCE, order, gone)
                self._publish()
        elif event.resting:
            self._add(order)
        else:
            self._publish()

    def order_cancelled(self, event: OrderCancelled) -> None:
        """End an order early: out of the book, if it is there."""
        order = self._touch(event.order_id)
        if order.resting:
            (self.bids if order.is_bid else self.asks).remove(order)
            self._note(REMOVE, order, order.remaining)
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

    def market_changed(
        self, _event: MarketCreated | MarketEdited | MarketStatusChanged | MarketResolved
    ) -> None:
        """Note that its life went on, which is public."""
        self._publish()

    def _add(self, order: OpenOrder) -> None:
        if order.number == 0:
            self.numbered += 1
            order.number = self.numbered
        (self.bids if order.is_bid else self.asks).add(order)
        if self.log is not None:
            self._note(ADD, order, order.remaining)
        self._publish()

    def _note(self, what: str, order: OpenOrder, quantity: int, trade_no: int = 0) -> None:
        if self.log is not None:
            left = 0 if what is REMOVE else order.remaining
            entry = (what, order.number, order.is_bid, order.yes_price, quantity, left, trade_no)
            self.log.append(entry)

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
    if type(event) not in TAKE:
        return None
    market_id: int = event.market_id  # type: ignore[union-attr, assignment]
    return market_id


TAKE: Final[dict[type[Any], Callable[[BookReplay, Any], None]]] = {
    MarketCreated: BookReplay.market_changed,
    MarketEdited: BookReplay.market_changed,
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
"""What a book is made from, and how it takes it."""
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
require_all(Event, (*TAKE, *_NOT_OF_A_BOOK), "what a book is made from")
