"""Rate limits: requests per user, requests per address before login, new sockets per address.

Fixed windows: one dictionary step a check. A window begins with a key's first hit, so at most twice
the limit passes around a window's end; sliding windows cost two to three times as much on the hot
path and would buy little here. For one event loop, and bounded: when full, what has ended goes
first, then the oldest. Each limit has room of its own, so a flood of addresses can't make a user's
count be forgotten.
"""

import math
import time
from typing import Final, Generic, TypeVar

from gateway.access.settings import LimitSettings
from gateway.wire.errors import RateLimited

_SWEEP_SECONDS: Final = 1.0

K = TypeVar("K", str, int)


class _Count:
    """What a key has used of its window, and when that ends on the monotonic clock."""

    __slots__ = ("ends_at", "hits")

    def __init__(self, ends_at: float) -> None:
        self.ends_at = ends_at
        self.hits = 0


class FixedWindow(Generic[K]):
    """One limit: so many hits in so many seconds for each key, at most `capacity` keys."""

    __slots__ = ("_capacity", "_counts", "_next_sweep", "_seconds", "limit")

    def __init__(self, limit: int, window_ms: int, capacity: int) -> None:
        self.limit = limit
        self._seconds = window_ms / 1_000
        self._capacity = capacity
        self._counts: dict[K, _Count] = {}
        self._next_sweep = 0.0

    def __len__(self) -> int:
        return len(self._counts)

    def hit(self, key: K) -> bool:
        """Count one more for `key` and say whether it is within the limit."""
        now = time.monotonic()
        count = self._counts.get(key)
        if count is None or count.ends_at <= now:
            count = self._begin(key, now)
        count.hits += 1
        return count.hits <= self.limit

    def has_room(self, key: K) -> bool:
        """Say whether one more hit would be within the limit, without counting one."""
        count = self._counts.get(key)
        return count is None or count.ends_at <= time.monotonic() or count.hits < self.limit

    def seconds_left(self, key: K) -> float:
        """Return how long it takes until the key's window ends."""
        count = self._counts.get(key)
        return 0.0 if count is None else max(0.0, count.ends_at - time.monotonic())

    def _begin(self, key: K, now: float) -> _Count:
        # Taken out and put in again, so that the oldest window is always the first.
        if self._counts.pop(key, None) is None and len(self._counts) >= self._capacity:
            self._make_room(now)
        count = self._counts[key] = _Count(now + self._seconds)
        return count

    def _make_room(self, now: float) -> None:
        # A sweep is O(capacity), so it runs at most once a second; in between the oldest goes.
        if now >= self._next_sweep:
            self._next_sweep = now + _SWEEP_SECONDS
            for key in [k for k, count in self._counts.items() if count.ends_at <= now]:
                del self._counts[key]
        if len(self._counts) >= self._capacity:
            del self._counts[next(iter(self._counts))]


class RateLimits:
    """The three limits of the gateway; each method raises RateLimited when its limit is passed."""

    __slots__ = ("_address", "_socket", "_user")

    def __init__(self, limits: LimitSettings) -> None:
        keys = limits.tracked_keys
        self._address = FixedWindow[str](limits.max_requests, limits.window_ms, keys)
        self._user = FixedWindow[int](limits.user_max_requests, limits.user_window_ms, keys)
        self._socket = FixedWindow[str](limits.sockets_per_address, limits.sockets_window_ms, keys)

    def count_address(self, address: str) -> None:
        """Count a request without login."""
        if not self._address.hit(address):
            raise _refusal(self._address, address)

    def count_user(self, user_id: int) -> None:
        """Count a request of a user."""
        if not self._user.hit(user_id):
            raise _refusal(self._user, user_id)

    def count_socket(self, address: str) -> None:
        """Count a new socket."""
        if not self._socket.hit(address):
            raise _refusal(self._socket, address)

    def check_address(self, address: str) -> None:
        """Raise RateLimited if the address has used up its requests, without counting one."""
        if not self._address.has_room(address):
            raise _refusal(self._address, address)


def _refusal(window: FixedWindow[K], key: K) -> RateLimited:
    left = math.ceil(window.seconds_left(key))
    return RateLimited(
        left,
        headers=(
            (b"ratelimit-limit", b"%d" % window.limit),
            (b"ratelimit-remaining", b"0"),
            (b"ratelimit-reset", b"%d" % max(1, left)),
        ),
    )
