"""Passwords: Argon2id in a small pool of threads, with fair and bounded places before it.

A hash takes 19 MiB and some 15 ms of a core, so it never runs on the event loop, and a crowd at
the door waits in a queue that has an end, behind which the answer is 429. A place is taken before
anything is asked of the database: who waits for one, or is sent away, costs those who trade no
commit. Checking an unknown user costs the same as checking a known one: a dummy hash made at start
stands in.

A password is hashed as NFKC (RFC 8265), so that it is the same on every keyboard. Hashes made
before that, of the text as it was sent, are tried after it where the two differ, and are outdated.

Hashes that were brought from another place may be bcrypt's (`$2a$`, `$2b$`, `$2y$`): they are
checked as they are, which is always outdated, so the next sign-in leaves Argon2id in their place.
"""

import asyncio
import enum
import functools
import os
import re
import sys
import threading
import unicodedata
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from typing import Any, Final, Protocol, TypeVar

import bcrypt
from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from gateway.accounts.passwords.fair_queue import TOO_MANY, FairQueue
from gateway.wire.errors import RateLimited

T = TypeVar("T")

MEMORY_KIB: Final = 19_456
"""OWASP's minimum for Argon2id with two passes and one lane."""
PASSES: Final = 2
LANES: Final = 1
_HASHER: Final = PasswordHasher(time_cost=PASSES, memory_cost=MEMORY_KIB, parallelism=LANES)
_NICENESS: Final = 10
_BCRYPT: Final = re.compile(r"\$2[aby]\$(0[4-9]|1[0-4])\$[./A-Za-z0-9]{53}", re.ASCII)
"""A hash of bcrypt; one that costs more than 14 rounds, a second of a core, is none."""
_BCRYPT_BYTES: Final = 72
"""What bcrypt looks at of a password; the rest was never a part of such a hash."""
LONGEST_S: Final = 10.0
"""For how long somebody waits for a place."""
NO_ADDRESS: Final = ""
"""Whose hashes those are that no client has asked for: the operator's."""


class Fit(enum.Enum):
    """Whether a password is the one; OUTDATED: it is, and should be hashed anew."""

    NO = "no"
    YES = "yes"
    OUTDATED = "outdated"


def normalised(password: str) -> str:
    """Return a password as it is hashed."""
    return unicodedata.normalize("NFKC", password)


@functools.cache
def _nobodys() -> str:
    """Return the hash that stands for an unknown user's, made once a process."""
    return _HASHER.hash("nobody has this password")


def _give_way() -> None:
    """Let this thread have what the others leave: a crowd that signs in slows no trade down.

    Linux keeps a priority for each thread; elsewhere it would be the process's, and stays.
    """
    if sys.platform == "linux":
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), _NICENESS)


def _is_bcrypts(encoded: str, password: str) -> bool:
    try:
        return bcrypt.checkpw(password.encode("utf-8")[:_BCRYPT_BYTES], encoded.encode("ascii"))
    except ValueError:
        return False  # it only looks like one


class Hashing(Protocol):
    """Where a password is hashed."""

    async def hash(self, password: str, /) -> str:
        """Return the encoded hash."""
        ...


class Place:
    """A place before the hash, as long as it is held."""

    def __init__(self, executor: ThreadPoolExecutor, dummy: str) -> None:
        self._executor = executor
        self._dummy = dummy
        self._at_work: asyncio.Future[Any] | None = None

    async def hash(self, password: str) -> str:
        """Return the encoded hash."""
        text = normalised(password)
        return await self._run(lambda: _HASHER.hash(text))

    async def check(self, stored: str | None, password: str) -> Fit:
        """Say whether the password fits; None stands for an unknown user and costs the same."""
        encoded = self._dummy if stored is None else stored
        fit = await self._run(lambda: _fit(encoded, password))
        return Fit.NO if stored is None else fit

    def give_back(self, leave: Callable[[], None]) -> None:
        """Leave when the thread is done, not when the caller stops waiting for it."""
        if self._at_work is None or self._at_work.done():
            leave()
        else:
            self._at_work.add_done_callback(lambda _: leave())

    async def _run(self, work: Callable[[], T]) -> T:
        future = asyncio.get_running_loop().run_in_executor(self._executor, work)
        self._at_work = future
        return await asyncio.shield(future)


class Passwords:
    """Hashes and checks; `close` when done."""

    def __init__(self, workers: int, queue: int) -> None:
        self._executor = ThreadPoolExecutor(
            workers, thread_name_prefix="passwords", initializer=_give_way
        )
        # One more than there are threads, so that none waits for what is looked up before a hash.
        self._queue = FairQueue(at_once=workers + 1, waiting=queue)
        self._dummy = _nobodys()

    @asynccontextmanager
    async def place(self, address: str = NO_ADDRESS) -> AsyncIterator[Place]:
        """Hold a place before the hash; whatever a sign-in asks of the database is asked in one.

        Raises RateLimited when too many of the address wait, or after `LONGEST_S` without a place.
        """
        try:
            async with asyncio.timeout(LONGEST_S):
                await self._queue.enter(address)
        except TimeoutError as error:
            raise RateLimited(1, TOO_MANY) from error
        place = Place(self._executor, self._dummy)
        try:
            yield place
        finally:
            place.give_back(self._queue.leave)

    async def hash(self, password: str, address: str = NO_ADDRESS) -> str:
        """Return the encoded hash; raises RateLimited as `place` does."""
        async with self.place(address) as place:
            return await place.hash(password)

    def close(self) -> None:
        """Let the threads end."""
        self._executor.shutdown(wait=True, cancel_futures=True)


def _fit(encoded: str, password: str) -> Fit:
    text = normalised(password)
    if _BCRYPT.fullmatch(encoded) is not None:
        tried = {text, password}
        return Fit.OUTDATED if any(_is_bcrypts(encoded, one) for one in tried) else Fit.NO
    if _verify(encoded, text):
        return Fit.OUTDATED if _HASHER.check_needs_rehash(encoded) else Fit.YES
    if password != text and _verify(encoded, password):
        return Fit.OUTDATED
    return Fit.NO


def _verify(encoded: str, password: str) -> bool:
    try:
        return _HASHER.verify(encoded, password)
    except (VerificationError, InvalidHashError):
        return False
