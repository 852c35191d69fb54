"""Rate limits within a process: what the table of `access/budgets.py` says is counted here.

Fixed windows: one dictionary step a check. A window begins with a key's first hit, so at most twice
the limit passes around a window's end; sliding windows cost two to three times as much on the hot
path and would buy little here. For one event loop, and bounded: when full, what has ended goes
first, then the oldest. Each limit has room of its own, so a flood of addresses can't make a user's
count be forgotten.
"""

import math
import time
from collections.abc import Callable
from typing import Final, Generic, TypeVar

from gateway.access import budgets
from gateway.access.budgets import Budget, Policy
from gateway.access.settings import LimitSettings
from gateway.wire.errors import RateLimited

_SWEEP_SECONDS: Final = 1.0
_STANDARD: Final = Budget.STANDARD
"""An enumeration's members cost a look-up each time, on some Pythons a dear one."""

Headers = tuple[tuple[bytes, bytes], ...]
K = TypeVar("K", str, int)


class Count:
    """What a key has used of its window, and when that ends on the monotonic clock."""

    __slots__ = ("ends_at", "hits", "most_spared", "spared")

    def __init__(self, ends_at: float) -> None:
        self.ends_at = ends_at
        self.hits = 0
        self.spared = 0
        """Hits past the limit that were let through all the same ..."""
        self.most_spared = 0
        """... and how many of these there may be."""


class FixedWindow(Generic[K]):
    """One limit: so many hits in so many seconds for each key, at most `capacity` keys."""

    __slots__ = ("_capacity", "_counts", "_next_sweep", "_seconds", "limit")

    def __init__(self, limit: int, window_ms: int, capacity: int) -> None:
        self.limit = limit
        self._seconds = window_ms / 1_000
        self._capacity = capacity
        self._counts: dict[K, Count] = {}
        self._next_sweep = 0.0

    def __len__(self) -> int:
        return len(self._counts)

    def spend(self, key: K) -> Count:
        """Count one more for `key` and return its count: over the limit if its hits are."""
        now = time.monotonic()
        count = self._counts.get(key)
        if count is None or count.ends_at <= now:
            count = self._begin(key, now)
        count.hits += 1
        return count

    def has_room(self, key: K) -> bool:
        """Say whether one more hit would be within the limit, without counting one."""
        count = self._counts.get(key)
        return count is None or count.ends_at <= time.monotonic() or count.hits < self.limit

    def give_back(self, key: K) -> None:
        """Count one less for `key`."""
        count = self._counts.get(key)
        if count is not None and count.hits > 0:
            count.hits -= 1

    def seconds_left(self, key: K) -> float:
        """Return how long it takes until the key's window ends."""
        count = self._counts.get(key)
        return 0.0 if count is None else max(0.0, count.ends_at - time.monotonic())

    def _begin(self, key: K, now: float) -> Count:
        # Taken out and put in again, so that the oldest window is always the first.
        if self._counts.pop(key, None) is None and len(self._counts) >= self._capacity:
            self._make_room(now)
        count = self._counts[key] = Count(now + self._seconds)
        return count

    def _make_room(self, now: float) -> None:
        # A sweep is O(capacity), so it runs at most once a second; in between the oldest goes.
        if now >= self._next_sweep:
            self._next_sweep = now + _SWEEP_SECONDS
            for key in [k for k, count in self._counts.items() if count.ends_at <= now]:
                del self._counts[key]
        if len(self._counts) >= self._capacity:
            del self._counts[next(iter(self._counts))]


class Limit(FixedWindow[K]):
    """A window of a policy, which says in headers and refusals what is left of it."""

    __slots__ = ("_limit_header", "_policy_header", "policy", "window_s")

    def __init__(self, policy: Policy, settings: LimitSettings) -> None:
        super().__init__(policy.limit(settings), policy.window_ms(settings), settings.tracked_keys)
        self.policy = policy
        self.window_s = policy.window_ms(settings) // 1_000
        self._limit_header = (b"ratelimit-limit", b"%d" % self.limit)
        text = f'"{policy.name}";q={self.limit};w={self.window_s}'
        self._policy_header = (b"ratelimit-policy", text.encode("ascii"))

    def take(self, key: K) -> Count:
        """Count one more for `key`; raises RateLimited past the limit."""
        count = self.spend(key)
        if count.hits > self.limit:
            raise self.refusal(count.ends_at - time.monotonic())
        return count

    def require_room(self, key: K) -> None:
        """Raise RateLimited if the key has used everything up, without counting."""
        if not self.has_room(key):
            raise self.refusal(self.seconds_left(key))

    def refusal(self, left_s: float) -> RateLimited:
        """Return what one is told past the limit, `left_s` seconds before the window's end."""
        wait_s = max(1, math.ceil(left_s))
        return RateLimited(
            wait_s,
            f"The limit `{self.policy.name}` is used up ({self.limit} in {self.window_s} s);"
            f" try again in {wait_s} s",
            limit=self.policy.name,
            headers=self.headers(self.limit, wait_s),
        )

    def headers_of(self, count: Count) -> Headers:
        """Return the headers of an answer that was counted."""
        return self.headers(count.hits, math.ceil(count.ends_at - time.monotonic()))

    def headers(self, hits: int, left_s: int) -> Headers:
        """Return the headers that say what is left of the limit, and for how many seconds."""
        return (
            self._limit_header,
            (b"ratelimit-remaining", b"%d" % max(0, self.limit - hits)),
            (b"ratelimit-reset", b"%d" % max(1, left_s)),
            self._policy_header,
        )


def no_orders(_user_id: int) -> int:
    """Return how many orders somebody has open where nobody has any."""
    return 0


class RateLimits:
    """The limits that are counted here; each method raises RateLimited past its own."""

    __slots__ = (
        "_address",
        "_cancel",
        "_open_orders",
        "_renewal",
        "_session",
        "_sign_in",
        "_token",
        "_user",
    )

    def __init__(
        self, limits: LimitSettings, open_orders: Callable[[int], int] = no_orders
    ) -> None:
        """Count for one process; `open_orders` says how many orders a user has open."""
        self._open_orders = open_orders
        self._address = Limit[str](budgets.ANONYMOUS, limits)
        self._user = Limit[int](budgets.USER, limits)
        self._cancel = Limit[int](budgets.CANCEL, limits)
        self._session = Limit[int](budgets.SESSION, limits)
        self._renewal = Limit[str](budgets.RENEWAL, limits)
        self._token = Limit[str](budgets.TOKEN, limits)
        self._sign_in = Limit[str](budgets.SIGN_IN, limits)

    def count(self, budget: Budget, user_id: int | None, address: str) -> bool:
        """Count an event of a user, None for nobody; False if it is past what it may cost, and is
        taken all the same.
        """
        # A thousand times a second: the first line, and one dictionary step.
        if budget is _STANDARD and user_id is not None:
            self._user.take(user_id)
        elif budget is Budget.CANCEL_ALL and user_id is not None:
            return self._take_cancel(user_id, never_refused=True).hits <= self._cancel.limit
        else:
            self.spend(budget, user_id, address)
        return True

    def spend(self, budget: Budget, user_id: int | None, address: str) -> Headers:
        """Count a request, and return the headers that say what is left."""
        if budget is _STANDARD and user_id is not None:
            return self._spend(self._user, user_id)
        if budget is Budget.NONE:
            return ()
        if budget is Budget.SIGN_IN:
            return self._spend(self._sign_in, address)
        if budget is Budget.RENEWAL:
            return self._spend(self._renewal, address)
        if user_id is None:
            return self._spend(self._address, address)
        if budget is Budget.SESSION:
            return self._spend(self._session, user_id)
        return self._cancel.headers_of(
            self._take_cancel(user_id, never_refused=budget is Budget.CANCEL_ALL)
        )

    def check_token(self, address: str) -> None:
        """Raise RateLimited if too many tokens of the address didn't hold.

        For one that was not seen before, which costs a signature check and a query. Those that hold
        count nowhere, and requests don't count here: an address that has used up everything else
        can still be signed in.
        """
        self._token.require_room(address)

    def count_wrong_token(self, address: str) -> None:
        """Count a token that doesn't hold."""
        self._token.spend(address)

    @staticmethod
    def _spend(limit: Limit[K], key: K) -> Headers:
        return limit.headers_of(limit.take(key))

    def _take_cancel(self, user_id: int, *, never_refused: bool) -> Count:
        """Count a cancel: as one, else as any request, else in place of an open order.

        While the user's requests are used up no order comes in, so as many as were open at the
        first such cancel are enough for every one of them; with those that were taken as cancels
        just before, and may have been theirs.
        """
        count = self._cancel.spend(user_id)
        if count.hits <= self._cancel.limit or never_refused:
            return count
        user = self._user.spend(user_id)
        if user.hits <= self._user.limit:
            return count
        user.spared += 1
        most = self._open_orders(user_id) + self._cancel.limit
        user.most_spared = max(user.most_spared, most)
        if user.spared > user.most_spared:
            raise self._cancel.refusal(count.ends_at - time.monotonic())
        return count
