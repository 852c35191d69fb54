"""Token buckets: a limit that fills by and by, one number a key.

A bucket of `limit` tokens that fills in `window_ms` is kept as the moment at which it is full
again (the generic cell rate algorithm, ITU-T I.371): taking is one look and one store, whatever it
costs, and nothing has to be filled by a clock. For one event loop, and bounded: when there is no
room, full buckets go first, since nothing is known by them, then the oldest.
"""

import itertools
import math
import time
from collections.abc import Mapping
from typing import Final, Generic, NamedTuple, TypeVar

from gateway.access.bounded_table import Room
from gateway.access.budgets import Policy
from gateway.access.settings import LimitSettings
from gateway.wire.errors import RateLimited

_SLACK: Final = 1e-6
"""Of a token: what sums of fractions may be off by."""

Headers = tuple[tuple[bytes, bytes], ...]
K = TypeVar("K", str, int)


def drained(taken: dict[K, int] | None, most: int) -> list[tuple[K, int]]:
    """Remove and return at most so many of what was taken."""
    if not taken or most <= 0:
        return []
    found = [(key, taken[key]) for key in itertools.islice(taken, most)]
    for key, _ in found:
        del taken[key]
    return found


class Level(NamedTuple):
    """What is in a bucket now: whole tokens, out of how many, and when the next one comes."""

    remaining: int
    size: int
    next_s: float


class Bucket(Generic[K]):
    """One limit for each key; `factors` has the keys whose buckets are so many times as large."""

    __slots__ = (
        "_depth",
        "_factors",
        "_full_at",
        "_interval",
        "_name",
        "_policy_headers",
        "_room",
        "_taken_here",
        "limit",
        "policy",
        "window_s",
    )

    def __init__(
        self, policy: Policy, settings: LimitSettings, factors: Mapping[K, int] | None = None
    ) -> None:
        self.policy = policy
        self._name = f'"{policy.name}"'.encode("ascii")
        self.limit = policy.limit(settings)
        self.window_s = policy.window_ms(settings) / 1_000
        self._interval = self.window_s / self.limit
        self._depth = self.window_s + _SLACK * self._interval
        self._room = Room(settings.tracked_keys)
        self._factors: Mapping[K, int] = {} if factors is None else factors
        self._full_at: dict[K, float] = {}
        self._policy_headers: dict[int, tuple[bytes, bytes]] = {}
        self._taken_here: dict[K, int] | None = None
        """What other processes haven't been told; None where there are none."""

    def __len__(self) -> int:
        return len(self._full_at)

    def take(self, key: K, cost: int = 1) -> float:
        """Take `cost` tokens and return in how many seconds the bucket is full again.

        Raises RateLimited if they aren't there; then nothing is taken.
        """
        left = self._taken(key, cost)
        if left > self._depth:
            raise self.refusal(key, cost)
        return left

    def try_take(self, key: K, cost: int = 1) -> bool:
        """Take `cost` tokens if they are there, and say so."""
        return self._taken(key, cost) <= self._depth

    def spend(self, key: K, cost: int = 1) -> Headers:
        """Take `cost` tokens and return the headers that say what is left; raises RateLimited."""
        left = self.take(key, cost)
        factor = self._factors.get(key, 1) if self._factors else 1
        interval = self._interval / factor
        room = (self.window_s - left) / interval + _SLACK
        remaining = int(room)
        return self._headers(self.limit * factor, remaining, (remaining + 1 - room) * interval)

    def _taken(self, key: K, cost: int) -> float:
        """Take, if it can be, and return how long the filling lasts after that."""
        now, interval = time.monotonic(), self._interval
        if self._factors:
            interval /= self._factors.get(key, 1)
        full_at = self._full_at.get(key)
        if full_at is None or full_at <= now:
            # Put in anew, so that what was used longest ago is among the first.
            if self._full_at.pop(key, None) is None:
                self._room.make(self._full_at, lambda full_at: full_at <= now)
            full_at = now
        full_at += cost * interval
        left = full_at - now
        if left <= self._depth:
            self._full_at[key] = full_at
            if self._taken_here is not None:
                self._taken_here[key] = self._taken_here.get(key, 0) + cost
        return left

    # -- with other processes (`shared_limits.py`) ----------------------------------------------

    def share(self) -> None:
        """Note from now on what is taken, for others to be told."""
        self._taken_here = {}

    def drain(self, most: int) -> list[tuple[K, int]]:
        """Return and forget what was taken here since the last time, of `most` keys."""
        return drained(self._taken_here, most)

    def taken_elsewhere(self, key: K, cost: int) -> None:
        """Take what was taken in another process, though it were more than there is: at most as
        much is owed as fills in one window.
        """
        now = time.monotonic()
        interval = self._interval / self._factors.get(key, 1)
        full_at = self._full_at.pop(key, None)
        if full_at is None:
            self._room.make(self._full_at, lambda full_at: full_at <= now)
        owed = max(full_at or now, now) + cost * interval
        self._full_at[key] = min(owed, now + 2 * self.window_s)

    def level(self, key: K) -> Level:
        """Return what is in a key's bucket, without taking anything."""
        factor = self._factors.get(key, 1)
        interval = self._interval / factor
        left = max(0.0, self._full_at.get(key, 0.0) - time.monotonic())
        remaining = math.floor((self.window_s - left) / interval + _SLACK)
        size = self.limit * factor
        next_s = 0.0 if remaining >= size else left - (size - remaining - 1) * interval
        return Level(remaining, size, next_s)

    def headers(self, key: K) -> Headers:
        """Return what is left, and in how many seconds there will be more."""
        remaining, size, next_s = self.level(key)
        return self._headers(size, remaining, next_s)

    def _headers(self, size: int, remaining: int, next_s: float) -> Headers:
        policy = self._policy_headers.get(size)
        if policy is None:
            policy = self._policy_headers[size] = self.policy.header(size, self.window_s)
        told = self._name, remaining, math.ceil(next_s - _SLACK)
        return (policy, (b"ratelimit", b"%s;r=%d;t=%d" % told))

    def refusal(self, key: K, cost: int = 1) -> RateLimited:
        """Return what one is told who asked for more than there is."""
        remaining, size, _ = self.level(key)
        left = max(0.0, self._full_at.get(key, 0.0) - time.monotonic())
        interval = self.window_s / size
        # What costs more than a whole bucket is refused for as long as the bucket takes to fill.
        wait_s = max(1, math.ceil(min(left, left + cost * interval - self.window_s)))
        needs = "" if cost == 1 else f", {remaining} are left and this costs {cost}"
        return RateLimited(
            wait_s,
            f"The limit `{self.policy.name}` is used up ({size} in {self.window_s:g} s, filled by"
            f" and by{needs}); try again in {wait_s} s",
            limit=self.policy.name,
            size=size,
            refill=f"{size} in {self.window_s:g} s",
            headers=self.headers(key),
        )
