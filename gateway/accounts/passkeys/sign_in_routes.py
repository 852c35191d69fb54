"""The rows of the route table under /auth/passkeys: signing in with nothing but a passkey.

Laws: it is both factors in one, the device and whom the device has verified, so no other one is
asked for. Whatever is wrong with it, the answer is the same.
"""

from typing import Final

from gateway.access.budgets import Budget
from gateway.accounts.passkeys.answers import AssertionAnswer
from gateway.accounts.passkeys.passkeys import Passkeys
from gateway.accounts.passkeys.views import PasskeyRequestView
from gateway.accounts.passwords.attempts import Attempts
from gateway.accounts.second_factor.codes import Outcome
from gateway.accounts.sessions.answers import ACCOUNT_ERRORS, SignedInView, SignInAnswers
from gateway.accounts.sessions.client import client_of
from gateway.accounts.sessions.sign_in import LOGIN, SignIn
from gateway.http.request import Request
from gateway.http.routing import Access, Route
from gateway.wire.errors import Unauthorized, Unavailable
from gateway.wire.strict_json import BodyStruct
from persistence.repositories.audit import AuditLog, AuditTrail
from persistence.repositories.people.users import Users

WAY: Final = "passkey"
WRONG: Final = "No account has this passkey, or this is not its answer to what was asked"


class PasskeySignInBody(BodyStruct, frozen=True):
    """The use of a passkey, as its browser tells of it."""

    passkey: AssertionAnswer


class PasskeySignInRoutes:
    """Signs people in."""

    def __init__(
        self,
        passkeys: Passkeys,
        users: Users,
        attempts: Attempts,
        audit: AuditLog,
        sign_in: SignIn,
        answers: SignInAnswers,
    ) -> None:
        self._passkeys = passkeys
        self._users = users
        self._attempts = attempts
        self._audit = audit
        self._sign_in = sign_in
        self._answers = answers

    async def options(self, request: Request[None, None]) -> PasskeyRequestView:
        """Return what a browser needs to let somebody choose a passkey."""
        await self._attempts.count_address(request.address)
        return PasskeyRequestView(await self._passkeys.begin_sign_in())

    async def sign_in(self, request: Request[PasskeySignInBody, None]) -> SignedInView:
        """Sign in with a passkey."""
        trail = AuditTrail(self._audit, request.request_id)
        user_id, outcome = await self._passkeys.owner(request.body.passkey)
        user = None if user_id is None else await self._users.by_id(user_id)
        if user is None or outcome is not Outcome.OK:
            target = WAY if user_id is None else f"user:{user_id} {WAY}"
            await trail.note(None, LOGIN, target, outcome.value)
            raise Unauthorized(WRONG)
        client = client_of(request)
        return self._answers.of(
            request, await self._sign_in.proved(user, client, request.request_id, WAY)
        )

    def routes(self) -> tuple[Route, ...]:
        """Return the rows."""
        return (
            Route(
                method="POST",
                path="/auth/passkeys/options",
                handler=self.options,
                access=Access.PUBLIC,
                answer=PasskeyRequestView,
                errors=(Unavailable,),
                budget=Budget.SIGN_IN,
                summary="Get what a browser needs to sign in by a passkey",
                tag="auth",
            ),
            Route(
                method="POST",
                path="/auth/passkeys",
                handler=self.sign_in,
                access=Access.PUBLIC,
                body=PasskeySignInBody,
                answer=SignedInView,
                errors=(Unauthorized, *ACCOUNT_ERRORS),
                budget=Budget.SIGN_IN,
                summary="Sign in by a passkey",
                tag="auth",
            ),
        )
