"""Codes of an app and recovery codes: set up, checked, taken away.

Laws: a secret is shown while it is being set up and never again; it is kept sealed, for its owner
alone. A code is taken once, over all processes: its time step is used up in the table. Times are
the database's, so that all processes agree on which code it is now.
"""

import enum
from typing import Final

import msgspec

from gateway.accounts.second_factor.recovery_codes import code_hash, code_hashes, new_codes
from gateway.accounts.second_factor.totp import matching_step, new_secret
from gateway.sealing.seal import NotOpened, Seal
from gateway.wire.errors import Conflict, Unavailable, ValidationFailed
from persistence.clock import MICROSECONDS
from persistence.repositories.second_factor.factors import FactorRows, FactorState

ENROLMENT_LASTS_S: Final = 900
"""How long a secret that was shown waits for its first code."""
NOT_BEGUN: Final = "There is nothing to confirm, or no longer: begin with POST /auth/2fa/totp"
NO_FACTOR: Final = "The account has no second factor that recovery codes could stand in for"
_NOT_OPENED: Final = "The secret of this second factor can't be opened here: see ENCRYPTION_KEY"
_RESEALED_AT_ONCE: Final = 100


class Outcome(enum.StrEnum):
    """What came of a second factor that was tried, in the audit log's words."""

    OK = "ok"
    REFUSED = "refused"
    USED = "used before"
    COUNT_BACK = "sign count back"
    """Of a passkey: another authenticator has the same key."""


class Enrolment(msgspec.Struct, frozen=True):
    """A secret that was made, in base32, and until when its first code is waited for (us)."""

    secret: str
    expires_at: int


class Codes:
    """The service; one per process."""

    def __init__(self, rows: FactorRows, seal: Seal) -> None:
        self._rows = rows
        self._seal = seal

    async def state(self, user_id: int) -> FactorState:
        """Return which factors somebody has."""
        return await self._rows.state(user_id)

    async def begin(self, user_id: int) -> Enrolment:
        """Make a secret, which counts when its first code has come."""
        secret, at = new_secret(), await self._rows.now()
        sealed = self._seal.seal(secret.encode("ascii"), _place(user_id))
        await self._rows.begin(user_id, sealed, at)
        return Enrolment(secret, at + ENROLMENT_LASTS_S * MICROSECONDS)

    async def confirm(self, user_id: int, code: str) -> tuple[bool, list[str]]:
        """Let the secret that was made last count, in the place of one of before.

        Returns whether it is the first factor, and then the recovery codes that were made with it.
        Raises Conflict where none waits, ValidationFailed for a wrong code.
        """
        at = await self._rows.now()
        sealed = await self._rows.pending(user_id, at - ENROLMENT_LASTS_S * MICROSECONDS)
        if sealed is None:
            raise Conflict(NOT_BEGUN)
        step = matching_step(self._opened(user_id, sealed), code, at)
        if step is None:
            raise ValidationFailed.of("code", "is not the one that the app shows now")
        codes = new_codes()
        is_first = await self._rows.confirm(user_id, sealed, step, at, code_hashes(user_id, codes))
        if is_first is None:
            raise Conflict(NOT_BEGUN)
        return is_first, codes if is_first else []

    async def remove(self, user_id: int, *, admins_need_one: bool) -> bool:
        """Take the codes of the app away; say whether there were any. Raises LastFactor."""
        return await self._rows.remove(user_id, admins_need_one=admins_need_one)

    async def check(self, user_id: int, code: str) -> Outcome:
        """Use a code of the app up."""
        sealed = await self._rows.secret(user_id)
        if sealed is None:
            return Outcome.REFUSED
        step = matching_step(self._opened(user_id, sealed), code, await self._rows.now())
        if step is None:
            return Outcome.REFUSED
        return Outcome.OK if await self._rows.take_step(user_id, step) else Outcome.USED

    async def new_recovery_codes(self, user_id: int) -> list[str]:
        """Make recovery codes in the place of all of before; raises Conflict without a factor."""
        codes, at = new_codes(), await self._rows.now()
        if not await self._rows.replace_recovery_codes(user_id, code_hashes(user_id, codes), at):
            raise Conflict(NO_FACTOR)
        return codes

    async def check_recovery_code(self, user_id: int, text: str) -> Outcome:
        """Use a recovery code up; one that was used is like one that never was."""
        digest = code_hash(user_id, text)
        if digest is None or not await self._rows.take_recovery_code(user_id, digest):
            return Outcome.REFUSED
        return Outcome.OK

    async def reseal(self) -> tuple[int, int]:
        """Seal anew what an older key of ENCRYPTION_KEY has sealed; return how many secrets were,
        and how many no key opens.
        """
        after = done = lost = 0
        while rows := await self._rows.secrets(after, _RESEALED_AT_ONCE):
            for user_id, sealed in rows:
                after = user_id
                if self._seal.is_current(sealed):
                    continue
                try:
                    text = self._seal.open(sealed, _place(user_id))
                except NotOpened:
                    lost += 1
                    continue
                anew = self._seal.seal(text, _place(user_id))
                await self._rows.reseal(user_id, sealed, anew)
                done += 1
        return done, lost

    def _opened(self, user_id: int, sealed: bytes) -> str:
        try:
            return self._seal.open(sealed, _place(user_id)).decode("ascii")
        except NotOpened as error:
            raise Unavailable(_NOT_OPENED) from error


def _place(user_id: int) -> str:
    """Return where the secret of a user is sealed for."""
    return f"totp_factors.secret:{user_id}"
