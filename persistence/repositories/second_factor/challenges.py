"""Sign-ins whose first factor was proved and that wait for the second.

Laws: only hashes of tokens are stored. A try is counted before what it tries is looked at, by one
statement; a challenge is used up by one, so that of two answers at the same moment one signs in.
Nobody has more than `OF_ONE_MOST`: the newest stay. Times are the database's, in microseconds since
the epoch.
"""

from typing import Final

import msgspec

from persistence.errors import PasswordOvertaken
from persistence.postgres.clocks import NOW
from persistence.postgres.database import DeadlinePool, affected

OF_ONE_MOST: Final = 50
_BEGIN: Final = f"""
INSERT INTO sign_in_challenges (token_hash, user_id, way, tries_left, expires_at)
SELECT $1, id, $3, $4, {NOW} + $5
  FROM users WHERE id = $2 AND ($6::text IS NULL OR password_hash = $6) FOR SHARE
"""  # noqa: S608 - a constant
_FINISH: Final = """
WITH gone AS (DELETE FROM sign_in_challenges WHERE token_hash = $1 RETURNING user_id)
SELECT u.password_hash FROM gone JOIN users u ON u.id = gone.user_id
"""
_BOUND: Final = """
DELETE FROM sign_in_challenges
 WHERE token_hash IN (SELECT token_hash FROM sign_in_challenges WHERE user_id = $1
                       ORDER BY expires_at DESC OFFSET $2 FOR UPDATE SKIP LOCKED)
"""
_TRY: Final = f"""
UPDATE sign_in_challenges SET tries_left = tries_left - 1
 WHERE token_hash = $1 AND tries_left > 0 AND expires_at > {NOW}
RETURNING user_id, way
"""  # noqa: S608 - a constant
_PRUNE: Final = """
DELETE FROM sign_in_challenges
 WHERE token_hash IN (SELECT token_hash FROM sign_in_challenges WHERE expires_at <= $1
                       LIMIT $2 FOR UPDATE SKIP LOCKED)
"""


class WaitingSignIn(msgspec.Struct, frozen=True):
    """Whose sign-in it is, and by what the first factor was proved."""

    user_id: int
    way: str


class UsedUp(msgspec.Struct, frozen=True):
    """A sign-in whose second factor has come."""

    password_hash: str | None
    """The account's, as long as the challenge stood, which goes when it becomes another one."""


class SignInChallenges:
    """Reads and writes them."""

    def __init__(self, pool: DeadlinePool) -> None:
        self._pool = pool

    async def begin(
        self,
        token_hash: bytes,
        user_id: int,
        way: str,
        tries: int,
        lasts_us: int,
        password_hash: str | None = None,
    ) -> None:
        """Note a sign-in that waits.

        Raises PasswordOvertaken if `password_hash` is given and no longer the account's.
        """
        terms = token_hash, user_id, way, tries, lasts_us, password_hash
        if not affected(await self._pool.execute(_BEGIN, *terms)):
            raise PasswordOvertaken
        await self._pool.execute(_BOUND, user_id, OF_ONE_MOST)

    async def find(self, token_hash: bytes) -> WaitingSignIn | None:
        """Return a sign-in that waits and may be tried, without a try."""
        row = await self._pool.fetchrow(
            "SELECT user_id, way FROM sign_in_challenges"  # noqa: S608 - a constant
            f" WHERE token_hash = $1 AND tries_left > 0 AND expires_at > {NOW}",
            token_hash,
        )
        return None if row is None else WaitingSignIn(*row)

    async def attempt(self, token_hash: bytes) -> WaitingSignIn | None:
        """Count a try; None if there is no such sign-in, or its tries or its time are over."""
        row = await self._pool.fetchrow(_TRY, token_hash)
        return None if row is None else WaitingSignIn(*row)

    async def finish(self, token_hash: bytes) -> UsedUp | None:
        """Use a challenge up; None if it wasn't there any more."""
        row = await self._pool.fetchrow(_FINISH, token_hash)
        return None if row is None else UsedUp(*row)

    async def prune(self, before: int, limit: int) -> int:
        """Delete at most `limit` whose time ended before a time; return how many."""
        return affected(await self._pool.execute(_PRUNE, before, limit))
