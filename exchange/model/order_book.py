"""The book of one market in YES terms: price levels in order, orders at a level in the order they
came.

    asks   0.57  | SELL YES .57, BUY NO .43 ...          head = oldest ... tail = newest
           0.56  | BUY NO .44
          -------+------------------------------
    bids   0.55  | BUY YES .55, SELL NO .45 ...
           0.54  | BUY YES .54

Laws: a level is never empty; its quantity is the sum of what remains of its orders; `best` is the
first level.  Both sides are sorted by a *key* that is small when the price is good (asks: the
price, bids: its negative), so that nothing here or in `rules/matching.py` is written twice.  The
book judges nothing, moves no money and reports to nobody.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from msgspec.structs import astuple
from sortedcontainers import SortedDict

from exchange.messages.bounds import PRICE_SCALE
from exchange.messages.conditions import OrderConditions
from exchange.messages.events import OrderPlaced, OrderPlacedFields
from exchange.messages.terms import (
    BUY,
    YES,
    CancelReason,
    OrderStatus,
    OrderType,
    Outcome,
    SelfTradePrevention,
    Side,
    TimeInForce,
)

_OPEN: Final = OrderStatus.OPEN
_PARTIAL: Final = OrderStatus.PARTIAL
_FILLED: Final = OrderStatus.FILLED


def own_price(outcome: Outcome, yes_price: int) -> int:
    """Return the price of a leg of `outcome` when the YES leg trades at `yes_price`.

    Its own inverse: given the leg's price it returns the YES leg's.
    """
    return yes_price if outcome is YES else PRICE_SCALE - yes_price


@dataclass(slots=True, eq=False, init=False)
class Order:
    """One order's record, from its placing to its end.  `transitions/` alone changes one that is in
    a state; whoever has a command's events can follow an order of its own with the same methods.

    `price` is the own outcome's (None for MARKET), `yes_price` the book's.  `locked` is its
    reservation: cash for BUY, shares for SELL.  `remaining` is 0 for an order by `max_cost`.
    `filled_cash` is the sum of price x quantity over its fills, `fees_paid` and `fee_carry` say
    what it was charged (`rules/fees.py`). `seq` is that of the last command that changed it.
    """

    id: int
    account_id: int
    market_id: int
    side: Side
    outcome: Outcome
    type: OrderType
    price: int | None
    yes_price: int
    is_bid: bool
    quantity: int | None
    remaining: int
    time_in_force: TimeInForce
    self_trade_prevention: SelfTradePrevention
    max_cost: int | None
    client_order_id: str | None
    conditions: OrderConditions | None
    locked: int
    placed_seq: int
    seq: int
    created_at: int
    updated_at: int
    status: OrderStatus
    cancel_reason: CancelReason | None
    filled: int
    filled_cash: int
    fees_paid: int
    fee_carry: int
    resting: bool
    previous: "Order | None"
    next: "Order | None"

    def __init__(self, placed: OrderPlaced, seq: int, at: int) -> None:
        """Open the order that the command `seq` placed at `at`; it is in no book yet.

        Written out, because the constructor that `dataclass` makes would not be compiled: it took
        a fifth of the compiled core's time.
        """
        fields: OrderPlacedFields = astuple(placed)
        (
            self.id,
            self.account_id,
            self.market_id,
            side,
            outcome,
            self.type,
            price,
            quantity,
            self.time_in_force,
            self.self_trade_prevention,
            self.max_cost,
            self.client_order_id,
            self.locked,
            _resting,
            self.conditions,
        ) = fields
        self.side = side
        self.outcome = outcome
        self.price = price
        self.yes_price = 0 if price is None else own_price(outcome, price)
        self.is_bid = (side is BUY) is (outcome is YES)
        self.quantity = quantity
        self.remaining = 0 if quantity is None else quantity
        self.placed_seq = self.seq = seq
        self.created_at = self.updated_at = at
        self.status = _OPEN
        self.cancel_reason = None
        self.filled = self.filled_cash = self.fees_paid = self.fee_carry = 0
        self.resting = False
        self.previous = self.next = None

    def fill(self, quantity: int, amount: int, unlocked: int, fee: int, carry: int) -> None:
        """Trade `quantity` for `amount` (money, of the own leg); `unlocked` left the reservation.

        FILLED when nothing remains; an order by `max_cost`, of which nothing ever does, is PARTIAL
        until it ends.
        """
        self.locked -= unlocked
        self.filled += quantity
        self.filled_cash += amount
        if fee or carry or self.fee_carry:
            self.fees_paid += fee
            self.fee_carry = carry
        if self.quantity is None:
            self.status = _PARTIAL
        elif quantity < self.remaining:
            self.remaining -= quantity
            self.status = _PARTIAL
        else:
            self.remaining = 0
            self.status = _FILLED

    def rest(self, unlocked: int) -> None:
        """Keep what remains for the book, with `unlocked` less set aside for it."""
        self.locked -= unlocked

    def end(
        self, status: OrderStatus, reason: CancelReason | None = None, unlocked: int = 0
    ) -> None:
        """End with less than was asked for; `unlocked` is the rest of the reservation."""
        self.locked -= unlocked
        self.status = status
        self.cancel_reason = reason


@dataclass(slots=True, eq=False)
class Level:
    """All orders at one price: a doubly linked list, oldest first, never empty."""

    price: int
    quantity: int
    count: int
    head: Order
    tail: Order

    def orders(self) -> Iterator[Order]:
        """Yield the orders, oldest first."""
        order: Order | None = self.head
        while order is not None:
            following = order.next
            yield order
            order = following


class BookSide:
    """All bids or all asks.

    Adding and removing cost O(log levels) at a new or emptied level, else O(1).
    """

    __slots__ = ("best", "levels", "sign")

    def __init__(self, *, bids: bool) -> None:
        self.sign = -1 if bids else 1
        self.levels: SortedDict[int, Level] = SortedDict()
        self.best: Level | None = None

    def add(self, order: Order) -> None:
        """Put an order behind all others at its price."""
        key = self.sign * order.yes_price
        level = self.levels.get(key)
        if level is None:
            level = Level(order.yes_price, order.remaining, 1, order, order)
            self.levels[key] = level
            if self.best is None or key < self.sign * self.best.price:
                self.best = level
        else:
            tail = level.tail
            tail.next = order
            order.previous = tail
            level.tail = order
            level.quantity += order.remaining
            level.count += 1
        order.resting = True

    def remove(self, order: Order) -> None:
        """Take an order out, with whatever remains of it."""
        key = self.sign * order.yes_price
        level = self.levels[key]
        order.resting = False
        if level.count == 1:
            del self.levels[key]
            if level is self.best:
                self.best = self.levels.peekitem(0)[1] if self.levels else None
            return
        before, after = order.previous, order.next
        if before is not None:
            before.next = after
            order.previous = None
        if after is not None:
            after.previous = before
            order.next = None
        if before is None and after is not None:
            level.head = after
        if after is None and before is not None:
            level.tail = before
        level.quantity -= order.remaining
        level.count -= 1

    def reduce(self, order: Order, quantity: int) -> None:
        """Note that an order, which keeps its place, has `quantity` less to trade."""
        self.levels[self.sign * order.yes_price].quantity -= quantity

    def orders(self) -> Iterator[Order]:
        """Yield every order, best price first, oldest first at a price."""
        for level in self.levels.values():
            yield from level.orders()

    def depth(self, count: int) -> list[tuple[int, int]]:
        """Return the best `count` levels as (YES price, quantity), best first."""
        return [(level.price, level.quantity) for level in self.levels.values()[:count]]


class OrderBook:
    """Both sides of one market."""

    __slots__ = ("asks", "bids")

    def __init__(self) -> None:
        self.bids = BookSide(bids=True)
        self.asks = BookSide(bids=False)

    def own_side(self, order: Order) -> BookSide:
        """Return the side on which the order would rest."""
        return self.bids if order.is_bid else self.asks
