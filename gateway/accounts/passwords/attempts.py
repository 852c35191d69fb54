"""Attempts to sign in, counted over all processes: by address, and for the account that is tried.

    sign-in                    attempts from the address
    sign-in-begun              nonces and ways to providers that the address asked for
    sign-in-failures           wrong passwords for the account from the address
    sign-in-failures-account   wrong passwords for the account from anywhere
    second-factor-failures     wrong second factors of the user
    mails, mails-account       mails to the account that were asked for, in the same two ways

Laws: an account is what was written in the e-mail field; nothing here knows whether there is one,
so nothing can tell. A failure is counted before the password is looked at and given back if it was
right. The account's own limit isn't asked of an address from which its owner has signed in before:
whoever attacks an account can keep strange addresses out of it, not its owner out of home. A flood
costs no query: each process counts attempts by address in memory first (`Budget.SIGN_IN`). A crowd
costs few at a time, addresses in turn: each at once is a session that takes cores from commits.
"""

import asyncio
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from gateway.access import budgets
from gateway.access.rate_limits import Limit
from gateway.access.settings import LimitSettings
from gateway.accounts.passwords.fair_queue import FairQueue
from gateway.wire.errors import RateLimited
from persistence.clock import MICROSECONDS
from persistence.repositories.people.sign_in_counts import Hits, SignInCounts

AT_ONCE: Final = 2
"""So many are counted at once, ..."""
WAITING: Final = 64
"""... and so many wait for it."""
KNOWN_FOR_US: Final = 30 * 86_400 * MICROSECONDS
"""How long an address is known after its last sign-in."""


@dataclass(frozen=True, slots=True)
class Attempt:
    """One attempt to sign in, by the keys it is counted under."""

    here: bytes
    """The account at the address."""
    account: bytes
    known: bytes
    """Under which it is noted that the owner signs in from the address."""


class Attempts:
    """Counts them; `secret` is the same in all processes and nowhere else."""

    def __init__(self, counts: SignInCounts, limits: LimitSettings, secret: bytes) -> None:
        self._counts = counts
        self._sign_in = Limit[str](budgets.SIGN_IN, limits)
        self._begun = Limit[str](budgets.BEGUN, limits)
        self._failures_here = Limit[str](budgets.FAILURES_HERE, limits)
        self._failures = Limit[str](budgets.FAILURES, limits)
        self._codes = Limit[str](budgets.CODE_FAILURES, limits)
        self._mails_here = Limit[str](budgets.MAILS_HERE, limits)
        self._mails = Limit[str](budgets.MAILS, limits)
        self._secret = secret
        self._queue = FairQueue(at_once=AT_ONCE, waiting=WAITING)

    async def begin(self, email: str, address: str) -> Attempt:
        """Count an attempt to sign in to an account; raises RateLimited or TimeoutError."""
        source = self._key("sign-in", address)
        attempt = Attempt(
            self._key("failures", email, address),
            self._key("failures", email),
            self._key("known", email, address),
        )
        keys = (source, attempt.here, attempt.account)
        limits = (self._sign_in, self._failures_here, self._failures)
        found = await self._hit(address, keys, limits, (attempt.known,))
        try:
            _judge(found[source], self._sign_in)
            _judge(found[attempt.here], self._failures_here, is_given_back=True)
            if attempt.known not in found:
                _judge(found[attempt.account], self._failures, is_given_back=True)
        except RateLimited:
            await self.withdraw(attempt)
            raise
        return attempt

    async def count_address(self, address: str) -> None:
        """Count a registration, or a sign-in without a password.

        Raises RateLimited or TimeoutError.
        """
        source = self._key("sign-in", address)
        found = await self._hit(address, (source,), (self._sign_in,))
        _judge(found[source], self._sign_in)

    async def count_begun(self, address: str) -> None:
        """Count a sign-in that is begun elsewhere; raises RateLimited or TimeoutError."""
        keys = (self._key("sign-in", address), self._key("begun", address))
        limits = (self._sign_in, self._begun)
        found = await self._hit(address, keys, limits)
        for key, limit in zip(keys, limits, strict=True):
            _judge(found[key], limit)

    async def count_mail(self, email: str, address: str) -> None:
        """Count a mail that was asked for; raises RateLimited or TimeoutError."""
        keys = (
            self._key("sign-in", address),
            self._key("mails", email, address),
            self._key("mails", email),
        )
        limits = (self._sign_in, self._mails_here, self._mails)
        found = await self._hit(address, keys, limits)
        for key, limit in zip(keys, limits, strict=True):
            _judge(found[key], limit)

    async def begin_code(self, user_id: int, address: str) -> bytes:
        """Count a second factor that is tried; return under which key.

        Raises RateLimited or TimeoutError.
        """
        key = self._key("codes", str(user_id))
        found = await self._hit(address, (key,), (self._codes,))
        _judge(found[key], self._codes)
        return key

    async def code_was_right(self, key: bytes) -> None:
        """Note that a second factor was the one: it counts as no failure."""
        await self._counts.give_back((key,))

    async def withdraw(self, attempt: Attempt) -> None:
        """Note that the password was not looked at."""
        await self._counts.give_back((attempt.here, attempt.account))

    async def succeeded(self, attempt: Attempt) -> None:
        """Note that the password was right: the address is one of the owner's."""
        keys = (attempt.here, attempt.account)
        await self._counts.settle(keys, attempt.known, KNOWN_FOR_US)

    async def _hit(
        self,
        address: str,
        keys: Sequence[bytes],
        limits: Sequence[Limit[str]],
        looked_at: Sequence[bytes] = (),
    ) -> dict[bytes, Hits]:
        """Count, in turn with other addresses; the wait for it is within a statement's deadline."""
        windows_us = [limit.window_s * MICROSECONDS for limit in limits]
        async with asyncio.timeout(self._counts.longest_s):
            await self._queue.enter(address)
            try:
                return await self._counts.hit(keys, windows_us, looked_at)
            finally:
                self._queue.leave()

    def _key(self, *parts: str) -> bytes:
        text = "\0".join(parts).encode("utf-8")
        return hashlib.blake2b(text, key=self._secret, digest_size=32).digest()


def _judge(hits: Hits, limit: Limit[str], *, is_given_back: bool = False) -> None:
    """Raise RateLimited past the limit; what `is_given_back` then isn't held against anybody."""
    if hits.held(limit.limit) > limit.limit:
        wait_us = hits.wait_us(limit.limit, is_given_back=is_given_back)
        raise limit.refusal(wait_us / MICROSECONDS, moves=True)
