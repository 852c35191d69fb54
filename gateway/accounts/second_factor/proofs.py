"""Whether somebody has the second factor: one answer, whichever it is, counted and audited.

Laws: a wrong one is counted before it is looked at, for its user and over all processes, and given
back if it was right; so many guesses at the same moment find no more room than one after the other.
What is used up (a code's time step, a recovery code, a passkey's challenge) is used up whatever
comes of it afterwards.
"""

from typing import Annotated, Final

import msgspec

from gateway.accounts.mail.notices import Notices
from gateway.accounts.passkeys.answers import AssertionAnswer
from gateway.accounts.passkeys.passkeys import Passkeys
from gateway.accounts.passwords.attempts import Attempts
from gateway.accounts.second_factor.codes import Codes, Outcome
from gateway.accounts.second_factor.recovery_codes import TEXT_LENGTH
from gateway.accounts.second_factor.totp import CODE_PATTERN
from gateway.wire.errors import Detail, Forbidden, Unauthorized, ValidationFailed
from persistence.repositories.audit import AuditLog, AuditTrail

CodeText = Annotated[
    str,
    msgspec.Meta(
        max_length=20,
        description="the six digits that the app shows now",
        extra_json_schema={"pattern": CODE_PATTERN},
    ),
]
RecoveryCodeText = Annotated[
    str, msgspec.Meta(max_length=TEXT_LENGTH, description="a recovery code, good once")
]
ONE_OF: Final = "give one of code, recoveryCode and passkey"
_WRONG: Final = {
    Outcome.REFUSED: "is wrong",
    Outcome.USED: "was used already: wait for the next one",
    Outcome.COUNT_BACK: "is wrong: another authenticator has answered with this passkey before",
}


class Proof(msgspec.Struct, frozen=True, kw_only=True):
    """A second factor that somebody gives: exactly one of them is set."""

    code: str | None = None
    recovery_code: str | None = None
    passkey: AssertionAnswer | None = None

    @property
    def count(self) -> int:
        """Return how many are set."""
        return sum(given is not None for given in (self.code, self.recovery_code, self.passkey))

    def require_one(self) -> None:
        """Raise ValidationFailed unless exactly one is set."""
        if self.count != 1:
            raise ValidationFailed.of("code", ONE_OF)


class Proofs:
    """Asks for the second factor."""

    def __init__(
        self,
        codes: Codes,
        passkeys: Passkeys,
        attempts: Attempts,
        audit: AuditLog,
        notices: Notices,
    ) -> None:
        self._codes = codes
        self._passkeys = passkeys
        self._attempts = attempts
        self._audit = audit
        self._notices = notices

    async def require(
        self,
        user_id: int,
        proof: Proof,
        address: str,
        request_id: str,
        refusal: type[Unauthorized | Forbidden],
    ) -> None:
        """Raise `refusal` naming the field if it isn't the user's second factor.

        Also raises ValidationFailed unless one is given, RateLimited after too many wrong ones.
        """
        proof.require_one()
        key = await self._attempts.begin_code(user_id, address)
        method, field, outcome = await self._try(user_id, proof)
        if outcome is Outcome.OK:
            await self._attempts.code_was_right(key)
        trail = AuditTrail(self._audit, request_id)
        # Who hasn't the factor may be anybody.
        actor_id = user_id if outcome is Outcome.OK else None
        await trail.note(actor_id, "auth.2fa", f"user:{user_id} {method}", outcome.value)
        if outcome is not Outcome.OK:
            raise refusal(f"{field}: {_WRONG[outcome]}", details=(Detail(field, _WRONG[outcome]),))
        if method == "recovery":
            self._notices.tell(user_id, "a recovery code was used")

    async def _try(self, user_id: int, proof: Proof) -> tuple[str, str, Outcome]:
        """Return the method and the field of a proof, and what came of it."""
        if proof.passkey is not None:
            return "passkey", "passkey", await self._passkeys.prove(user_id, proof.passkey)
        if proof.recovery_code is not None:
            outcome = await self._codes.check_recovery_code(user_id, proof.recovery_code)
            return "recovery", "recoveryCode", outcome
        return "totp", "code", await self._codes.check(user_id, proof.code or "")
