"""What whoever has signed in is answered, in whichever way: who it is, a token, the cookie."""

from typing import Final

from gateway.accounts.profile.views import UserView
from gateway.accounts.sessions.cookies import CookieOrigins, read_refresh_cookie, refresh_cookie
from gateway.accounts.sessions.live import SignedIn
from gateway.accounts.sessions.refusals import Refusal, Refusals
from gateway.http.request import AnyRequest
from gateway.wire.errors import Forbidden, Refused, Unavailable, UnknownOutcome
from gateway.wire.strict_json import AnswerStruct

ACCOUNT_ERRORS: Final = (Refused, Unavailable, UnknownOutcome)
"""What opening the account in the exchange may come to."""


class SignedInView(AnswerStruct, frozen=True):
    """A sign-in; the refresh token travels in a cookie beside it."""

    user: UserView
    access_token: str
    expires_in: int
    """Seconds."""


class SignInAnswers:
    """Makes the answers, and reads the cookie that comes back."""

    def __init__(self, origins: CookieOrigins, refusals: Refusals) -> None:
        self.origins = origins
        self._refusals = refusals

    def of(self, request: AnyRequest, signed_in: SignedIn) -> SignedInView:
        """Return the answer, and set its cookie."""
        self._set_cookie(request, signed_in.refresh_token, signed_in.refresh_expires_in)
        user = UserView.of(signed_in.user)
        return SignedInView(user, signed_in.access_token, signed_in.expires_in)

    def forget(self, request: AnyRequest) -> None:
        """Take the cookie away."""
        self._set_cookie(request, "", 0)

    async def refresh_token(self, request: AnyRequest) -> str | None:
        """Return the refresh token that came along; raises Forbidden where it may not count."""
        token = read_refresh_cookie(request.header(b"cookie"))
        if token is not None:
            await self.check_cookie(request)
        return token

    async def check_cookie(self, request: AnyRequest) -> None:
        """Raise Forbidden where a cookie of ours may not count, which is in the audit log."""
        try:
            self.origins.check(request)
        except Forbidden as error:
            refusal = Refusal.NO_HEADER if error.details else Refusal.FOREIGN_ORIGIN
            await self._refusals.note(refusal)
            raise

    def _set_cookie(self, request: AnyRequest, token: str, max_age: int) -> None:
        other_sites = self.origins.other_sites
        cookie = refresh_cookie(token, max_age, request.is_https, for_other_sites=other_sites)
        request.reply_headers.append(cookie)
