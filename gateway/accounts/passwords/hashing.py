"""Passwords: Argon2id in a small pool of threads, with fair and bounded places before it.

A hash takes 19 MiB and some 15 ms of a core, so it never runs on the event loop, and a crowd at
the door is answered 429 instead of being queued without end. Checking an unknown user costs the
same as checking a known one: a dummy hash made at start stands in.

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
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Final, TypeVar

import bcrypt
from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from gateway.accounts.passwords.fair_queue import FairQueue

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


class Passwords:
    """Hashes and checks; `close` when done."""

    def __init__(self, workers: int, queue: int) -> None:
        self._executor = ThreadPoolExecutor(
            workers, thread_name_prefix="passwords", initializer=_give_way
        )
        self._queue = FairQueue(at_once=workers, waiting=queue)
        self._dummy = _nobodys()

    async def hash(self, password: str, address: str = NO_ADDRESS) -> str:
        """Return the encoded hash; raises RateLimited when too many of the address wait."""
        text = normalised(password)
        return await self._run(lambda: _HASHER.hash(text), address)

    async def check(self, stored: str | None, password: str, address: str = NO_ADDRESS) -> Fit:
        """Say whether the password fits; None stands for an unknown user and costs the same.

        Raises RateLimited when too many of the address wait.
        """
        encoded = self._dummy if stored is None else stored
        fit = await self._run(lambda: self._fit(encoded, password), address)
        return Fit.NO if stored is None else fit

    def close(self) -> None:
        """Let the threads end."""
        self._executor.shutdown(wait=True, cancel_futures=True)

    def _fit(self, encoded: str, password: str) -> Fit:
        text = normalised(password)
        if _BCRYPT.fullmatch(encoded) is not None:
            tried = {text, password}
            return Fit.OUTDATED if any(_is_bcrypts(encoded, one) for one in tried) else Fit.NO
        if self._verify(encoded, text):
            return Fit.OUTDATED if _HASHER.check_needs_rehash(encoded) else Fit.YES
        if password != text and self._verify(encoded, password):
            return Fit.OUTDATED
        return Fit.NO

    def _verify(self, encoded: str, password: str) -> bool:
        try:
            return _HASHER.verify(encoded, password)
        except (VerificationError, InvalidHashError):
            return False

    async def _run(self, work: Callable[[], T], address: str) -> T:
        await self._queue.enter(address)
        future = asyncio.get_running_loop().run_in_executor(self._executor, work)
        # The place is given back when the thread is done, not when the caller stops waiting for it.
        future.add_done_callback(lambda _: self._queue.leave())
        return await asyncio.shield(future)
