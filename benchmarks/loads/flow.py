"""The order flow that the core is measured with: deterministic, 11 000 orders resting in a book.

About 55 % passive limit orders within 20 ticks of a slowly moving middle, 35 % cancels of a random
live order, 10 % marketable limit orders. When many orders are live the shares of adding and
cancelling swap until they are fewer. The generator keeps a small book of its own, only to know
which orders are live; the same seed gives the same flow everywhere. By the same book a reader can
check what an engine made of the flow: `outcome_of`.
"""

import random
from typing import Final

import msgspec

HIGH_WATER: Final = 18_000
LOW_WATER: Final = 12_000
DISTANCE: Final = 20
MIDDLE: Final = (22.0, 78.0)


class Add(msgspec.Struct, frozen=True, gc=False):
    """A GTC limit order: `price` 1..99 in cents, `quantity` 1..100 whole shares."""

    id: int
    buy: bool
    price: int
    quantity: int


class Cancel(msgspec.Struct, frozen=True, gc=False):
    """The cancel of an order that is live at that moment."""

    id: int


Levels = dict[bool, dict[int, int]]
"""Of each side (True: buy) the resting quantity at each price that has any."""


class Outcome(msgspec.Struct, frozen=True):
    """What a bare price-time book makes of a flow: fills, shares traded, and what rests."""

    cancels: int
    fills: int
    volume: int
    resting: int
    levels: Levels


class _LiveOrders:
    """A price-time book of bare quantities that knows which ids are live, in constant time."""

    def __init__(self) -> None:
        self.fills = 0
        self.volume = 0
        self.levels: dict[bool, list[dict[int, int]]] = {
            buy: [{} for _ in range(101)] for buy in (True, False)
        }
        self.ids: list[int] = []
        self.place: dict[int, int] = {}
        self.where: dict[int, tuple[bool, int]] = {}

    def best(self, *, buy: bool) -> int | None:
        prices = range(99, 0, -1) if buy else range(1, 100)
        return next((price for price in prices if self.levels[buy][price]), None)

    def add(self, order: Add) -> None:
        quantity = order.quantity
        prices = range(1, order.price + 1) if order.buy else range(99, order.price - 1, -1)
        for price in prices:
            level = self.levels[not order.buy][price]
            while level and quantity:
                resting, left = next(iter(level.items()))
                filled = min(left, quantity)
                quantity -= filled
                self.fills += 1
                self.volume += filled
                if filled == left:
                    self.remove(resting)
                else:
                    level[resting] = left - filled
            if not quantity:
                return
        self.levels[order.buy][order.price][order.id] = quantity
        self.place[order.id] = len(self.ids)
        self.ids.append(order.id)
        self.where[order.id] = (order.buy, order.price)

    def remove(self, order_id: int) -> None:
        buy, price = self.where.pop(order_id)
        del self.levels[buy][price][order_id]
        hole, last = self.place.pop(order_id), self.ids.pop()
        if last != order_id:
            self.ids[hole] = last
            self.place[last] = hole


def order_flow(count: int = 300_000, seed: int = 20251) -> list[Add | Cancel]:
    """Return the first `count` operations of the flow."""
    draw = random.Random(seed)
    live = _LiveOrders()
    flow: list[Add | Cancel] = []
    middle, next_id, draining = 50.0, 0, False
    for step in range(count):
        if step % 50 == 0:
            middle = min(MIDDLE[1], max(MIDDLE[0], middle + draw.gauss(0, 0.35)))
        if len(live.ids) > HIGH_WATER:
            draining = True
        elif len(live.ids) < LOW_WATER:
            draining = False
        adding, cancelling = (0.35, 0.55) if draining else (0.55, 0.35)
        chance = draw.random()
        if len(live.ids) < 50 or chance < adding:
            next_id += 1
            order = _passive(draw, next_id, middle)
        elif chance < adding + cancelling:
            order_id = live.ids[draw.randrange(len(live.ids))]
            live.remove(order_id)
            flow.append(Cancel(order_id))
            continue
        else:
            next_id += 1
            order = _marketable(draw, next_id, middle, live)
        flow.append(order)
        live.add(order)
    return flow


def outcome_of(flow: list[Add | Cancel]) -> Outcome:
    """Return what the book of the generator makes of a flow that it made, or of its beginning."""
    live, cancels = _LiveOrders(), 0
    for step in flow:
        if isinstance(step, Add):
            live.add(step)
        else:
            live.remove(step.id)
            cancels += 1
    levels = {
        buy: {price: sum(level.values()) for price, level in enumerate(side) if level}
        for buy, side in live.levels.items()
    }
    return Outcome(cancels, live.fills, live.volume, len(live.ids), levels)


def many_flows(markets: int, count: int = 300_000) -> list[tuple[int, Add | Cancel]]:
    """Return `count` operations on so many books in turn, each with (market, operation).

    Every book (1, 2, ...) has a flow of its own, and so every cancel is of an order that is live.
    The ids count all orders in the order in which they come, as an exchange would number them.
    """
    flows = [order_flow(count // markets, seed=market) for market in range(1, markets + 1)]
    ids: dict[tuple[int, int], int] = {}
    mixed: list[tuple[int, Add | Cancel]] = []
    for steps in zip(*flows, strict=True):
        for market, step in enumerate(steps, start=1):
            key = (market, step.id)
            if isinstance(step, Add):
                ids[key] = len(ids) + 1
            mixed.append((market, msgspec.structs.replace(step, id=ids[key])))
    return mixed


def _passive(draw: random.Random, order_id: int, middle: float) -> Add:
    buy = draw.random() < 0.5
    distance = draw.randint(1, DISTANCE)
    price = round(middle) + (-distance if buy else distance)
    return Add(order_id, buy, min(99, max(1, price)), draw.randint(1, 100))


def _marketable(draw: random.Random, order_id: int, middle: float, live: _LiveOrders) -> Add:
    buy = draw.random() < 0.5
    best = live.best(buy=not buy) or int(middle)
    through = draw.randint(0, 3)
    price = min(99, best + through) if buy else max(1, best - through)
    return Add(order_id, buy, price, draw.randint(1, 100))
