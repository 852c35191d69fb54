"""The rows of the route table that finish a sign-in whose first factor was right.

Laws: whoever comes here is nobody yet: the challenge says whose sign-in it is, takes a few answers
and signs in once. A second factor of somebody else is as wrong as any.
"""

from gateway.access.budgets import Budget
from gateway.accounts.passkeys.answers import AssertionAnswer
from gateway.accounts.passkeys.passkeys import Passkeys
from gateway.accounts.passkeys.views import PasskeyRequestView
from gateway.accounts.second_factor.challenges import OVER, Challenges, ChallengeText
from gateway.accounts.second_factor.proofs import CodeText, Proof, Proofs, RecoveryCodeText
from gateway.accounts.sessions.answers import ACCOUNT_ERRORS, SignedInView, SignInAnswers
from gateway.accounts.sessions.client import client_of
from gateway.accounts.sessions.sign_in import LOGIN, SignIn
from gateway.http.request import Request
from gateway.http.routing import Access, Route
from gateway.wire.errors import Conflict, Unauthorized, Unavailable
from gateway.wire.strict_json import BodyStruct
from persistence.errors import PasswordOvertaken
from persistence.repositories.audit import AuditLog, AuditTrail
from persistence.repositories.people.users import Users


class VerifyBody(BodyStruct, frozen=True):
    """The challenge of a sign-in, and one of the three that answers it."""

    challenge: ChallengeText
    code: CodeText | None = None
    recovery_code: RecoveryCodeText | None = None
    passkey: AssertionAnswer | None = None


class ChallengeBody(BodyStruct, frozen=True):
    """The challenge of a sign-in."""

    challenge: ChallengeText


class SecondFactorSignInRoutes:
    """Finishes sign-ins."""

    def __init__(
        self,
        challenges: Challenges,
        proofs: Proofs,
        passkeys: Passkeys,
        users: Users,
        audit: AuditLog,
        sign_in: SignIn,
        answers: SignInAnswers,
    ) -> None:
        self._challenges = challenges
        self._proofs = proofs
        self._passkeys = passkeys
        self._users = users
        self._audit = audit
        self._sign_in = sign_in
        self._answers = answers

    async def verify(self, request: Request[VerifyBody, None]) -> SignedInView:
        """Sign in with the second factor."""
        body, request_id = request.body, request.request_id
        proof = Proof(code=body.code, recovery_code=body.recovery_code, passkey=body.passkey)
        proof.require_one()
        trail, user_id = AuditTrail(self._audit, request_id), None
        try:
            waiting = await self._challenges.attempt(body.challenge)
            user_id = waiting.user_id
            await self._proofs.require(user_id, proof, request.address, request_id, Unauthorized)
            password_hash = await self._challenges.finish(body.challenge, waiting.way)
        except Unauthorized:
            # Whose the challenge is; nobody's, if it isn't one. Who has sent it may be anybody.
            target = None if user_id is None else f"user:{user_id}"
            await trail.note(None, LOGIN, target, "refused")
            raise
        user = await self._users.by_id(user_id)
        if user is None:
            raise Unauthorized
        client = client_of(request)
        try:
            signed_in = await self._sign_in.proved(
                user, client, request_id, waiting.way, password_hash
            )
        except PasswordOvertaken:
            await trail.note(None, LOGIN, f"user:{user_id}", "overtaken")
            raise Unauthorized(OVER) from None
        return self._answers.of(request, signed_in)

    async def options(self, request: Request[ChallengeBody, None]) -> PasskeyRequestView:
        """Return what a browser needs to answer a challenge with a passkey of the account."""
        waiting = await self._challenges.find(request.body.challenge)
        return PasskeyRequestView(await self._passkeys.begin_proof(waiting.user_id))

    def routes(self) -> tuple[Route, ...]:
        """Return the rows."""
        return (
            Route(
                method="POST",
                path="/auth/2fa/verify",
                handler=self.verify,
                access=Access.PUBLIC,
                body=VerifyBody,
                answer=SignedInView,
                errors=(Unauthorized, *ACCOUNT_ERRORS),
                budget=Budget.SIGN_IN,
                summary="Finish a sign-in with the second factor",
                tag="auth",
            ),
            Route(
                method="POST",
                path="/auth/2fa/options",
                handler=self.options,
                access=Access.PUBLIC,
                body=ChallengeBody,
                answer=PasskeyRequestView,
                errors=(Unauthorized, Conflict, Unavailable),
                budget=Budget.SIGN_IN,
                summary="Get what a browser needs to finish a sign-in by a passkey",
                tag="auth",
            ),
        )
