"""The rows of the route table under /users: the caller's own profile and preferences, and of
anybody what its owner lets be seen.

Laws: `/users/me` is always the caller's; nobody changes somebody else's. A profile that is public
holds the id and the display name, which stand beside what one does in public, and what its owner's
preferences show. Looked up by a name that isn't shown, somebody is nobody.
"""

from typing import Annotated

import msgspec

from gateway.access.api_keys.standing import Scope
from gateway.accounts.fields import (
    AVATAR_URL_LENGTH,
    AVATAR_URL_PATTERN,
    DISPLAY_NAME_LENGTH,
    EMAIL_LENGTH,
    USERNAME_LENGTH,
    USERNAME_PATTERN,
    avatar_url,
    display_name,
    email_address,
    username,
)
from gateway.accounts.mail.addresses import Addresses
from gateway.accounts.profile.preferences import Preferences, storable, stored_preferences
from gateway.accounts.profile.views import UserView
from gateway.http.request import AnyRequest, Request
from gateway.http.routing import Access, Route
from gateway.wire.errors import Conflict, Detail, FreshLoginRequired, NotFound
from gateway.wire.scalars import iso_millis, parse_id
from gateway.wire.strict_json import AnswerStruct, BodyStruct
from persistence.errors import AlreadyThere
from persistence.repositories.audit import AuditLog, AuditTrail
from persistence.repositories.people.users import ProfileChanges, User, Users
from persistence.repositories.people.ways_in import WaysIn

DisplayNameText = Annotated[
    str,
    msgspec.Meta(
        min_length=1,
        max_length=DISPLAY_NAME_LENGTH,
        description="public name; null: Trader-<id>",
    ),
]
UsernameText = Annotated[
    str,
    msgspec.Meta(
        min_length=USERNAME_LENGTH[0],
        max_length=USERNAME_LENGTH[1],
        description="public name that nobody else has, whatever its case; null: none",
        extra_json_schema={"pattern": USERNAME_PATTERN},
    ),
]
AvatarUrlText = Annotated[
    str,
    msgspec.Meta(
        max_length=AVATAR_URL_LENGTH,
        description="address of a picture, https, never fetched by the exchange; null: none",
        extra_json_schema={"pattern": AVATAR_URL_PATTERN},
    ),
]
NewEmailText = Annotated[
    str,
    msgspec.Meta(
        max_length=EMAIL_LENGTH,
        description="e-mail address, which becomes the account's when it is confirmed by mail;"
        " null: none; asks for a fresh login",
    ),
]


class ProfileBody(BodyStruct, frozen=True):
    """What is to change; null takes a thing away, what isn't given stays."""

    display_name: DisplayNameText | msgspec.UnsetType | None = msgspec.UNSET
    username: UsernameText | msgspec.UnsetType | None = msgspec.UNSET
    avatar_url: AvatarUrlText | msgspec.UnsetType | None = msgspec.UNSET
    email: NewEmailText | msgspec.UnsetType | None = msgspec.UNSET


class ProfileView(UserView, frozen=True):
    """The caller, and by what one can sign in to the account."""

    ways_in: list[str]
    pending_email: str | None
    """The address that was asked for, until it is confirmed."""


class PublicProfileView(AnswerStruct, frozen=True):
    """Somebody, as others see them; what the owner doesn't show is null."""

    id: str
    display_name: str
    username: str | None
    avatar_url: str | None
    created_at: str | None


def public_profile(user: User, preferences: Preferences) -> PublicProfileView:
    """Return what others see of a user."""
    shown = preferences.profile
    return PublicProfileView(
        str(user.id),
        user.display_name,
        user.username if shown.username else None,
        user.avatar_url if shown.avatar_url else None,
        iso_millis(user.created_at) if shown.created_at else None,
    )


class ProfileRoutes:
    """Shows people, and lets them say who they are."""

    def __init__(self, users: Users, ways: WaysIn, audit: AuditLog, addresses: Addresses) -> None:
        self._users = users
        self._ways = ways
        self._audit = audit
        self._addresses = addresses

    async def show(self, request: AnyRequest) -> ProfileView:
        """Return the caller's profile."""
        user = await self._users.by_id(request.user_id)
        if user is None:
            raise NotFound
        return await self._whole(user)

    async def change(self, request: Request[ProfileBody, None]) -> ProfileView:
        """Change what the body names, all of it or nothing; an address once it is confirmed."""
        changes, email = _changes(request.body), request.body.email
        if isinstance(email, str):
            email = email_address(email)
        if email is not msgspec.UNSET:
            await self._addresses.require_change(request.principal, email, request.address)
        trail = AuditTrail(self._audit, request.request_id)
        target = f"user:{request.user_id}"
        try:
            user = await self._users.update(request.user_id, changes)
        except AlreadyThere:
            await trail.note(request.user_id, "user.profile", target, "username taken")
            message = "somebody has this username already"
            raise Conflict(f"username: {message}", details=(Detail("username", message),)) from None
        if user is None:
            raise NotFound
        await trail.note(request.user_id, "user.profile", target, "ok")
        if email is not msgspec.UNSET:
            await self._addresses.change(request.principal, email, request.request_id)
            return await self.show(request)
        return await self._whole(user)

    async def show_preferences(self, request: Request[None, None]) -> Preferences:
        """Return the caller's preferences."""
        return stored_preferences(await self._users.preferences(request.user_id))

    async def set_preferences(self, request: Request[Preferences, None]) -> Preferences:
        """Replace the caller's preferences."""
        await self._users.set_preferences(request.user_id, storable(request.body))
        return request.body

    async def show_other(self, request: Request[None, None]) -> PublicProfileView:
        """Return what somebody lets be seen."""
        name = request.path["id"]
        number = parse_id(name)
        if number is not None:
            user = await self._users.by_id(number)
        else:
            user = await self._users.by_username(name)
        if user is None:
            raise NotFound
        preferences = stored_preferences(await self._users.preferences(user.id))
        if number is None and not preferences.profile.username:
            raise NotFound
        return public_profile(user, preferences)

    async def _whole(self, user: User) -> ProfileView:
        ways, pending = await self._ways.of(user.id), await self._addresses.pending(user.id)
        shown = msgspec.structs.asdict(UserView.of(user))
        return ProfileView(**shown, ways_in=ways, pending_email=pending)

    def routes(self) -> tuple[Route, ...]:
        """Return the rows."""
        return (
            Route(
                method="GET",
                path="/users/me",
                handler=self.show,
                access=Access.USER,
                scope=Scope.OWNER,
                answer=ProfileView,
                errors=(NotFound,),
                summary="Show one's own profile",
                tag="users",
            ),
            Route(
                method="PATCH",
                path="/users/me",
                handler=self.change,
                access=Access.USER,
                scope=Scope.OWNER,
                body=ProfileBody,
                answer=ProfileView,
                errors=(NotFound, Conflict, FreshLoginRequired),
                summary="Change one's own profile",
                tag="users",
            ),
            Route(
                method="GET",
                path="/users/me/preferences",
                handler=self.show_preferences,
                access=Access.USER,
                scope=Scope.OWNER,
                answer=Preferences,
                summary="Show one's own preferences",
                tag="users",
            ),
            Route(
                method="PUT",
                path="/users/me/preferences",
                handler=self.set_preferences,
                access=Access.USER,
                scope=Scope.OWNER,
                body=Preferences,
                answer=Preferences,
                summary="Replace one's own preferences",
                tag="users",
            ),
            Route(
                method="GET",
                path="/users/{id}",
                handler=self.show_other,
                access=Access.PUBLIC,
                answer=PublicProfileView,
                errors=(NotFound,),
                summary="Show what somebody lets be seen, by id or username",
                tag="users",
            ),
        )


def _changes(body: ProfileBody) -> ProfileChanges:
    """Return the changes as they are stored; raises ValidationFailed."""
    name, handle, picture = body.display_name, body.username, body.avatar_url
    return ProfileChanges(
        display_name=display_name(name) if isinstance(name, str) else name,
        username=username(handle) if isinstance(handle, str) else handle,
        avatar_url=avatar_url(picture) if isinstance(picture, str) else picture,
    )
