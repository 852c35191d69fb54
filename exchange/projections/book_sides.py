"""The levels of a book that is made from events alone.

Laws: a level is never empty; its quantity is the sum of what remains of its orders, which stand in
the order in which they came. There are at most as many levels as prices, so a sorted list of them
serves: the best is the first.
"""

from bisect import bisect_left, insort
from collections.abc import Iterable, Iterator

from exchange.messages.errors import InvariantViolated


class OpenOrder:
    """What of an open order decides where it stands, and for how much.

    `price` is the own outcome's (None without a limit), `yes_price` the book's; `quantity` is None
    for an order by maximal cost, of which nothing remains. It `waits` until it is triggered.
    `placed_seq` is the command that placed it, 0 if that isn't known: then it was one before.
    `number` is which it was of those that came into the book, 0 before it does.
    """

    __slots__ = (
        "filled",
        "id",
        "is_bid",
        "is_yes",
        "number",
        "placed_seq",
        "price",
        "quantity",
        "remaining",
        "resting",
        "waits",
        "yes_price",
    )

    def __init__(
        self,
        id_: int,
        price: int | None,
        quantity: int | None,
        filled: int,
        *,
        is_bid: bool,
        is_yes: bool,
        waits: bool,
        placed_seq: int,
    ) -> None:
        self.id = id_
        self.is_bid = is_bid
        self.is_yes = is_yes
        self.price: int | None = price
        self.yes_price = 0
        self.quantity: int | None = quantity
        self.filled = filled
        self.remaining = 0 if quantity is None else quantity - filled
        self.waits = waits
        self.placed_seq = placed_seq
        self.number = 0
        self.resting = False


class Level:
    """All orders at one price, by their id, the oldest first."""

    __slots__ = ("orders", "price", "quantity")

    def __init__(self, price: int) -> None:
        self.price = price
        self.quantity = 0
        self.orders: dict[int, OpenOrder] = {}


class Side:
    """All bids or all asks: levels by YES price.

    Finding the best is O(1); a level that comes or goes costs a search and the shift of a list of
    integers, everything else is O(1).
    """

    __slots__ = ("_keys", "levels", "sign")

    def __init__(self, *, bids: bool) -> None:
        self.sign = -1 if bids else 1
        self.levels: dict[int, Level] = {}
        self._keys: list[int] = []
        """sign x price of every level, sorted: small is good."""

    @property
    def best(self) -> int | None:
        """The best YES price; None if there is none."""
        return self.sign * self._keys[0] if self._keys else None

    def quantity_at(self, price: int) -> int:
        """Return the sum at a YES price, 0 where nothing is."""
        level = self.levels.get(price)
        return 0 if level is None else level.quantity

    def depth(self, count: int) -> list[tuple[int, int]]:
        """Return the best `count` levels as (YES price, quantity), best first."""
        levels = self.levels
        prices = [self.sign * key for key in self._keys[:count]]
        return [(price, levels[price].quantity) for price in prices]

    def orders(self) -> Iterator[OpenOrder]:
        """Yield every order, best price first, oldest first at a price."""
        for key in self._keys:
            yield from self.levels[self.sign * key].orders.values()

    def add(self, order: OpenOrder) -> None:
        """Put an order behind all others at its price."""
        price = order.yes_price
        level = self.levels.get(price)
        if level is None:
            level = self.levels[price] = Level(price)
            insort(self._keys, self.sign * price)
        level.orders[order.id] = order
        level.quantity += order.remaining
        order.resting = True

    def fill(self, orders: Iterable[OpenOrder]) -> None:
        """Take the orders of a side that is empty, in the order in which `orders` yields them."""
        level: Level | None = None
        for order in orders:
            price = order.yes_price
            if level is None or level.price != price:
                level = self.levels[price] = Level(price)
                self._keys.append(self.sign * price)
            level.orders[order.id] = order
            level.quantity += order.remaining
            order.resting = True

    def remove(self, order: OpenOrder) -> None:
        """Take an order out, with whatever remains of it."""
        level = self._level_of(order)
        del level.orders[order.id]
        order.resting = False
        if level.orders:
            level.quantity -= order.remaining
            return
        del self.levels[level.price]
        del self._keys[bisect_left(self._keys, self.sign * level.price)]

    def reduce(self, order: OpenOrder, quantity: int) -> None:
        """Note that an order, which keeps its place, has `quantity` less to trade."""
        self._level_of(order).quantity -= quantity

    def _level_of(self, order: OpenOrder) -> Level:
        level = self.levels.get(order.yes_price)
        if level is None or order.id not in level.orders:
            raise InvariantViolated(f"order {order.id} rests in no book")
        return level
