"""An order group: a market maker's protection against filling too much too fast (RULEBOOK 15).

    ACTIVE      what its orders fill is added up over a rolling window
    TRIGGERED   it went over a limit: its orders have ended, and it takes none until it is reset

A slice (`slices`) holds what was filled in it. What counts at a time is its slice and those before
it, SLICES in all; older ones are forgotten when the next fill comes.

Laws: the sums are those of the slices. Like a market this is a plain record: `transitions/` alone
changes one that is in a state.
"""

from exchange.model.order_book import Order
from exchange.model.slices import SLICES, slice_at, slice_end

GroupKey = tuple[int, str]
"""(account id, the group's name)."""


class OrderGroup:
    """One group: its limits, what it has filled, and its open orders.

    `max_filled` and `max_net` (None: there is none) are quantities, `window` is in seconds. Of
    `slices`, by number and in order, each is (filled, net): quantities, the net one being what was
    bought less what was sold in terms of YES.
    """

    __slots__ = (
        "account_id",
        "filled",
        "max_filled",
        "max_net",
        "name",
        "net",
        "orders",
        "slices",
        "triggered",
        "window",
    )

    def __init__(
        self, account_id: int, name: str, max_filled: int, window: int, max_net: int | None
    ) -> None:
        self.account_id = account_id
        self.name = name
        self.max_filled = max_filled
        self.window = window
        self.max_net = max_net
        self.triggered = False
        self.filled = 0
        self.net = 0
        self.slices: dict[int, tuple[int, int]] = {}
        self.orders: dict[int, Order] = {}
        """Its open orders by id; an index."""

    @property
    def key(self) -> GroupKey:
        """Whose it is, and its name."""
        return self.account_id, self.name

    def slice_at(self, at: int) -> int:
        """Return the number of the slice in which `at` lies (microseconds since the epoch)."""
        return slice_at(at, self.window)

    def add(self, at: int, quantity: int, *, bought: bool) -> None:
        """Add a fill; `bought` says whether its owner has more of YES for it, or less of NO."""
        self.forget_older(at)
        number, net = self.slice_at(at), quantity if bought else -quantity
        filled_there, net_there = self.slices.get(number, (0, 0))
        self.slices[number] = (filled_there + quantity, net_there + net)
        self.filled += quantity
        self.net += net

    def forget_older(self, at: int) -> None:
        """Drop what lies before the window that ends at `at`.  O(slices that go)."""
        gone = self.slice_at(at) - SLICES
        while self.slices and (first := next(iter(self.slices))) <= gone:
            filled, net = self.slices.pop(first)
            self.filled -= filled
            self.net -= net

    def counted_at(self, at: int) -> tuple[int, int]:
        """Return what is (filled, net) in the window that ends at `at`; forgets nothing."""
        gone = self.slice_at(at) - SLICES
        old = [sums for number, sums in self.slices.items() if number <= gone]
        return self.filled - sum(one[0] for one in old), self.net - sum(one[1] for one in old)

    def set_limits(self, at: int, max_filled: int, window: int, max_net: int | None) -> None:
        """Take on other limits. What counts now stays; in a window of another length each slice
        becomes part of the one in which it ended, or of the one of `at`: nothing ages early.
        """
        self.forget_older(at)
        self.max_filled, self.max_net = max_filled, max_net
        if window == self.window:
            return
        before, old = self.slices, self.window
        self.window, self.slices = window, {}
        for number, (filled, net) in before.items():
            moved = self.slice_at(min(slice_end(number, old), at))
            filled_there, net_there = self.slices.get(moved, (0, 0))
            self.slices[moved] = (filled_there + filled, net_there + net)
        self.forget_older(at)

    def reset(self) -> None:
        """Begin anew."""
        self.triggered = False
        self.filled = self.net = 0
        self.slices = {}

    def would_reach(self, filled: int, net: int) -> bool:
        """Return whether such sums are at a limit or past it."""
        max_net = self.max_net
        return filled >= self.max_filled or (max_net is not None and abs(net) >= max_net)

    @property
    def is_over(self) -> bool:
        """Whether what it has filled is at a limit or past it, as of its last fill."""
        return self.would_reach(self.filled, self.net)
