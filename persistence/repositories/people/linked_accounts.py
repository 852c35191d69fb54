"""Accounts elsewhere that people sign in with, and sign-ins that are under way there.

Laws: an account elsewhere is one account's here, whoever asks at the same moment, and an account
here has one of each provider. What is under way is taken once, by whichever process is first, by
the browser that began it and while it lasts; only hashes of it are stored. Times are the
database's, in microseconds since the epoch.
"""

from typing import Final

import asyncpg
import msgspec

from persistence.errors import AlreadyThere
from persistence.postgres.clocks import NOW
from persistence.postgres.database import DeadlinePool, Fetching, affected
from persistence.repositories.people.users import User, Users

_INSERT: Final = (
    "INSERT INTO linked_accounts (user_id, provider, subject, label, tokens, created_at,"  # noqa: S608
    f" last_used_at) VALUES ($1, $2, $3, $4, $5, {NOW}, {NOW})"
)
_USE: Final = (
    f"UPDATE linked_accounts SET label = $3, tokens = $4, last_used_at = {NOW}"  # noqa: S608
    " WHERE provider = $1 AND subject = $2 RETURNING user_id"
)
_BEGIN: Final = f"INSERT INTO sign_in_flows VALUES ($1, $2, $3, $4, $5, {NOW} + $6)"  # noqa: S608
_TAKE_FLOW: Final = (
    "DELETE FROM sign_in_flows WHERE state_hash = $1 AND browser_hash = $2 AND provider = $3"  # noqa: S608
    f" RETURNING user_id, session_id, expires_at > {NOW} AS holds"
)
_NEW_CODE: Final = f"INSERT INTO sign_in_codes VALUES ($1, $2, $3, $4, {NOW} + $5)"  # noqa: S608
_HOLDS_CODE: Final = (
    f"SELECT expires_at > {NOW} FROM sign_in_codes"  # noqa: S608
    " WHERE code_hash = $1 AND browser_hash = $2"
)
_TAKE_CODE: Final = (
    "DELETE FROM sign_in_codes WHERE code_hash = $1 AND browser_hash = $2"  # noqa: S608
    f" RETURNING user_id, provider, expires_at > {NOW} AS holds"
)
_PRUNE_FLOWS: Final = """
DELETE FROM sign_in_flows
 WHERE state_hash IN (SELECT state_hash FROM sign_in_flows WHERE expires_at <= $1
                       LIMIT $2 FOR UPDATE SKIP LOCKED)
"""
_PRUNE_CODES: Final = """
DELETE FROM sign_in_codes
 WHERE code_hash IN (SELECT code_hash FROM sign_in_codes WHERE expires_at <= $1
                      LIMIT $2 FOR UPDATE SKIP LOCKED)
"""


class NewLink(msgspec.Struct, frozen=True):
    """An account elsewhere, as its provider has just told it."""

    provider: str
    subject: str
    """By what the provider knows it, for ever."""
    label: str | None
    tokens: bytes
    """As they were sealed."""


class Link(msgspec.Struct, frozen=True):
    """An account elsewhere that is linked."""

    provider: str
    label: str | None
    created_at: int
    last_used_at: int


class Flow(msgspec.Struct, frozen=True):
    """A sign-in that comes back; of whoever links an account, the user and the session."""

    user_id: int | None
    session_id: int | None


class SealedTokens(msgspec.Struct, frozen=True):
    """What is sealed of one link, and where it belongs."""

    user_id: int
    provider: str
    subject: str
    tokens: bytes


class LinkedAccounts:
    """Reads and writes links."""

    def __init__(self, pool: DeadlinePool) -> None:
        self._pool = pool

    async def used(self, new: NewLink) -> int | None:
        """Note that an account elsewhere has proved somebody, with its tokens of now.

        Returns whose it is, None for nobody's.
        """
        user_id: int | None = await self._pool.fetchval(
            _USE, new.provider, new.subject, new.label, new.tokens
        )
        return user_id

    async def of_user(self, user_id: int) -> list[Link]:
        """Return somebody's links, one of each provider at most."""
        rows = await self._pool.fetch(
            "SELECT provider, label, created_at, last_used_at FROM linked_accounts"
            " WHERE user_id = $1 ORDER BY provider",
            user_id,
        )
        return [Link(*row) for row in rows]

    async def add(self, user_id: int, new: NewLink) -> None:
        """Link an account elsewhere.

        Raises AlreadyThere if it is somebody's, or if there is another one of that provider.
        """
        try:
            await self._pool.execute(_INSERT, user_id, *msgspec.structs.astuple(new))
        except asyncpg.UniqueViolationError:
            raise AlreadyThere from None

    async def add_with_user(self, new: NewLink, role: str) -> User:
        """Add a user whose only way in is this one; raises AlreadyThere if it is somebody's."""
        try:
            async with self._pool.transaction() as connection:
                user = await Users.insert_nameless(connection, role)
                await connection.execute(_INSERT, user.id, *msgspec.structs.astuple(new))
                return user
        except asyncpg.UniqueViolationError:
            raise AlreadyThere from None

    @staticmethod
    async def remove(source: Fetching, user_id: int, provider: str) -> SealedTokens | None:
        """Unlink, in the transaction of `source`; return what was sealed, None for no link."""
        gone = await source.fetchrow(
            "DELETE FROM linked_accounts WHERE user_id = $1 AND provider = $2"
            " RETURNING user_id, provider, subject, tokens",
            user_id,
            provider,
        )
        return None if gone is None else SealedTokens(*gone)

    # -- under way ----------------------------------------------------------------------------

    async def begin(
        self, state_hash: bytes, browser_hash: bytes, provider: str, flow: Flow, lasts_us: int
    ) -> None:
        """Store that a browser has gone to a provider, for so long."""
        await self._pool.execute(
            _BEGIN, state_hash, browser_hash, provider, flow.user_id, flow.session_id, lasts_us
        )

    async def take_flow(self, state_hash: bytes, browser_hash: bytes, provider: str) -> Flow | None:
        """Use up what a browser has begun; None if it hasn't, or too long ago."""
        row = await self._pool.fetchrow(_TAKE_FLOW, state_hash, browser_hash, provider)
        return None if row is None or not row["holds"] else Flow(row["user_id"], row["session_id"])

    async def is_begun(self, state_hash: bytes) -> bool:
        """Say whether any browser has begun it and hasn't come back."""
        return bool(
            await self._pool.fetchval(
                "SELECT EXISTS (SELECT FROM sign_in_flows WHERE state_hash = $1)", state_hash
            )
        )

    async def new_code(
        self, code_hash: bytes, browser_hash: bytes, provider: str, user_id: int, lasts_us: int
    ) -> None:
        """Store a code by which a browser's page finishes a sign-in, for so long."""
        await self._pool.execute(_NEW_CODE, code_hash, browser_hash, provider, user_id, lasts_us)

    async def holds_code(self, code_hash: bytes, browser_hash: bytes) -> bool:
        """Say whether a code could be used up."""
        return bool(await self._pool.fetchval(_HOLDS_CODE, code_hash, browser_hash))

    async def take_code(self, code_hash: bytes, browser_hash: bytes) -> tuple[int, str] | None:
        """Use a code up; return whose it is and the provider, None if it doesn't hold."""
        row = await self._pool.fetchrow(_TAKE_CODE, code_hash, browser_hash)
        return None if row is None or not row["holds"] else (row["user_id"], row["provider"])

    async def prune(self, before: int, limit: int) -> int:
        """Delete at most `limit` flows, and codes, that ended before a time; return how many."""
        flows = affected(await self._pool.execute(_PRUNE_FLOWS, before, limit))
        await self._pool.execute(_PRUNE_CODES, before, limit)
        return flows

    # -- sealing ------------------------------------------------------------------------------

    async def sealed(self, after: tuple[int, str], limit: int) -> list[SealedTokens]:
        """Return what is sealed of links behind a (user, provider), in that order."""
        rows = await self._pool.fetch(
            "SELECT user_id, provider, subject, tokens FROM linked_accounts"
            " WHERE (user_id, provider) > ($1, $2) ORDER BY user_id, provider LIMIT $3",
            *after,
            limit,
        )
        return [SealedTokens(*row) for row in rows]

    async def sealed_of(self, user_id: int) -> list[SealedTokens]:
        """Return what is sealed of somebody's links, one of each provider at most."""
        rows = await self._pool.fetch(
            "SELECT user_id, provider, subject, tokens FROM linked_accounts WHERE user_id = $1",
            user_id,
        )
        return [SealedTokens(*row) for row in rows]

    async def reseal(self, before: SealedTokens, tokens: bytes) -> None:
        """Put tokens that were sealed anew in the place of what they were before."""
        await self._pool.execute(
            "UPDATE linked_accounts SET tokens = $4"
            " WHERE user_id = $1 AND provider = $2 AND tokens = $3",
            before.user_id,
            before.provider,
            before.tokens,
            tokens,
        )
