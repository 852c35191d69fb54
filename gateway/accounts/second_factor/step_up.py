"""The rows of the route table under /auth/step-up: proving again who one is, for a fresh login.

Laws: an account with a second factor is asked for that one, since a password may be known by
whoever holds the token; a password that comes beside it has to be right, too. An account without is
asked for its password.
"""

from typing import Annotated

import msgspec

from gateway.access.api_keys.standing import Scope
from gateway.accounts.fields import TRIED_PASSWORD_LENGTH
from gateway.accounts.passkeys.answers import AssertionAnswer
from gateway.accounts.passkeys.passkeys import Passkeys
from gateway.accounts.passkeys.views import PasskeyRequestView
from gateway.accounts.passwords.guard import PasswordGuard
from gateway.accounts.second_factor.proofs import CodeText, Proof, Proofs, RecoveryCodeText
from gateway.accounts.sessions.fresh import FreshLogin
from gateway.http.request import Request
from gateway.http.routing import Access, Route
from gateway.wire.errors import Conflict, Forbidden, Unavailable, ValidationFailed
from gateway.wire.scalars import iso_millis
from gateway.wire.strict_json import AnswerStruct, BodyStruct
from persistence.repositories.second_factor.factors import FactorRows

NEEDS_FACTOR = "is required, or recoveryCode or passkey: the account has a second factor"
HAS_NO_FACTOR = "is of no use: the account has no second factor"
TriedPasswordText = Annotated[str, msgspec.Meta(max_length=TRIED_PASSWORD_LENGTH)]


class StepUpBody(BodyStruct, frozen=True):
    """What proves who one is: the second factor where there is one, else the password."""

    password: TriedPasswordText | None = None
    code: CodeText | None = None
    recovery_code: RecoveryCodeText | None = None
    passkey: AssertionAnswer | None = None


class FreshView(AnswerStruct, frozen=True):
    """Until when the session may do what asks for a fresh login."""

    fresh_until: str


class StepUpRoutes:
    """Lets people prove again who they are."""

    def __init__(
        self,
        factors: FactorRows,
        proofs: Proofs,
        passkeys: Passkeys,
        guard: PasswordGuard,
        fresh: FreshLogin,
    ) -> None:
        self._factors = factors
        self._proofs = proofs
        self._passkeys = passkeys
        self._guard = guard
        self._fresh = fresh

    async def step_up(self, request: Request[StepUpBody, None]) -> FreshView:
        """Take what proves who one is for a fresh login of the session that calls."""
        caller, body = request.principal, request.body
        proof = Proof(code=body.code, recovery_code=body.recovery_code, passkey=body.passkey)
        has_factor = await self._factors.has(caller.user_id)
        if has_factor and proof.count == 0:
            raise ValidationFailed.of("code", NEEDS_FACTOR)
        if not has_factor and proof.count > 0:
            raise ValidationFailed.of("code", HAS_NO_FACTOR)
        if not has_factor and body.password is None:
            raise ValidationFailed.of("password", "is required")
        address, request_id = request.address, request.request_id
        if body.password is not None:
            await self._guard.require(
                caller.user_id, body.password, address, request_id, "password"
            )
        if has_factor:
            await self._proofs.require(caller.user_id, proof, address, request_id, Forbidden)
        return FreshView(iso_millis(await self._fresh.prove(caller, request_id)))

    async def options(self, request: Request[None, None]) -> PasskeyRequestView:
        """Return what a browser needs to use one of the caller's passkeys."""
        return PasskeyRequestView(await self._passkeys.begin_proof(request.user_id))

    def routes(self) -> tuple[Route, ...]:
        """Return the rows."""
        return (
            Route(
                method="POST",
                path="/auth/step-up",
                handler=self.step_up,
                access=Access.USER,
                scope=Scope.OWNER,
                body=StepUpBody,
                answer=FreshView,
                errors=(Forbidden, Unavailable),
                summary="Prove again who one is, for what asks for a fresh login",
                tag="auth",
            ),
            Route(
                method="POST",
                path="/auth/step-up/options",
                handler=self.options,
                access=Access.USER,
                scope=Scope.OWNER,
                answer=PasskeyRequestView,
                errors=(Conflict, Unavailable),
                summary="Get what a browser needs to step up by a passkey",
                tag="auth",
            ),
        )
