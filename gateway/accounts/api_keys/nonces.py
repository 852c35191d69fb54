"""Signed calls that were taken and could be sent once more: by key and nonce, until their windows
are over.

Laws: what is taken is remembered until its time stamp alone has it refused; nothing is forgotten
before that, so memory that is full refuses (429), one key's share before anybody else's. What was
forgotten is never taken again either, wherever clocks are put: whatever was signed before the
newest that was forgotten is too old (`floor`). A process that is alone takes nothing that was
signed before it began, since that may have been taken by the one before it; where there are
several, PostgreSQL remembers for all of them, one statement for all that came while the last one
was under way.
"""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, Final, NamedTuple

from gateway.wire.errors import RateLimited
from persistence.repositories.api_keys.nonces import ApiKeyNonces

SHARE: Final = 10
"""One key may have a tenth of the room."""
_BUCKET_MS: Final = 1_000
_AT_ONCE: Final = 500
_FULL: Final = "So many signed calls are remembered that no more can be"


class Taken(NamedTuple):
    """A call that was taken."""

    key_id: int
    nonce: str
    signed_at: int
    """Milliseconds since the epoch."""


class NonceBook:
    """What this process has taken; for one event loop."""

    __slots__ = ("_buckets", "_capacity", "_counts", "_size", "floor")

    def __init__(self, capacity: int, floor: int = 0) -> None:
        """Remember at most `capacity` calls; take none signed before `floor` (milliseconds)."""
        self._capacity = capacity
        self._buckets: dict[int, set[tuple[int, str]]] = {}
        """By the second of their time stamps."""
        self._counts: dict[int, int] = {}
        self._size = 0
        self.floor = floor

    def __len__(self) -> int:
        return self._size

    def holds(self, call: Taken) -> bool:
        """Say whether a call was taken already."""
        # The same nonce under another time stamp is another call, and as wrong.
        known = (call.key_id, call.nonce)
        return any(known in bucket for bucket in self._buckets.values())

    def take(self, call: Taken) -> bool:
        """Note a call and say whether it is the first of its nonce; raises RateLimited."""
        if self.holds(call):
            return False
        count = self._counts.get(call.key_id, 0)
        if self._size >= self._capacity or count >= self._capacity // SHARE:
            raise RateLimited(1, _FULL, limit="nonces", size=self._capacity)
        bucket = self._buckets.setdefault(call.signed_at // _BUCKET_MS, set())
        bucket.add((call.key_id, call.nonce))
        self._counts[call.key_id] = count + 1
        self._size += 1
        return True

    def forget(self, before: int) -> None:
        """Forget what was signed before a time, whole seconds of it, and take none of it again."""
        for second in [one for one in self._buckets if (one + 1) * _BUCKET_MS <= before]:
            for key_id, _ in self._buckets[second]:
                left = self._counts[key_id] - 1
                if left:
                    self._counts[key_id] = left
                else:
                    del self._counts[key_id]
            self._size -= len(self._buckets.pop(second))
            self.floor = max(self.floor, (second + 1) * _BUCKET_MS)


class SharedNonces:
    """What all processes have taken, asked of PostgreSQL in batches."""

    def __init__(
        self,
        rows: ApiKeyNonces,
        start: Callable[[Coroutine[Any, Any, None]], asyncio.Task[None]] = asyncio.create_task,
    ) -> None:
        self._rows = rows
        self._start = start
        self._waiting: list[tuple[Taken, asyncio.Future[bool]]] = []
        self._task: asyncio.Task[None] | None = None

    async def take(self, call: Taken) -> bool:
        """Note a call and say whether no process had; raises what the database does."""
        future: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        self._waiting.append((call, future))
        if self._task is None or self._task.done():
            self._task = self._start(self._work())
        return await future

    async def _work(self) -> None:
        while self._waiting:
            batch, self._waiting = self._waiting[:_AT_ONCE], self._waiting[_AT_ONCE:]
            calls = [call for call, _ in batch]
            try:
                new = await self._rows.take(
                    [call.key_id for call in calls],
                    [call.nonce for call in calls],
                    [call.signed_at for call in calls],
                )
            except Exception as error:  # noqa: BLE001 - whoever waits is told, whatever it is
                for _, future in batch:
                    if not future.done():
                        future.set_exception(error)
            else:
                for call, future in batch:
                    if not future.done():
                        future.set_result((call.key_id, call.nonce) in new)
