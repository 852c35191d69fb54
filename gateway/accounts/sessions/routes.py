"""The rows of the route table under /auth."""

from typing import Annotated, Final

import msgspec

from gateway.access.api_keys.standing import Scope
from gateway.access.budgets import Budget
from gateway.accounts.fields import (
    DISPLAY_NAME_LENGTH,
    EMAIL_LENGTH,
    TRIED_PASSWORD_LENGTH,
    display_name,
    email_address,
)
from gateway.accounts.invitations import ReferralText
from gateway.accounts.passwords.choice import PasswordChoice, PasswordText
from gateway.accounts.profile.views import UserView
from gateway.accounts.sessions.answers import ACCOUNT_ERRORS, SignedInView, SignInAnswers
from gateway.accounts.sessions.client import client_of
from gateway.accounts.sessions.cookies import REFRESH
from gateway.accounts.sessions.live import LiveSessions
from gateway.accounts.sessions.sign_in import SignIn, require_open
from gateway.engine_side.readiness import Readiness, ViewFeed
from gateway.http.request import Request
from gateway.http.routing import Access, Route
from gateway.wire.errors import (
    Conflict,
    Forbidden,
    NotFound,
    SecondFactorRequired,
    Unauthorized,
)
from gateway.wire.strict_json import AnswerStruct, BodyStruct
from persistence.repositories.people.users import Users

EmailText = Annotated[str, msgspec.Meta(max_length=EMAIL_LENGTH, description="e-mail address")]
TriedPasswordText = Annotated[str, msgspec.Meta(max_length=TRIED_PASSWORD_LENGTH)]
NameText = Annotated[
    str,
    msgspec.Meta(max_length=DISPLAY_NAME_LENGTH, description="public name; unset: Trader-<id>"),
]


NO_COOKIE: Final = f"There is no {REFRESH} cookie of ours; log in"


class RegisterBody(BodyStruct, frozen=True):
    """Who wants an account."""

    email: EmailText
    password: PasswordText
    display_name: NameText | None = None
    referral_code: ReferralText | None = None


class LoginBody(BodyStruct, frozen=True):
    """Who wants in."""

    email: EmailText
    password: TriedPasswordText


class MeView(AnswerStruct, frozen=True):
    """The caller."""

    user: UserView


class AccountRoutes:
    """Signs people in and out."""

    def __init__(
        self,
        sign_in: SignIn,
        live: LiveSessions,
        users: Users,
        readiness: Readiness,
        feed: ViewFeed,
        answers: SignInAnswers,
        choice: PasswordChoice,
    ) -> None:
        self._sign_in = sign_in
        self._live = live
        self._users = users
        self._readiness = readiness
        self._feed = feed
        self._answers = answers
        self._choice = choice

    async def register(self, request: Request[RegisterBody, None]) -> SignedInView:
        """Add a user, open the account with its starting credits, sign in."""
        body = request.body
        email = email_address(body.email)
        name = display_name(body.display_name)
        password = self._choice.require(body.password, "password", email, name)
        require_open(self._readiness, self._feed)
        signed_in = await self._sign_in.register(
            email,
            password,
            name,
            client_of(request),
            request.address,
            request.request_id,
            body.referral_code,
        )
        return self._answers.of(request, signed_in)

    async def login(self, request: Request[LoginBody, None]) -> SignedInView:
        """Sign in."""
        email = email_address(request.body.email)
        signed_in = await self._sign_in.login(
            email,
            request.body.password,
            client_of(request),
            request.address,
            request.request_id,
        )
        return self._answers.of(request, signed_in)

    async def refresh(self, request: Request[None, None]) -> SignedInView:
        """Turn the cookie's refresh token into a new pair of tokens."""
        token = await self._answers.refresh_token(request)
        if token is None:
            raise Unauthorized(NO_COOKIE)
        signed_in = await self._live.refresh(token, client_of(request), request.request_id)
        return self._answers.of(request, signed_in)

    async def logout(self, request: Request[None, None]) -> None:
        """End the session of the access token, of the cookie, or of both."""
        token = await self._answers.refresh_token(request)
        await self._live.logout(request.caller, token, request.request_id)
        self._answers.forget(request)

    async def me(self, request: Request[None, None]) -> MeView:
        """Return the caller."""
        user = await self._users.by_id(request.user_id)
        if user is None:
            raise NotFound
        return MeView(UserView.of(user))

    def routes(self) -> tuple[Route, ...]:
        """Return the rows."""
        return (
            Route(
                method="POST",
                path="/auth/register",
                handler=self.register,
                access=Access.PUBLIC,
                body=RegisterBody,
                answer=SignedInView,
                status=201,
                errors=(Conflict, *ACCOUNT_ERRORS),
                budget=Budget.SIGN_IN,
                summary="Register and sign in",
                tag="auth",
            ),
            Route(
                method="POST",
                path="/auth/login",
                handler=self.login,
                access=Access.PUBLIC,
                body=LoginBody,
                answer=SignedInView,
                errors=(Unauthorized, SecondFactorRequired, *ACCOUNT_ERRORS),
                budget=Budget.SIGN_IN,
                summary="Sign in",
                tag="auth",
            ),
            Route(
                method="POST",
                path="/auth/refresh",
                handler=self.refresh,
                access=Access.PUBLIC,
                answer=SignedInView,
                errors=(Unauthorized, Forbidden),
                budget=Budget.RENEWAL,
                summary="Renew the tokens with the cookie and a header X-Requested-With",
                tag="auth",
            ),
            Route(
                method="POST",
                path="/auth/logout",
                handler=self.logout,
                access=Access.PUBLIC,
                answer=None,
                errors=(Forbidden,),
                budget=Budget.RENEWAL,
                summary="End the session",
                tag="auth",
            ),
            Route(
                method="GET",
                path="/auth/me",
                handler=self.me,
                access=Access.USER,
                scope=Scope.OWNER,
                answer=MeView,
                summary="Show the caller",
                tag="auth",
            ),
        )
