"""Passwords: Argon2id in a small pool of threads, with a bounded queue before it.

A hash takes 19 MiB and some 15 ms of a core, so it never runs on the event loop, and a crowd at
the door is answered 429 instead of being queued without end. Checking an unknown user costs the
same as checking a known one: a dummy hash made at start stands in.
"""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Final, TypeVar

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from gateway.wire.errors import RateLimited

T = TypeVar("T")

MEMORY_KIB: Final = 19_456
"""OWASP's minimum for Argon2id with two passes and one lane."""
PASSES: Final = 2
LANES: Final = 1


class Passwords:
    """Hashes and checks; `close` when done."""

    def __init__(self, workers: int, queue: int) -> None:
        self._hasher = PasswordHasher(time_cost=PASSES, memory_cost=MEMORY_KIB, parallelism=LANES)
        self._executor = ThreadPoolExecutor(workers, thread_name_prefix="passwords")
        self._room = workers + queue
        self._busy = 0
        self._dummy = self._hasher.hash("nobody has this password")

    async def hash(self, password: str) -> str:
        """Return the encoded hash; raises RateLimited when too many wait."""
        return await self._run(lambda: self._hasher.hash(password))

    async def check(self, stored: str | None, password: str) -> bool:
        """Say whether the password fits; None stands for an unknown user and costs the same.

        Raises RateLimited when too many wait.
        """
        encoded = self._dummy if stored is None else stored
        fits = await self._run(lambda: self._verify(encoded, password))
        return fits and stored is not None

    def is_outdated(self, stored: str) -> bool:
        """Say whether a hash was made with other parameters than today's."""
        return self._hasher.check_needs_rehash(stored)

    def close(self) -> None:
        """Let the threads end."""
        self._executor.shutdown(wait=True, cancel_futures=True)

    def _verify(self, encoded: str, password: str) -> bool:
        try:
            return self._hasher.verify(encoded, password)
        except (VerificationError, InvalidHashError):
            return False

    async def _run(self, work: Callable[[], T]) -> T:
        if self._busy >= self._room:
            raise RateLimited(1, "Too many sign-ins at once; try again in a moment")
        self._busy += 1
        future = asyncio.get_running_loop().run_in_executor(self._executor, work)
        # Counted until the thread is done, not until the caller stops waiting for it.
        future.add_done_callback(self._done)
        return await asyncio.shield(future)

    def _done(self, _future: asyncio.Future[T]) -> None:
        self._busy -= 1
