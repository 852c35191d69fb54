"""Cancels that are taken though all buckets are empty: one for each order that is open.

Laws: whoever has an order in the book can take it out, whatever else was sent before (as long as
what is cancelled is there: cancels of what isn't use these up too). While a user's writes are used
up no order comes in, so as many as were open at the first such cancel are enough for every one of
them, with those that were taken as cancels just before, and may have been theirs. Each write that
is taken meanwhile may be an order, and gives one back. They begin anew with the next window.
"""

import time
from collections.abc import Callable


class _Spared:
    """What a user was spared of."""

    __slots__ = ("count", "ends_at", "most")

    def __init__(self, ends_at: float) -> None:
        self.ends_at = ends_at
        self.count = 0
        self.most = 0


class SparedCancels:
    """The users who are over their limits and cancel on, at most `capacity`."""

    __slots__ = ("_capacity", "_open_orders", "_users", "_window_s")

    def __init__(self, window_s: float, capacity: int, open_orders: Callable[[int], int]) -> None:
        self._window_s = window_s
        self._capacity = capacity
        self._open_orders = open_orders
        self._users: dict[int, _Spared] = {}

    def __len__(self) -> int:
        return len(self._users)

    def take(self, user_id: int, just_before: int) -> bool:
        """Count a cancel past all limits, and say whether it is taken; `just_before` may have been
        taken as cancels and be on their way.
        """
        now = time.monotonic()
        spared = self._users.get(user_id)
        if spared is None or spared.ends_at <= now:
            self._users.pop(user_id, None)
            if len(self._users) >= self._capacity:
                del self._users[next(iter(self._users))]
            spared = self._users[user_id] = _Spared(now + self._window_s)
        spared.most = max(spared.most, self._open_orders(user_id) + just_before)
        if spared.count >= spared.most:
            return False
        spared.count += 1
        return True

    def forgive(self, user_id: int, writes: int) -> None:
        """Give back as many as writes were taken."""
        if self._users:
            spared = self._users.get(user_id)
            if spared is not None:
                spared.count = max(0, spared.count - writes)
