"""The strategy's desk in a backtest: its orders on their way to the engine, and what it may know.

Laws: an order or a cancel arrives `latency` after it was sent, and those sent at one time arrive in
the order in which they were sent. What the strategy is shown of its own orders is what it sent and
what came back: an order counts as open from the moment in which it was sent until it has ended.
"""

from collections import deque
from collections.abc import Mapping
from heapq import heappop, heappush
from random import Random
from typing import Final

import msgspec

from exchange.messages.bounds import PRICE_SCALE
from exchange.messages.commands import BatchOrders, Command, PlaceOco, PlaceOrder
from exchange.messages.terms import BUY, NO, SELL, YES, Outcome, Side
from gateway.research.strategy import NOTHING, OpenOrder, Position, Terms

OPEN_MAX: Final = 1_000
"""Most open orders of a strategy: one that forgets its orders would never end."""
WAKES_MAX: Final = 10_000
AT_ONCE_MAX: Final = 10_000
"""Most orders that arrive at one time: one that is sent anew whenever it is refused, with no
latency, would never let the clock go on."""


class Sent(msgspec.Struct, frozen=True, gc=False):
    """An order on its way."""

    number: int
    market: str
    side: Side
    price: int
    quantity: int
    post_only: bool


class Cancelled(msgspec.Struct, frozen=True, gc=False):
    """A cancel on its way."""

    number: int


class Raw(msgspec.Struct, frozen=True, gc=False):
    """A command of the engine's own on its way."""

    command: Command


class TooManyOrders(RuntimeError):
    """The strategy has more open orders, more timers or more orders at one time than it may."""


class BacktestDesk:
    """Takes the strategy's orders, and tells when they are due."""

    def __init__(self, latency_us: int, seed: int, positions: Mapping[str, Position]) -> None:
        self._latency_us = latency_us
        self._random = Random(seed)  # noqa: S311 - a strategy's chance, the same for a seed
        self._now = 0
        self._number = 0
        self._due: deque[tuple[int, Sent | Cancelled | Raw]] = deque()
        """In the order of time, since all take equally long."""
        self._wakes: list[int] = []
        self._arrived = 0
        """How many orders and cancels have arrived at the time of the clock."""
        self.markets: dict[str, Terms] = {}
        """Those that were listed so far."""
        self._open: dict[str, dict[int, OpenOrder]] = {}
        self._orders: dict[int, OpenOrder] = {}
        self._positions = positions
        self.available = 0
        """Kept by the run, as is the next."""
        self.worth = 0
        self.sent = 0
        """Orders and cancels."""
        self.ordered = 0
        """Quantity units of all orders."""

    @property
    def now(self) -> int:
        """The time of the event at hand."""
        return self._now

    @property
    def random(self) -> Random:
        """Chance by the run's seed."""
        return self._random

    @property
    def cash(self) -> int:
        """What isn't set aside for orders."""
        return self.available

    def equity(self) -> int:
        """Return cash and shares at the last middle."""
        return self.worth

    def position(self, market: str) -> Position:
        """Return what is held."""
        return self._positions.get(market, NOTHING)

    def bid(self, market: str, price: int, quantity: int, *, post_only: bool = False) -> int:
        """Send an order to buy YES."""
        return self._send(market, BUY, price, quantity, post_only)

    def ask(self, market: str, price: int, quantity: int, *, post_only: bool = False) -> int:
        """Send an order to sell YES."""
        return self._send(market, SELL, price, quantity, post_only)

    def cancel(self, order: int) -> None:
        """Send a cancel."""
        found = self._orders.get(order)
        if found is None or found.is_cancelling:
            return
        found.is_cancelling = True
        self.sent += 1
        self._due.append((self._now + self._latency_us, Cancelled(order)))

    def send(self, command: Command) -> None:
        """Send a command of the engine's own, as the trader's account; in the model `book`, where
        a past is replayed, it calls orders what they were called then. What becomes of it is heard
        by `on_fill` alone. In the model `trades` nothing that waits for a price or a time comes.
        """
        self.sent += 1
        self.ordered += ordered_by(command)
        self._due.append((self._now + self._latency_us, Raw(command)))

    def open_orders(self, market: str) -> Mapping[int, OpenOrder]:
        """Return what was sent and hasn't ended."""
        return self._open.get(market, {})

    def wake(self, at: int) -> None:
        """Remember a time, later than now."""
        require_whole(at=at)
        if len(self._wakes) >= WAKES_MAX:
            raise TooManyOrders(f"more than {WAKES_MAX} timers wait")
        heappush(self._wakes, max(at, self._now + 1))

    def _send(self, market: str, side: Side, price: int, quantity: int, post_only: bool) -> int:
        require_whole(price=price, quantity=quantity)
        if market not in self.markets:
            raise KeyError(f"{market} isn't listed")
        if len(self._orders) >= OPEN_MAX:
            raise TooManyOrders(f"more than {OPEN_MAX} orders are open")
        self._number += 1
        self.sent += 1
        self.ordered += max(quantity, 0)
        order = OpenOrder(self._number, market, side, price, quantity, self._now)
        self._orders[self._number] = order
        self._open.setdefault(market, {})[self._number] = order
        sent = Sent(self._number, market, side, price, quantity, post_only)
        self._due.append((self._now + self._latency_us, sent))
        return self._number

    # What the run asks and tells.

    def list(self, terms: Terms) -> None:
        """Know a market."""
        self.markets[terms.market] = terms

    def turn_to(self, at: int) -> None:
        """Set the clock."""
        if at > self._now:
            self._now = at
            self._arrived = 0

    def next_due(self) -> int | None:
        """Return when the next order arrives or the strategy is woken; None: never."""
        if self._due and self._wakes:
            return min(self._due[0][0], self._wakes[0])
        if self._due:
            return self._due[0][0]
        return self._wakes[0] if self._wakes else None

    def arrived(self, at: int) -> Sent | Cancelled | Raw | None:
        """Return the next order or cancel that has arrived by a time; raises TooManyOrders."""
        if not self._due or self._due[0][0] > at:
            return None
        self._arrived += 1
        if self._arrived > AT_ONCE_MAX:
            raise TooManyOrders(f"more than {AT_ONCE_MAX} orders arrive at one time")
        return self._due.popleft()[1]

    def woken(self, at: int) -> int | None:
        """Return the next time by then at which the strategy is to be woken."""
        return heappop(self._wakes) if self._wakes and self._wakes[0] <= at else None

    def reduce(self, number: int, quantity: int, at: int) -> int:
        """Hear that an order traded at a time; return when it was sent, then if it wasn't here."""
        order = self._orders.get(number)
        if order is None:
            return at
        order.remaining -= quantity
        return order.sent_at

    def end(self, number: int) -> None:
        """Hear that an order ended."""
        order = self._orders.pop(number, None)
        if order is not None:
            del self._open[order.market][number]


def require_whole(**numbers: int) -> None:
    """Raise TypeError for what isn't a whole number, as a price times 0.99 is: anybody may write
    that, and money that is computed from it would be inexact, or refused where rules are compiled.
    """
    for name, number in numbers.items():
        if type(number) is not int:
            raise TypeError(f"{name} must be a whole number (int), not {number!r}")


def leg_for(side: Side, price: int, quantity: int, held: Position) -> tuple[Side, Outcome, int]:
    """Return (side, outcome, own price) of the engine's order for one in YES terms.

    Shares that are held, and free, of the leg that the order is against are sold; else the other
    leg is bought, whose pairs with what is held become cash by themselves.
    """
    if side is BUY:
        if held.no >= quantity:
            return SELL, NO, PRICE_SCALE - price
        return BUY, YES, price
    if held.yes >= quantity:
        return SELL, YES, price
    return BUY, NO, PRICE_SCALE - price


def ordered_by(command: Command) -> int:
    """Return the quantity units that a command orders; what is bought by its cost counts as none,
    and of two orders that exclude each other the first counts.
    """
    match command:
        case PlaceOrder(quantity=quantity):
            return quantity or 0
        case PlaceOco(first=first):
            return first.quantity or 0
        case BatchOrders(operations=operations):
            return sum(one.quantity or 0 for one in operations if isinstance(one, PlaceOrder))
        case _:
            return 0
