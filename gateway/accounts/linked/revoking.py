"""Giving tokens back to the providers of accounts that aren't linked any more (RFC 7009).

Laws: a request puts tokens here and goes on; whether the provider takes them back changes nothing
of what was asked for. What waits is bounded, in memory, and tried a few times with growing pauses;
what is given up, and what is lost with the process, the provider lets run out within hours. Each
outcome is in the audit log, and no token is in any log.
"""

import asyncio
from collections.abc import Mapping
from typing import Any, Final

import msgspec

from gateway.accounts.linked.providers import Failure, Provider, SignInFailed
from gateway.accounts.linked.tokens import LinkedTokens
from gateway.jobs.supervisor import CheckIn
from gateway.observability.logs import Logger
from gateway.sealing.seal import NotOpened
from persistence.postgres.database import OUTAGES
from persistence.repositories.audit import AuditLog, AuditTrail
from persistence.repositories.people.linked_accounts import LinkedAccounts, SealedTokens

ACTION: Final = "link.revoke"
AT_ONCE: Final = 2
"""So many are being given back at the same time, ..."""
WAITING: Final = 1_000
"""... and so many wait for it; what is more is let run out."""
TRIES: Final = 4
NO_ROOM: Final = "no room"
UNREADABLE: Final = "unreadable"
NOT_SET_UP: Final = "not set up"
FIRST_PAUSE_S: Final = 1.0
"""After the first failure; doubled with each further one."""


class Given(msgspec.Struct, frozen=True):
    """Tokens that go back to their provider, and by whose request."""

    provider: str
    tokens: dict[str, Any]
    user_id: int
    request_id: str


class Revoking:
    """Gives tokens back, beside requests."""

    NAME: Final = "revoking"

    def __init__(
        self,
        providers: Mapping[str, Provider],
        rows: LinkedAccounts,
        tokens: LinkedTokens,
        audit: AuditLog,
        logger: Logger,
        *,
        size: int = WAITING,
    ) -> None:
        self._providers = providers
        self._rows = rows
        self._tokens = tokens
        self._audit = audit
        self._logger = logger
        self._waiting: asyncio.Queue[Given] = asyncio.Queue(size)

    async def of_user(self, user_id: int) -> list[SealedTokens]:
        """Return what there is to give back of somebody who is about to leave."""
        return await self._rows.sealed_of(user_id)

    async def put(self, link: SealedTokens, request_id: str) -> None:
        """Have the tokens of a link that is gone given back; why that can't be is noted at once."""
        if link.provider not in self._providers:
            await self._note(link.user_id, link.provider, NOT_SET_UP, request_id)
            return
        try:
            tokens = self._tokens.opened(link.provider, link.subject, link.tokens)
        except NotOpened:  # of a key of before: they run out
            await self._note(link.user_id, link.provider, UNREADABLE, request_id)
            return
        try:
            self._waiting.put_nowait(Given(link.provider, tokens, link.user_id, request_id))
        except asyncio.QueueFull:
            await self._note(link.user_id, link.provider, NO_ROOM, request_id)

    async def run(self, check_in: CheckIn) -> None:
        """Give back what waits until cancelled; each that was taken checks in."""
        async with asyncio.TaskGroup() as group:
            for _ in range(AT_ONCE):
                group.create_task(self._work(check_in))

    async def _work(self, check_in: CheckIn) -> None:
        while True:
            given = await self._waiting.get()
            outcome = await self._give(given)
            if outcome == "ok":
                check_in()
            await self._note(given.user_id, given.provider, outcome, given.request_id)

    async def _note(self, user_id: int, provider: str, outcome: str, request_id: str) -> None:
        """Tell the audit log what came of it; what keeps that from being is in the log."""
        if outcome != "ok":
            self._logger.warning("tokens not revoked", provider=provider, reason=outcome)
        trail = AuditTrail(self._audit, request_id)
        try:
            await trail.note(None, ACTION, f"user:{user_id} {provider}", outcome)
        except OUTAGES:
            self._logger.warning("database away", what=ACTION)

    async def _give(self, given: Given) -> str:
        """Give tokens back, with several tries; return what came of it."""
        provider, pause = self._providers[given.provider], FIRST_PAUSE_S
        for number in range(1, TRIES + 1):
            try:
                await provider.revoke(given.tokens)
            except SignInFailed as error:
                if error.failure is not Failure.PROVIDER_UNAVAILABLE or number == TRIES:
                    return error.failure.value
                await asyncio.sleep(pause)
                pause *= 2
            else:
                return "ok"
        return Failure.PROVIDER_UNAVAILABLE.value
