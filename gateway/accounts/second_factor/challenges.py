"""Whether a sign-in waits for a second factor, and what it goes on with.

Laws: the challenge is 256 random bits, of which the hash is kept; it is its user's, lasts five
minutes, takes `TRIES` answers and signs in once. It is given only to whoever has proved the first
factor, so it tells nobody else that there is a second one.
"""

import hashlib
import re
import secrets
from typing import Annotated, Final

import msgspec

from gateway.wire.errors import SecondFactorAsked, SecondFactorRequired, Unauthorized
from persistence.clock import MICROSECONDS
from persistence.repositories.people.ways_in import ADDRESS_WAY as PASSWORD_WAY
from persistence.repositories.second_factor.challenges import SignInChallenges, WaitingSignIn
from persistence.repositories.second_factor.factors import FactorRows, FactorState

LASTS_S: Final = 300
TRIES: Final = 5
OVER: Final = "This sign-in is over or was never begun: sign in anew"
_TOKEN: Final = re.compile(r"[A-Za-z0-9_-]{43}", re.ASCII)

ChallengeText = Annotated[
    str,
    msgspec.Meta(max_length=100, description="the challenge that the first factor was answered by"),
]


class Challenges:
    """Asks for the second factor; one per process."""

    def __init__(self, factors: FactorRows, rows: SignInChallenges) -> None:
        self._factors = factors
        self._rows = rows

    async def require_none(self, user_id: int, way: str, password_hash: str | None = None) -> None:
        """Raise SecondFactorRequired, with a challenge, if somebody has a second factor.

        `way` says by what the first one was proved, e.g. "password"; the hash of one is given as
        well, and has to be the account's still: else raises PasswordOvertaken.
        """
        state = await self._factors.state(user_id)
        if not state.has_factor:
            return
        token = secrets.token_urlsafe(32)
        lasts_us = LASTS_S * MICROSECONDS
        await self._rows.begin(_digest(token), user_id, way, TRIES, lasts_us, password_hash)
        raise SecondFactorRequired(SecondFactorAsked(token, methods_of(state), LASTS_S))

    async def find(self, token: str) -> WaitingSignIn:
        """Return the sign-in of a challenge, without a try; raises Unauthorized."""
        return _known(await self._rows.find(_checked(token)))

    async def attempt(self, token: str) -> WaitingSignIn:
        """Count a try and return whose sign-in it is; raises Unauthorized."""
        return _known(await self._rows.attempt(_checked(token)))

    async def finish(self, token: str, way: str) -> str | None:
        """Use a challenge up; raises Unauthorized if somebody else just did.

        Returns the hash of the password where that was the `way`: it has to be the account's still
        when the session begins.
        """
        found = await self._rows.finish(_checked(token))
        if found is None:
            raise Unauthorized(OVER)
        return found.password_hash if way == PASSWORD_WAY else None


def methods_of(state: FactorState) -> tuple[str, ...]:
    """Return by what somebody can prove a second factor, in the words of the wire."""
    has = {
        "totp": state.totp_since is not None,
        "passkey": state.passkeys > 0,
        "recovery": state.recovery_codes > 0,
    }
    return tuple(name for name, is_there in has.items() if is_there)


def _known(found: WaitingSignIn | None) -> WaitingSignIn:
    if found is None:
        raise Unauthorized(OVER)
    return found


def _checked(token: str) -> bytes:
    if _TOKEN.fullmatch(token) is None:
        raise Unauthorized(OVER)
    return _digest(token)


def _digest(token: str) -> bytes:
    return hashlib.sha256(token.encode("ascii")).digest()
