"""Passkeys: made, used as a second factor, used as a sign-in.

Laws: a challenge is used up before the answer to it is looked at, and only for what and for whom it
was made. Somebody else's passkey is like one that never was. A sign count that goes back means that
two authenticators have the same key: the answer is refused, whoever gave it.
"""

import hashlib
import secrets
from collections.abc import Sequence
from typing import Any, Final

from gateway.accounts.passkeys.answers import AssertionAnswer, RegistrationAnswer
from gateway.accounts.passkeys.relying_party import (
    TIMEOUT_MS,
    NotThePasskey,
    RelyingParty,
    challenge_of,
    credential_id_of,
    is_handle_of,
)
from gateway.accounts.second_factor.codes import Outcome
from gateway.wire.errors import Conflict, LimitReached, NotFound, Unavailable, ValidationFailed
from persistence.errors import AlreadyThere, BoundReached
from persistence.repositories.people.users import User
from persistence.repositories.people.ways_in import WaysIn
from persistence.repositories.second_factor.passkeys import (
    NewPasskey,
    PasskeyRow,
    PasskeyRows,
    Purpose,
)

NOT_SET_UP: Final = (
    "This exchange takes no passkeys: its operator would have to set FRONTEND_URL, or PASSKEY_RP_ID"
    " and PASSKEY_ORIGINS, to pages with https"
)
NO_PASSKEY: Final = "The account has no passkey"
_SET_UP_S: Final = 3_600
_CHALLENGE_BYTES: Final = 32
_US_PER_MS: Final = 1_000
_NOT_MADE: Final = "is no answer to what was asked, or not in time: ask for new options"
_NAME_LENGTH: Final = 64


class Passkeys:
    """The service; `party` is None where passkeys can't be made."""

    def __init__(
        self, rows: PasskeyRows, ways: WaysIn, party: RelyingParty | None, per_user: int
    ) -> None:
        self._rows = rows
        self._ways = ways
        self._party = party
        self._most = per_user

    # -- for owners -----------------------------------------------------------------------------

    async def of_user(self, user_id: int) -> list[PasskeyRow]:
        """Return somebody's passkeys, oldest first."""
        return await self._rows.of_user(user_id)

    async def begin_registration(self, user: User) -> dict[str, Any]:
        """Return options to make a passkey by; raises Unavailable or LimitReached."""
        party, known = self._required(), await self._rows.of_user(user.id)
        if len(known) >= self._most:
            raise LimitReached.of("passkeys", self._most)
        challenge = await self._challenge(user.id, Purpose.REGISTER)
        name = user.email or user.username or user.display_name
        shown = user.display_name[:_NAME_LENGTH]
        return party.creation_options(user.id, name, shown, challenge, known)

    async def register(
        self,
        user_id: int,
        label: str,
        answer: RegistrationAnswer,
        code_hashes: Sequence[bytes],
    ) -> tuple[PasskeyRow, bool]:
        """Add the passkey that was made; return it and whether it is the first factor, to which the
        recovery codes were added.

        Raises Unavailable, ValidationFailed, LimitReached, or Conflict if somebody has it already.
        """
        party = self._required()
        try:
            challenge = challenge_of(answer)
            if not await self._rows.take(_digest(challenge), user_id, Purpose.REGISTER):
                raise NotThePasskey
            made = party.registered(answer, challenge)
        except NotThePasskey:
            raise ValidationFailed.of("passkey", _NOT_MADE) from None
        new = NewPasskey(
            user_id,
            made.credential_id,
            made.public_key,
            made.sign_count,
            label,
            made.transports,
            made.is_synced,
            await self._rows.now(),
        )
        try:
            return await self._rows.create(new, self._most, code_hashes)
        except BoundReached:
            raise LimitReached.of("passkeys", self._most) from None
        except AlreadyThere:
            raise Conflict("This passkey is known already") from None

    async def rename(self, user_id: int, passkey_id: int, label: str) -> PasskeyRow:
        """Give a passkey another label; raises NotFound."""
        row = await self._rows.rename(user_id, passkey_id, label)
        if row is None:
            raise NotFound
        return row

    async def remove(self, user_id: int, passkey_id: int, *, admins_need_one: bool) -> None:
        """Delete a passkey; raises NotFound, LastWayIn or LastFactor."""
        if not await self._rows.delete(
            self._ways, user_id, passkey_id, admins_need_one=admins_need_one
        ):
            raise NotFound

    # -- as a second factor ---------------------------------------------------------------------

    async def begin_proof(self, user_id: int) -> dict[str, Any]:
        """Return options to use one of somebody's passkeys by; raises Unavailable or Conflict."""
        party, known = self._required(), await self._rows.of_user(user_id)
        if not known:
            raise Conflict(NO_PASSKEY)
        challenge = await self._challenge(user_id, Purpose.PROVE)
        return party.request_options(challenge, known, verifies_user=False)

    async def prove(self, user_id: int, answer: AssertionAnswer) -> Outcome:
        """Say whether an answer is of one of somebody's passkeys; raises Unavailable."""
        self._required()
        try:
            challenge = challenge_of(answer)
            if not await self._rows.take(_digest(challenge), user_id, Purpose.PROVE):
                return Outcome.REFUSED
            row = await self._rows.by_credential(credential_id_of(answer))
            if row is None or row.user_id != user_id:
                return Outcome.REFUSED
            handle = answer.response.user_handle
            if handle is not None and not is_handle_of(user_id, answer):
                return Outcome.REFUSED
            return await self._used(row, answer, challenge, verifies_user=False)
        except NotThePasskey:
            return Outcome.REFUSED

    # -- as a sign-in ---------------------------------------------------------------------------

    async def begin_sign_in(self) -> dict[str, Any]:
        """Return options to sign in by, with whichever passkey is chosen; raises Unavailable."""
        party = self._required()
        challenge = await self._challenge(None, Purpose.SIGN_IN)
        return party.request_options(challenge, (), verifies_user=True)

    async def owner(self, answer: AssertionAnswer) -> tuple[int | None, Outcome]:
        """Return whom an answer signs in, and what came of it; the first where the passkey is
        known. Raises Unavailable.
        """
        self._required()
        try:
            challenge = challenge_of(answer)
            if not await self._rows.take(_digest(challenge), None, Purpose.SIGN_IN):
                return None, Outcome.REFUSED
            row = await self._rows.by_credential(credential_id_of(answer))
            if row is None:
                return None, Outcome.REFUSED
            if not is_handle_of(row.user_id, answer):
                return row.user_id, Outcome.REFUSED
            try:
                return row.user_id, await self._used(row, answer, challenge, verifies_user=True)
            except NotThePasskey:
                return row.user_id, Outcome.REFUSED
        except NotThePasskey:
            return None, Outcome.REFUSED

    async def _used(
        self, row: PasskeyRow, answer: AssertionAnswer, challenge: bytes, *, verifies_user: bool
    ) -> Outcome:
        party = self._required()
        count = party.sign_count(answer, challenge, row.public_key, verifies_user=verifies_user)
        is_up = await self._rows.advance(row.id, count, await self._rows.now())
        return Outcome.OK if is_up else Outcome.COUNT_BACK

    async def _challenge(self, user_id: int | None, purpose: Purpose) -> bytes:
        challenge = secrets.token_bytes(_CHALLENGE_BYTES)
        await self._rows.begin(_digest(challenge), user_id, purpose, TIMEOUT_MS * _US_PER_MS)
        return challenge

    def _required(self) -> RelyingParty:
        if self._party is None:
            raise Unavailable(NOT_SET_UP, retry_after_seconds=_SET_UP_S)
        return self._party


def _digest(challenge: bytes) -> bytes:
    return hashlib.sha256(challenge).digest()
