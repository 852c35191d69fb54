"""Rate limits: requests per user, requests per address before login, new sockets per address.

Fixed windows by the `limits` library: one dictionary step a check. A window starts with a key's
first hit, so at most twice the limit passes around a window's end; sliding windows cost two to
three times as much on the hot path and would buy little here. The library's own memory storage
starts a timer thread and locks; ours is for one event loop, and bounded: when full, what has
expired goes first, then the oldest.
"""

import math
import time
from typing import Final

from limits import RateLimitItem, RateLimitItemPerSecond
from limits.storage import Storage
from limits.strategies import FixedWindowRateLimiter

from gateway.errors import RateLimited
from gateway.settings import Settings

_SWEEP_SECONDS: Final = 1.0


class BoundedStorage(Storage):
    """Counters in a dictionary, at most `capacity` of them; not for several threads."""

    STORAGE_SCHEME = ["bounded"]  # noqa: RUF012 - the library's own attribute

    def __init__(self, capacity: int) -> None:
        super().__init__()
        self._capacity = capacity
        self._counters: dict[str, list[float]] = {}
        self._next_sweep = 0.0

    @property
    def base_exceptions(self) -> type[Exception]:
        """Return what the library may wrap; nothing here fails."""
        return ValueError

    def incr(self, key: str, expiry: float, amount: int = 1) -> int:
        """Count `amount` more for `key` and return the count of its window."""
        now = time.monotonic()
        counter = self._counters.get(key)
        if counter is None or counter[1] <= now:
            if counter is not None:
                del self._counters[key]
            elif len(self._counters) >= self._capacity:
                self._make_room(now)
            self._counters[key] = counter = [0, now + expiry]
        counter[0] += amount
        return int(counter[0])

    def get(self, key: str) -> int:
        """Return the count of the current window."""
        counter = self._counters.get(key)
        return 0 if counter is None or counter[1] <= time.monotonic() else int(counter[0])

    def get_expiry(self, key: str) -> float:
        """Return the wall-clock time in seconds at which the current window ends."""
        counter = self._counters.get(key)
        left = 0.0 if counter is None else max(0.0, counter[1] - time.monotonic())
        return time.time() + left

    def check(self) -> bool:
        """Say that the storage works."""
        return True

    def reset(self) -> int:
        """Forget everything and return how much that was."""
        count = len(self._counters)
        self._counters.clear()
        return count

    def clear(self, key: str) -> None:
        """Forget one key."""
        self._counters.pop(key, None)

    def _make_room(self, now: float) -> None:
        # A sweep is O(capacity), so it runs at most once a second; in between the oldest goes.
        if now >= self._next_sweep:
            self._next_sweep = now + _SWEEP_SECONDS
            for key in [k for k, counter in self._counters.items() if counter[1] <= now]:
                del self._counters[key]
        if len(self._counters) >= self._capacity:
            del self._counters[next(iter(self._counters))]


class RateLimits:
    """The three limits of the gateway; each method raises RateLimited when its limit is passed."""

    __slots__ = ("_address", "_limiter", "_socket", "_storage", "_user")

    def __init__(self, settings: Settings) -> None:
        self._storage = BoundedStorage(settings.rate_limit_tracked_keys)
        self._limiter = FixedWindowRateLimiter(self._storage)
        s = settings
        self._address = _item("address", s.rate_limit_max_requests, s.rate_limit_window_ms)
        self._user = _item("user", s.rate_limit_user_max_requests, s.rate_limit_user_window_ms)
        sockets = s.rate_limit_sockets_per_address
        self._socket = _item("socket", sockets, s.rate_limit_sockets_window_ms)

    def count_address(self, address: str) -> None:
        """Count a request without login."""
        self._count(self._address, address)

    def count_user(self, user_id: int) -> None:
        """Count a request of a user."""
        self._count(self._user, str(user_id))

    def count_socket(self, address: str) -> None:
        """Count a new socket."""
        self._count(self._socket, address)

    def check_address(self, address: str) -> None:
        """Raise RateLimited if the address has used up its requests, without counting one."""
        if not self._limiter.test(self._address, address):
            raise self._refusal(self._address, address)

    def _count(self, item: RateLimitItem, key: str) -> None:
        if not self._limiter.hit(item, key):
            raise self._refusal(item, key)

    def _refusal(self, item: RateLimitItem, key: str) -> RateLimited:
        reset_at, remaining = self._limiter.get_window_stats(item, key)
        left = math.ceil(max(0.0, reset_at - time.time()))
        return RateLimited(
            left,
            headers=(
                (b"ratelimit-limit", b"%d" % item.amount),
                (b"ratelimit-remaining", b"%d" % remaining),
                (b"ratelimit-reset", b"%d" % max(1, left)),
            ),
        )


def _item(namespace: str, amount: int, window_ms: int) -> RateLimitItem:
    return RateLimitItemPerSecond(amount, window_ms // 1_000, namespace=namespace)
