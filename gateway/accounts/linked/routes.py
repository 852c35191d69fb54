"""The rows of the route table about accounts elsewhere: the way there and back under /auth, one's
own links under /users/me.

Laws: whatever goes wrong on the way back is told to a page, behind "#", where it is sent to nobody;
it is one of `Failure`'s words.
"""

from functools import partial
from typing import Annotated, Final

import msgspec

from gateway.access.api_keys.standing import Scope
from gateway.access.budgets import Budget
from gateway.accounts.invitations import ReferralText
from gateway.accounts.linked.browsers import browser_cookie, browser_of, new_secret
from gateway.accounts.linked.links import PROVIDERS, Linking, Returned
from gateway.accounts.linked.providers import SignInFailed
from gateway.accounts.sessions.answers import ACCOUNT_ERRORS, SignedInView, SignInAnswers
from gateway.accounts.sessions.client import client_of
from gateway.http.request import AnyRequest, Redirect, Request
from gateway.http.routing import Access, Route, Shape
from gateway.wire.errors import (
    Conflict,
    Forbidden,
    FreshLoginRequired,
    NotFound,
    RateLimited,
    SecondFactorRequired,
    Unauthorized,
    Unavailable,
)
from gateway.wire.scalars import iso_millis
from gateway.wire.strict_json import AnswerStruct, BodyStruct, QueryStruct
from persistence.repositories.people.linked_accounts import Link

STATE_LENGTH: Final = 64
CODE_LENGTH: Final = 1_024
"""Of a provider's code; theirs have some hundreds of characters."""
StateText = Annotated[str, msgspec.Meta(max_length=STATE_LENGTH, description="what we sent along")]
ProviderCodeText = Annotated[
    str, msgspec.Meta(max_length=CODE_LENGTH, description="the provider's code")
]
ErrorText = Annotated[
    str, msgspec.Meta(max_length=CODE_LENGTH, description="why the provider has refused")
]
CodeText = Annotated[
    str, msgspec.Meta(min_length=43, max_length=43, description="what the page was given")
]


class CallbackQuery(QueryStruct, frozen=True, forbid_unknown_fields=False):
    """What a provider sends a browser back with; providers add what they like."""

    state: StateText = ""
    code: ProviderCodeText | None = None
    error: ErrorText | None = None


class CodeBody(BodyStruct, frozen=True):
    """The code that a page was given behind "#"."""

    code: CodeText
    referral_code: ReferralText | None = None


class LinkView(AnswerStruct, frozen=True):
    """An account elsewhere; `label` is by what it is known there."""

    provider: str
    label: str | None
    linked_at: str
    last_used_at: str


class LinksView(AnswerStruct, frozen=True):
    """The caller's links, one of each provider at most."""

    links: list[LinkView]


class WayView(AnswerStruct, frozen=True):
    """Where the browser goes to sign in at the provider."""

    url: str


def link_view(link: Link) -> LinkView:
    """Return what its owner is shown of a link."""
    return LinkView(
        link.provider, link.label, iso_millis(link.created_at), iso_millis(link.last_used_at)
    )


class LinkedRoutes:
    """Signs people in by accounts elsewhere, and lets them look after these."""

    def __init__(
        self, service: Linking, answers: SignInAnswers, pages_url: str, cookie_lasts_s: int
    ) -> None:
        self._service = service
        self._answers = answers
        self._origins = answers.origins
        self._pages_url = pages_url
        self._cookie_lasts_s = cookie_lasts_s

    async def begin(self, name: str, request: AnyRequest) -> Redirect:
        """Send a browser to a provider to sign in."""
        browser = self._browser(request)
        try:
            return Redirect(await self._service.begin(name, browser, request.address))
        except SignInFailed as error:
            return self._page("sign-in", f"error={error.failure}&provider={name}")

    async def finish(self, name: str, request: Request[None, CallbackQuery]) -> Redirect:
        """Send a browser that comes back to the page that goes on."""
        query = request.query
        back = Returned(query.state, query.code, query.error)
        browser = browser_of(request.header(b"cookie"))
        done = await self._service.finish(name, browser, back, request.address, request.request_id)
        page = "settings" if done.is_link else "sign-in"
        if done.failure is not None:
            return self._page(page, f"error={done.failure}&provider={name}")
        return self._page(page, f"linked={name}" if done.is_link else f"code={done.code}")

    async def exchange(self, request: Request[CodeBody, None]) -> SignedInView:
        """Sign in by the code that a page was given."""
        browser = browser_of(request.header(b"cookie"))
        if browser is not None:
            await self._answers.check_cookie(request)
        signed_in = await self._service.exchange(
            request.body.code,
            browser,
            client_of(request),
            request.address,
            request.request_id,
            request.body.referral_code,
        )
        return self._answers.of(request, signed_in)

    async def show(self, request: AnyRequest) -> LinksView:
        """Return the caller's links."""
        return LinksView([link_view(link) for link in await self._service.of_user(request.user_id)])

    async def begin_link(self, request: AnyRequest) -> WayView:
        """Return where the browser goes to link an account to the caller's."""
        browser = self._browser(request)
        url = await self._service.begin_link(
            request.path["provider"], browser, request.principal, request.address
        )
        return WayView(url)

    async def unlink(self, request: AnyRequest) -> None:
        """Unlink the caller's account at a provider."""
        await self._service.unlink(request.principal, request.path["provider"], request.request_id)

    def _browser(self, request: AnyRequest) -> str:
        """Return which browser it is, by its cookie, which lasts anew; another tab has the same."""
        browser = browser_of(request.header(b"cookie")) or new_secret()
        cookie = browser_cookie(
            browser,
            self._cookie_lasts_s,
            request.is_https,
            for_other_sites=self._origins.other_sites,
        )
        request.reply_headers.append(cookie)
        return browser

    def _page(self, page: str, told: str) -> Redirect:
        return Redirect(f"{self._pages_url}/{page}#{told}")

    def routes(self) -> tuple[Route, ...]:
        """Return the rows."""
        return (
            *(row for name in PROVIDERS for row in self._rows_of(name)),
            Route(
                method="POST",
                path="/auth/code",
                handler=self.exchange,
                access=Access.PUBLIC,
                body=CodeBody,
                answer=SignedInView,
                errors=(SecondFactorRequired, Forbidden, Unauthorized, *ACCOUNT_ERRORS),
                budget=Budget.SIGN_IN,
                summary="Sign in by the code of a page to which X or Google has led back",
                tag="auth",
            ),
            *self._own_rows(),
        )

    def _rows_of(self, name: str) -> tuple[Route, Route]:
        return (
            Route(
                method="GET",
                path=f"/auth/{name}",
                handler=partial(self.begin, name),
                access=Access.PUBLIC,
                scope=Scope.OWNER,
                answer=None,
                shape=Shape.REDIRECT,
                status=302,
                errors=(Unavailable,),
                budget=Budget.SIGN_IN,
                summary=f"Go to {PROVIDERS[name]} to sign in",
                tag="auth",
            ),
            Route(
                method="GET",
                path=f"/auth/{name}/callback",
                handler=partial(self.finish, name),
                access=Access.PUBLIC,
                scope=Scope.OWNER,
                query=CallbackQuery,
                answer=None,
                shape=Shape.REDIRECT,
                status=302,
                errors=(Unavailable,),
                budget=Budget.SIGN_IN,
                summary=f"Come back from {PROVIDERS[name]}",
                tag="auth",
            ),
        )

    def _own_rows(self) -> tuple[Route, ...]:
        return (
            Route(
                method="GET",
                path="/users/me/links",
                handler=self.show,
                access=Access.USER,
                scope=Scope.OWNER,
                answer=LinksView,
                summary="Show the accounts elsewhere that one can sign in by",
                tag="users",
            ),
            Route(
                method="POST",
                path="/users/me/links/{provider}",
                handler=self.begin_link,
                access=Access.USER,
                scope=Scope.OWNER,
                answer=WayView,
                errors=(Conflict, FreshLoginRequired, NotFound, RateLimited, Unavailable),
                summary="Begin to link an account of X or Google",
                tag="users",
            ),
            Route(
                method="DELETE",
                path="/users/me/links/{provider}",
                handler=self.unlink,
                access=Access.USER,
                scope=Scope.OWNER,
                answer=None,
                errors=(Conflict, FreshLoginRequired, NotFound),
                summary="Unlink an account of X or Google",
                tag="users",
            ),
        )
