"""The book of one market in YES terms: price levels in order, orders at a level by their place.

    asks   0.57  | SELL YES .57, BUY NO .43 ...          head = oldest ... tail = newest
           0.56  | BUY NO .44
          -------+------------------------------
    bids   0.55  | BUY YES .55, SELL NO .45 ...
           0.54  | BUY YES .54

Laws: a level is never empty; its quantity is the sum of what remains of its orders; `best` is the
first level.  Both sides are sorted by a *key* that is small when the price is good (asks: the
price, bids: its negative), so that nothing here or in `rules/matching.py` is written twice.  The
book judges nothing, moves no money and reports to nobody.

In a sparse book most orders are alone at their price, so that each makes and removes a level.  The
rules ask for the best level only: it is found by a heap, and the order of all levels is made up
for when somebody looks.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from heapq import heappop, heappush
from itertools import islice
from typing import Final

from msgspec.structs import astuple
from sortedcontainers import SortedDict

from exchange.messages.bounds import PRICE_SCALE
from exchange.messages.conditions import OrderConditions
from exchange.messages.errors import InvariantViolated
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
from exchange.messages.units import Boxed

_astuple: Final = astuple
_OPEN: Final = OrderStatus.OPEN
_PARTIAL: Final = OrderStatus.PARTIAL
_FILLED: Final = OrderStatus.FILLED
_PENDING: Final = OrderStatus.PENDING
_GONE_LEVELS: Final = 64


def own_price(outcome: Outcome, yes_price: int) -> int:
    """Return the price of a leg of `outcome` when the YES leg trades at `yes_price`.

    Its own inverse: given the leg's price it returns the YES leg's.
    """
    return yes_price if outcome is YES else PRICE_SCALE - yes_price


@dataclass(slots=True, eq=False, init=False)
class Order:
    """One order's record, from its placing to its end.  `transitions/` alone changes one that is in
    a state; whoever has a command's events can follow an order of its own with the same methods.

    `key` is the id again, as tables and messages have it. `price` is the own outcome's (None for
    MARKET), `yes_price` the book's.  `locked` is its reservation: cash for BUY, shares for SELL.
    `remaining` is 0 for an order by `max_cost`. `filled_cash` is the sum of price x quantity over
    its fills, `fees_paid` and `fee_carry` say what it was charged (`rules/fees.py`). `level` is
    where it is `resting`, `place` its rank in time there (RULEBOOK 3): its id, and more once orders
    have moved.
    `version` counts its amends. `seq` is that of the last command that changed it; `listed` is the
    number of the last dirty lists it was on, and not part of the state.
    """

    key: Boxed
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
    place: int
    version: int
    resting: bool
    listed: int
    level: "Level | None"
    previous: "Order | None"
    next: "Order | None"

    def __init__(self, placed: OrderPlaced, seq: int, at: int) -> None:
        """Open the order that the command `seq` placed at `at`; it is in no book yet.

        Written out, because the constructor that `dataclass` makes would not be compiled: it took
        a fifth of the compiled core's time.
        """
        fields: OrderPlacedFields = _astuple(placed)
        (
            self.key,
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
        self.id = self.key
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
        if self.conditions is not None and self.conditions.trigger_price is not None:
            self.status = _PENDING
        self.cancel_reason = None
        self.filled = self.filled_cash = self.fees_paid = self.fee_carry = 0
        self.place = self.id
        self.version = 0
        self.resting = False
        self.listed = 0
        self.level = None
        self.previous = self.next = None

    @property
    def expires_at(self) -> int | None:
        """When the order ends by itself, microseconds since the epoch; None if it doesn't."""
        return None if self.conditions is None else self.conditions.expires_at

    @property
    def partner(self) -> int | None:
        """The id of the order that ends when this one trades or is triggered; it may be over."""
        return None if self.conditions is None else self.conditions.partner

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

    def amend(
        self, price: int | None, quantity: int | None, reserved: int, rare: OrderConditions | None
    ) -> None:
        """Take on new terms and lock `reserved` more; it is in no book, or keeps its place."""
        self.price = price
        self.yes_price = 0 if price is None else own_price(self.outcome, price)
        self.quantity = quantity
        self.remaining = 0 if quantity is None else quantity - self.filled
        self.locked += reserved
        self.conditions = rare
        self.version += 1

    def trigger(self, unlocked: int) -> None:
        """Become what it waited to become, with `unlocked` less set aside for it."""
        self.locked -= unlocked
        self.status = _OPEN

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


NOT_OF_THE_ORDER: Final = ("key", "listed", "level", "previous", "next")
"""Fields that say where the record is; the others are the order."""


@dataclass(slots=True, eq=False, init=False)
class Level:
    """All orders at one price: a doubly linked list, oldest first, never empty."""

    key: int
    price: int
    quantity: int
    count: int
    head: Order
    tail: Order

    def __init__(self, key: int, order: Order) -> None:
        """Make the level of an order that is alone; written out, so that it is compiled."""
        self.key = key
        self.price = order.yes_price
        self.quantity = order.remaining
        self.count = 1
        self.head = self.tail = order

    def orders(self) -> Iterator[Order]:
        """Yield the orders, oldest first."""
        order: Order | None = self.head
        while order is not None:
            following = order.next
            yield order
            order = following


class BookSide:
    """All bids or all asks.

    Adding and removing cost O(log levels) at a new or emptied level, else O(1).  Who looks at more
    than the best level pays O(log levels) for each that came or went since the last look.
    """

    __slots__ = ("_changed", "_heap", "_in_order", "best", "by_key", "sign")

    def __init__(self, *, bids: bool) -> None:
        self.sign = -1 if bids else 1
        self.best: Level | None = None
        self.by_key: dict[int, Level] = {}
        self._heap: list[int] = []
        """The keys of all levels but the best, and some of levels that are gone."""
        self._in_order: SortedDict[int, None] = SortedDict()
        """The levels' keys as they were when somebody looked at them."""
        self._changed: dict[int, None] = {}
        """The keys at which a level came or went since."""

    def add(self, order: Order) -> None:
        """Put an order behind all others at its price."""
        key = self.sign * order.yes_price
        level = self.by_key.get(key)
        if level is None:
            level = Level(key, order)
            self.by_key[key] = level
            self._changed[key] = None
            best = self.best
            if best is None:
                self.best = level
            elif key < best.key:
                self.best = level
                self._put_by(best.key)
            else:
                self._put_by(key)
        else:
            tail = level.tail
            tail.next = order
            order.previous = tail
            level.tail = order
            level.quantity += order.remaining
            level.count += 1
        order.level = level
        order.resting = True

    def remove(self, order: Order) -> None:
        """Take an order out, with whatever remains of it."""
        level = order.level
        if level is None:
            raise InvariantViolated(f"order {order.id} rests in no book")
        order.level = None
        order.resting = False
        if level.count == 1:
            key = level.key
            del self.by_key[key]
            self._changed[key] = None
            if level is self.best:
                self._find_best()
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

    def put_back(self, order: Order, before: Order | None) -> None:
        """Take a removal back: put the order behind `before` at its level, or first there.

        The side must be as it was right after the removal, the order as it was right before.
        """
        level = self.by_key.get(self.sign * order.yes_price)
        if level is None:
            self.add(order)
            return
        after = level.head if before is None else before.next
        order.previous, order.next = before, after
        if before is None:
            level.head = order
        else:
            before.next = order
        if after is None:
            level.tail = order
        else:
            after.previous = order
        level.quantity += order.remaining
        level.count += 1
        order.level = level
        order.resting = True

    def reduce(self, order: Order, quantity: int) -> None:
        """Note that an order, which keeps its place, has `quantity` less to trade."""
        if order.level is None:
            raise InvariantViolated(f"order {order.id} rests in no book")
        order.level.quantity -= quantity

    def levels(self) -> Iterator[Level]:
        """Yield every level, best price first."""
        for key in self._changed:
            if key in self.by_key:
                self._in_order[key] = None
            else:
                self._in_order.pop(key, None)
        self._changed.clear()
        for key in self._in_order:
            yield self.by_key[key]

    def orders(self) -> Iterator[Order]:
        """Yield every order, best price first, oldest first at a price; nothing changes by it."""
        # Not even what `levels` remembers: threads are left at this while the side goes on.
        for key in sorted(self.by_key):
            yield from self.by_key[key].orders()

    def depth(self, count: int) -> list[tuple[int, int]]:
        """Return the best `count` levels as (YES price, quantity), best first."""
        return [(level.price, level.quantity) for level in islice(self.levels(), count)]

    def _put_by(self, key: int) -> None:
        """Remember a level that isn't the best, and forget those that are gone if they are many."""
        heappush(self._heap, key)
        if len(self._heap) > 2 * len(self.by_key) + _GONE_LEVELS:
            self._heap = sorted(self.by_key)

    def _find_best(self) -> None:
        """Take the best of those put by that is still there."""
        self.best = None
        while self.best is None and self._heap:
            self.best = self.by_key.get(heappop(self._heap))


class OrderBook:
    """Both sides of one market."""

    __slots__ = ("asks", "bids")

    def __init__(self) -> None:
        self.bids = BookSide(bids=True)
        self.asks = BookSide(bids=False)

    def own_side(self, order: Order) -> BookSide:
        """Return the side on which the order would rest."""
        return self.bids if order.is_bid else self.asks
