"""The rows of the route table under /auth/2fa/passkeys: looking after one's own.

Laws: making one and taking one away asks for a fresh login; somebody else's is a 404.
"""

from typing import Annotated

import msgspec

from gateway.access.api_keys.standing import Scope
from gateway.accounts.api_keys.fields import LABEL_LENGTH, label
from gateway.accounts.passkeys.answers import RegistrationAnswer
from gateway.accounts.passkeys.passkeys import Passkeys
from gateway.accounts.passkeys.views import PasskeyCreationView, PasskeyView
from gateway.accounts.second_factor.changes import FactorChanges
from gateway.accounts.second_factor.recovery_codes import code_hashes, new_codes
from gateway.accounts.sessions.fresh import FreshLogin
from gateway.http.paging import PageQuery, page_of
from gateway.http.request import Page, Request
from gateway.http.routing import Access, Route, Shape
from gateway.http.settings import PageLimits
from gateway.wire.errors import (
    Conflict,
    FreshLoginRequired,
    LimitReached,
    NotFound,
    Unavailable,
)
from gateway.wire.strict_json import AnswerStruct, BodyStruct
from persistence.repositories.people.users import Users

LabelText = Annotated[
    str, msgspec.Meta(min_length=1, max_length=LABEL_LENGTH, description="which device it is on")
]


class NewPasskeyBody(BodyStruct, frozen=True):
    """A passkey that was made, as its browser tells of it."""

    label: LabelText
    passkey: RegistrationAnswer


class PasskeyChangeBody(BodyStruct, frozen=True):
    """The label that it gets."""

    label: LabelText


class NewPasskeyView(AnswerStruct, frozen=True):
    """A passkey that was added; recovery codes come with the first factor, shown this once."""

    passkey: PasskeyView
    recovery_codes: list[str]


class PasskeyRoutes:
    """Looks after one's passkeys."""

    def __init__(
        self,
        passkeys: Passkeys,
        users: Users,
        fresh: FreshLogin,
        changes: FactorChanges,
        pages: PageLimits,
        *,
        admins_need_one: bool,
    ) -> None:
        self._passkeys = passkeys
        self._users = users
        self._fresh = fresh
        self._changes = changes
        self._pages = pages
        self._admins_need_one = admins_need_one

    async def list_passkeys(self, request: Request[None, PageQuery]) -> Page[PasskeyView]:
        """Return one page of the caller's passkeys, oldest first."""
        limit, offset = request.query.bounds(self._pages)
        after = request.query.number() or 0
        rows = await self._passkeys.of_user(request.user_id)
        found = [row for row in rows if row.id > after][offset : offset + limit + 1]
        return page_of(found, limit, offset, len(rows), PasskeyView.of, lambda row: str(row.id))

    async def begin(self, request: Request[None, None]) -> PasskeyCreationView:
        """Return what a browser needs to make a passkey."""
        await self._fresh.require(request.principal)
        user = await self._users.by_id(request.user_id)
        if user is None:
            raise NotFound
        return PasskeyCreationView(await self._passkeys.begin_registration(user))

    async def add(self, request: Request[NewPasskeyBody, None]) -> NewPasskeyView:
        """Add the passkey that was made."""
        text = label(request.body.label)
        await self._fresh.require(request.principal)
        user_id, codes = request.user_id, new_codes()
        row, is_first = await self._passkeys.register(
            user_id, text, request.body.passkey, code_hashes(user_id, codes)
        )
        await self._changes.made(
            request.principal,
            request.request_id,
            "user.passkey.add",
            "a passkey was added",
            subject=f"passkey:{row.id}",
            ends_others=is_first,
        )
        return NewPasskeyView(PasskeyView.of(row), codes if is_first else [])

    async def rename(self, request: Request[PasskeyChangeBody, None]) -> PasskeyView:
        """Give a passkey another label."""
        text, number = label(request.body.label), request.path_id("id")
        return PasskeyView.of(await self._passkeys.rename(request.user_id, number, text))

    async def remove(self, request: Request[None, None]) -> None:
        """Take a passkey away."""
        number = request.path_id("id")
        await self._fresh.require(request.principal)
        await self._passkeys.remove(request.user_id, number, admins_need_one=self._admins_need_one)
        await self._changes.made(
            request.principal,
            request.request_id,
            "user.passkey.remove",
            "a passkey was removed",
            subject=f"passkey:{number}",
            ends_others=True,
        )

    def routes(self) -> tuple[Route, ...]:
        """Return the rows."""
        return (
            Route(
                method="GET",
                path="/auth/2fa/passkeys",
                handler=self.list_passkeys,
                access=Access.USER,
                scope=Scope.OWNER,
                query=PageQuery,
                answer=PasskeyView,
                shape=Shape.PAGE,
                summary="List one's passkeys",
                tag="auth",
            ),
            Route(
                method="POST",
                path="/auth/2fa/passkeys/options",
                handler=self.begin,
                access=Access.USER,
                scope=Scope.OWNER,
                answer=PasskeyCreationView,
                errors=(FreshLoginRequired, LimitReached, NotFound, Unavailable),
                summary="Get what a browser needs to make a passkey",
                tag="auth",
            ),
            Route(
                method="POST",
                path="/auth/2fa/passkeys",
                handler=self.add,
                access=Access.USER,
                scope=Scope.OWNER,
                body=NewPasskeyBody,
                answer=NewPasskeyView,
                status=201,
                errors=(Conflict, FreshLoginRequired, LimitReached, Unavailable),
                summary="Add a passkey that was made",
                tag="auth",
            ),
            Route(
                method="PATCH",
                path="/auth/2fa/passkeys/{id}",
                handler=self.rename,
                access=Access.USER,
                scope=Scope.OWNER,
                body=PasskeyChangeBody,
                answer=PasskeyView,
                errors=(NotFound,),
                summary="Give a passkey another label",
                tag="auth",
            ),
            Route(
                method="DELETE",
                path="/auth/2fa/passkeys/{id}",
                handler=self.remove,
                access=Access.USER,
                scope=Scope.OWNER,
                answer=None,
                errors=(Conflict, FreshLoginRequired, NotFound),
                summary="Take a passkey away",
                tag="auth",
            ),
        )
