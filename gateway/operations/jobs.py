"""Housekeeping: what is over and would pile up is thrown away, hour by hour.

    sessions        revoked or expired longer ago than ENDED_SESSIONS_KEPT, with their tokens
    refresh tokens  expired longer ago than that, of sessions that go on
    mailed tokens   that nobody sent back in time
    nonces          that no wallet signed in time
    challenges      of sign-ins and passkeys that nobody answered in time
    sign-ins        that were begun at a provider and not finished in time
    counts          of sign-ins whose windows are over
    runs of jobs    that failed for good longer ago than FAILED_JOBS_KEPT

Laws: nothing that still decides anything goes: a used refresh token stays as long as its second use
would show a theft. The journal (`journal_moves` moves it to files), the ledger, client ids and the
audit log are kept for ever. Rows go in bounded steps of one transaction each, and what a run can't
manage is left to the next one.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final

from gateway.jobs.job import Arguments, Job
from gateway.observability.logs import Logger
from persistence.clock import MICROSECONDS
from persistence.repositories.jobs import JobRows
from persistence.repositories.people.linked_accounts import LinkedAccounts
from persistence.repositories.people.mail_tokens import MailTokens
from persistence.repositories.people.sessions import Sessions
from persistence.repositories.people.sign_in_counts import SignInCounts
from persistence.repositories.people.wallets import Wallets
from persistence.repositories.second_factor.challenges import SignInChallenges
from persistence.repositories.second_factor.passkeys import PasskeyRows

STEP_ROWS: Final = 500
STEPS_MAX: Final = 2_000
"""Of each kind in one run: a million rows an hour."""

_Prune = Callable[[int, int], Awaitable[int]]


class Housekeeping:
    """Throws away what is over."""

    def __init__(
        self,
        sessions: Sessions,
        counts: SignInCounts,
        mail_tokens: MailTokens,
        wallets: Wallets,
        sign_ins: SignInChallenges,
        passkeys: PasskeyRows,
        links: LinkedAccounts,
        rows: JobRows,
        logger: Logger,
        *,
        sessions_kept_s: int,
        failed_jobs_kept_s: int,
        clock: Callable[[], int] | None = None,
    ) -> None:
        """Look after these tables; what is over is kept for so many seconds more.

        `clock` is for tests: the time is the database's, by which sessions end.
        """
        self._sessions = sessions
        self._counts = counts
        self._mail_tokens = mail_tokens
        self._wallets = wallets
        self._sign_ins = sign_ins
        self._passkeys = passkeys
        self._links = links
        self._rows = rows
        self._logger = logger
        self._sessions_kept_us = sessions_kept_s * MICROSECONDS
        self._failed_jobs_kept_us = failed_jobs_kept_s * MICROSECONDS
        self._clock = clock

    def jobs(self) -> tuple[Job, ...]:
        """Return the jobs of this file."""
        return (
            Job(
                name="housekeeping",
                schedule="7 * * * *",  # not with everything else on the hour
                run=self.run,
                time_limit_s=600,
                tries=3,
                first_wait_s=30,
            ),
        )

    async def run(self, _arguments: Arguments) -> None:
        """Throw away what was over long enough before now."""
        now = await self._sessions.now() if self._clock is None else self._clock()
        over = now - self._sessions_kept_us
        sessions = await self._all(self._sessions.prune_sessions, over)
        tokens = await self._all(self._sessions.prune_tokens, over)
        counts = await self._all(self._counts.prune, now)
        mailed = await self._all(self._mail_tokens.prune, now)
        nonces = await self._all(self._wallets.prune_nonces, now)
        challenges = await self._all(self._sign_ins.prune, now)
        challenges += await self._all(self._passkeys.prune, now)
        begun = await self._all(self._links.prune, now)
        runs = await self._all(self._rows.prune, now - self._failed_jobs_kept_us)
        self._logger.info(
            "housekeeping",
            sessions=sessions,
            tokens=tokens,
            counts=counts,
            mailed=mailed,
            nonces=nonces,
            challenges=challenges,
            begun=begun,
            runs=runs,
        )

    @staticmethod
    async def _all(prune: _Prune, before: int) -> int:
        """Prune step by step and return how many rows went."""
        gone = 0
        for _ in range(STEPS_MAX):
            step = await prune(before, STEP_ROWS)
            gone += step
            if step < STEP_ROWS:
                break
            await asyncio.sleep(0)  # the engine may share this event loop
        return gone
