"""Rate limits within a process: what the table of `access/budgets.py` says is counted here.

What somebody calls all the time has a bucket that fills by and by (`token_buckets.py`). What is
tried rarely, and by whom it shouldn't, has a fixed window, in which refusals count too: it begins
with a key's first hit, so at most twice the limit passes around a window's end. Both are one
dictionary step a check. For one event loop, and bounded: when full, what has ended goes first, then
the oldest. Each limit has room of its own, so a flood of addresses can't make a user's count be
forgotten. An API key has buckets of its own, as large as its owner's, under its negative number;
the cancels that are spared whatever was used up are its owner's.
"""

import math
import time
from collections.abc import Callable, Mapping
from typing import Final, Generic, TypeVar

from gateway.access import budgets
from gateway.access.api_keys.standing import KeyUse
from gateway.access.bounded_table import Room
from gateway.access.budgets import Budget, Policy, Tier
from gateway.access.settings import LimitSettings
from gateway.access.shared_limits import Shared
from gateway.access.spared_cancels import SparedCancels
from gateway.access.token_buckets import Bucket, Headers, Level, drained
from gateway.wire.errors import RateLimited
from persistence.loop.authority import current_authority

_STANDARD: Final = Budget.STANDARD
_WRITE: Final = Budget.WRITE
"""An enumeration's members cost a look-up each time, on some Pythons a dear one."""

K = TypeVar("K", str, int)


class Count:
    """What a key has used of its window, and when that ends on the monotonic clock."""

    __slots__ = ("ends_at", "hits")

    def __init__(self, ends_at: float) -> None:
        self.ends_at = ends_at
        self.hits = 0


class FixedWindow(Generic[K]):
    """One limit: so many hits in so many seconds for each key, at most `capacity` keys."""

    __slots__ = ("_counts", "_room", "_seconds", "_taken_here", "limit")

    def __init__(self, limit: int, window_ms: int, capacity: int) -> None:
        self.limit = limit
        self._seconds = window_ms / 1_000
        self._counts: dict[K, Count] = {}
        self._room = Room(capacity)
        self._taken_here: dict[K, int] | None = None
        """What other processes haven't been told; None where there are none."""

    def __len__(self) -> int:
        return len(self._counts)

    def spend(self, key: K) -> Count:
        """Count one more for `key` and return its count: over the limit if its hits are."""
        count = self._count(key)
        count.hits += 1
        if self._taken_here is not None:
            self._note(self._taken_here, key, 1)
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
            if self._taken_here is not None:
                self._note(self._taken_here, key, -1)

    def seconds_left(self, key: K) -> float:
        """Return how long it takes until the key's window ends."""
        count = self._counts.get(key)
        return 0.0 if count is None else max(0.0, count.ends_at - time.monotonic())

    # -- with other processes (`shared_limits.py`) ----------------------------------------------

    def share(self) -> None:
        """Note from now on what is counted, for others to be told."""
        self._taken_here = {}

    def drain(self, most: int) -> list[tuple[K, int]]:
        """Return and forget what was counted here since the last time, of `most` keys; what was
        given back since is less than nothing.
        """
        return drained(self._taken_here, most)

    def taken_elsewhere(self, key: K, cost: int) -> None:
        """Count what was counted in another process."""
        count = self._count(key)
        count.hits = max(0, count.hits + cost)

    @staticmethod
    def _note(taken: dict[K, int], key: K, cost: int) -> None:
        taken[key] = taken.get(key, 0) + cost
        if not taken[key]:
            del taken[key]

    def _count(self, key: K) -> Count:
        """Return what runs of the key's window; a new one if there is none."""
        now = time.monotonic()
        count = self._counts.get(key)
        if count is not None and count.ends_at > now:
            return count
        # Taken out and put in again, so that the oldest window is always the first.
        if self._counts.pop(key, None) is None:
            self._room.make(self._counts, lambda count: count.ends_at <= now)
        count = self._counts[key] = Count(now + self._seconds)
        return count


class Limit(FixedWindow[K]):
    """A window of a policy, which says in headers and refusals what is left of it."""

    __slots__ = ("_policy_header", "policy", "window_s")

    def __init__(self, policy: Policy, settings: LimitSettings) -> None:
        super().__init__(policy.limit(settings), policy.window_ms(settings), settings.tracked_keys)
        self.policy = policy
        self.window_s = policy.window_ms(settings) // 1_000
        self._policy_header = policy.header(self.limit, self.window_s)

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

    def refusal(self, left_s: float, *, moves: bool = False) -> RateLimited:
        """Return what one is told past the limit, `left_s` seconds before there is room again: at
        the window's end, or by and by if it moves with the clock.
        """
        wait_s = max(1, math.ceil(left_s))
        return RateLimited(
            wait_s,
            f"The limit `{self.policy.name}` is used up ({self.limit} in {self.window_s} s);"
            f" try again in {wait_s} s",
            limit=self.policy.name,
            size=self.limit,
            refill=f"{self.limit} {'in' if moves else 'at the end of'} {self.window_s} s",
            headers=self.headers(self.limit, wait_s),
        )

    def headers_of(self, count: Count) -> Headers:
        """Return the headers of an answer that was counted."""
        return self.headers(count.hits, math.ceil(count.ends_at - time.monotonic()))

    def headers(self, hits: int, left_s: int) -> Headers:
        """Return the headers that say what is left of the limit, and when there is more."""
        name, left = self.policy.name, max(0, self.limit - hits)
        text = f'"{name}";r={left};t={max(1, left_s)}'
        return (self._policy_header, (b"ratelimit", text.encode("ascii")))


def no_orders(_user_id: int) -> int:
    """Return how many orders somebody has open where nobody has any."""
    return 0


class RateLimits:
    """The limits that are counted here; each method raises RateLimited past its own."""

    __slots__ = (
        "_address",
        "_cancel",
        "_capacity",
        "_factors",
        "_owners",
        "_read",
        "_renewal",
        "_session",
        "_sign_in",
        "_spared",
        "_token",
        "_write",
        "new_sockets",
        "new_sockets_of_user",
    )

    def __init__(
        self, limits: LimitSettings, open_orders: Callable[[int], int] = no_orders
    ) -> None:
        """Count for one process; `open_orders` says how many orders a user has open."""
        self._factors: dict[int, int] = {}
        self._owners: dict[int, int] = {}
        self._capacity = limits.tracked_keys
        self._address = Bucket[str](budgets.ANONYMOUS, limits)
        self._read = Bucket[int](budgets.READ, limits, self._factors)
        self._write = Bucket[int](budgets.WRITE, limits, self._factors)
        self._cancel = Bucket[int](budgets.CANCEL, limits, self._factors)
        self._session = Bucket[int](budgets.SESSION, limits, self._factors)
        self._renewal = Limit[str](budgets.RENEWAL, limits)
        self._token = Limit[str](budgets.TOKEN, limits)
        self._sign_in = Limit[str](budgets.SIGN_IN, limits)
        self.new_sockets = Limit[str](budgets.SOCKETS, limits)
        """For `socket_limits.py`, and so is the next."""
        self.new_sockets_of_user = Limit[int](budgets.SOCKETS_OF_USER, limits)
        self._spared = SparedCancels(self._write.window_s, limits.tracked_keys, open_orders)

    def count(self, budget: Budget, user_id: int | None, address: str, cost: int = 1) -> bool:
        """Count an event of a user, None for nobody; False if it is past what it may cost, and is
        taken all the same.
        """
        # A thousand times a second: the first lines, and one dictionary step.
        if user_id is not None:
            if budget is _WRITE:
                self._write.take(user_id, cost)
                self._spared.forgive(self._owner(user_id), cost)
                return True
            if budget is _STANDARD:
                self._read.take(user_id, cost)
                return True
            if budget is Budget.CANCEL_ALL:
                return self._take_cancel(user_id, never_refused=True)
        self.spend(budget, user_id, address, cost)
        return True

    def spend(self, budget: Budget, user_id: int | None, address: str, cost: int = 1) -> Headers:
        """Count a request that costs so much, and return the headers that say what is left."""
        if user_id is not None:
            if budget is _STANDARD:
                return self._read.spend(user_id, cost)
            if budget is _WRITE:
                headers = self._write.spend(user_id, cost)
                self._spared.forgive(self._owner(user_id), cost)
                return headers
        if budget is Budget.NONE:
            return ()
        if budget is Budget.SIGN_IN:
            return self._sign_in.headers_of(self._sign_in.take(address))
        if budget is Budget.RENEWAL:
            return self._renewal.headers_of(self._renewal.take(address))
        if user_id is None:
            return self._address.spend(address, cost)
        if budget is Budget.SESSION:
            return self._session.spend(user_id, cost)
        self._take_cancel(user_id, never_refused=budget is Budget.CANCEL_ALL)
        return self._cancel.headers(user_id)

    def charge_operations(self, user_id: int, count: int, counted: int = 1) -> None:
        """Count what a batch holds beyond so much of it as was counted, at first its request.

        All or nothing, as a batch is: raises RateLimited, which says what all of it costs and when
        that will be there. What was counted stays so, since that much has been done for it.
        """
        more = count - counted
        if more > 0:
            authority = current_authority()
            if isinstance(authority, KeyUse) and authority.key.user_id == user_id:
                user_id = authority.key.counted_as
            if not self._write.try_take(user_id, more):
                raise self._write.refusal(user_id, count)
            self._spared.forgive(self._owner(user_id), more)

    def charge_reads(self, user_id: int, count: int) -> None:
        """Count what a read came to beyond what its request was counted as; raises RateLimited.

        Nothing is counted then, and nothing was done for it.
        """
        authority = current_authority()
        if isinstance(authority, KeyUse) and authority.key.user_id == user_id:
            user_id = authority.key.counted_as
        if count > 0 and not self._read.try_take(user_id, count):
            raise self._read.refusal(user_id, count)

    def writes_left(self, counted_as: int) -> Headers:
        """Return the headers that say what is left of somebody's writes now."""
        return self._write.headers(counted_as)

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

    def adopt(self, counted_as: int, user_id: int) -> None:
        """Count a key's calls in buckets as large as its owner's; each call may say so anew."""
        factor = self._factors.get(user_id)
        if factor is not None:
            self._factors[counted_as] = factor
        elif self._factors:
            self._factors.pop(counted_as, None)
        if self._owners.get(counted_as) != user_id:
            if len(self._owners) >= self._capacity:
                del self._owners[next(iter(self._owners))]
            self._owners[counted_as] = user_id

    def _owner(self, user_id: int) -> int:
        """Return the user, whose key it may be."""
        return user_id if user_id > 0 else self._owners.get(user_id, user_id)

    def shared(self) -> tuple[Shared, ...]:
        """Return what is counted with other processes from now on, in an order of its own: what
        comes new comes last.
        """
        buckets = (self._address, self._read, self._write, self._cancel, self._session)
        windows = (self._renewal, self._token, self.new_sockets, self.new_sockets_of_user)
        for limit in (*buckets, *windows):
            limit.share()
        return (*buckets, *windows)

    # -- what users have ----------------------------------------------------------------------

    def set_tiers(self, tiers: Mapping[int, Tier]) -> None:
        """Give users what their tiers say; who isn't named has the standard one."""
        self._factors.clear()
        self._factors.update({user_id: tier.factor for user_id, tier in tiers.items()})

    def set_tier(self, user_id: int, tier: Tier) -> None:
        """Give one user what a tier says, from now on."""
        self._factors.pop(user_id, None)
        if tier is not Tier.STANDARD:
            self._factors[user_id] = tier.factor

    def tier_of(self, user_id: int) -> Tier:
        """Return a user's tier."""
        factor = self._factors.get(user_id, 1)
        return next(tier for tier in Tier if tier.factor == factor)

    def buckets_of(self, user_id: int) -> list[tuple[Policy, Level, float]]:
        """Return a user's buckets: the limit, what is in it, and in how many seconds it fills."""
        buckets = (self._read, self._write, self._cancel, self._session)
        return [(b.policy, b.level(user_id), b.window_s) for b in buckets]

    def _take_cancel(self, user_id: int, *, never_refused: bool) -> bool:
        """Count a cancel: as one, else as a write, else in place of an open order; False if it was
        past the first, and nothing refuses it.
        """
        if self._cancel.try_take(user_id):
            return True
        if never_refused:
            return False
        size = self._cancel.level(user_id).size
        owner = self._owner(user_id)
        if not self._write.try_take(user_id) and not self._spared.take(owner, size):
            raise self._cancel.refusal(user_id)
        return True
