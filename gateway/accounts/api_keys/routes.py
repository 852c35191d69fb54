"""The rows of the route table under /users/me/api-keys."""

import base64
from typing import Annotated, Final, Literal

import msgspec

from gateway.access.api_keys.standing import Scope
from gateway.accounts.api_keys.fields import (
    ALLOWED_LENGTH,
    ALLOWED_MAX,
    LABEL_LENGTH,
    allow_list,
    label,
)
from gateway.accounts.api_keys.keys import ApiKeys
from gateway.accounts.api_keys.signing import PUBLIC_KEY_LENGTH, Algorithm, public_key_bytes
from gateway.accounts.mail.notices import Notices
from gateway.accounts.sessions.fresh import FreshLogin
from gateway.http.paging import PageQuery, page_of
from gateway.http.request import Page, Request
from gateway.http.routing import Access, Route, Shape
from gateway.http.settings import PageLimits
from gateway.wire.errors import (
    FreshLoginRequired,
    LimitReached,
    NotFound,
    UnknownOutcome,
    ValidationFailed,
)
from gateway.wire.scalars import TimeText, iso_millis, parse_time, time_if_known
from gateway.wire.strict_json import AnswerStruct, BodyStruct
from persistence.clock import now_us
from persistence.postgres.database import OUTAGES
from persistence.repositories.api_keys.keys import ApiKeyRow

ScopeName = Literal["read", "trade"]
LabelText = Annotated[
    str,
    msgspec.Meta(
        min_length=1,
        max_length=LABEL_LENGTH,
        description="what it is for",
        extra_json_schema={"pattern": r"\S"},
    ),
]
PublicKeyText = Annotated[
    str,
    msgspec.Meta(
        max_length=PUBLIC_KEY_LENGTH,
        description="Ed25519 public key: its PEM, or the base64 of its 32 bytes",
    ),
]
AllowedText = Annotated[
    str,
    msgspec.Meta(
        min_length=1,
        max_length=ALLOWED_LENGTH,
        description="address or network; of IPv6 a /64 or larger",
        examples=["203.0.113.0/24"],
    ),
]
AllowList = Annotated[list[AllowedText], msgspec.Meta(max_length=ALLOWED_MAX)]
ScopeNames = Annotated[
    list[ScopeName], msgspec.Meta(min_length=1, max_length=2, description="read, and trade with it")
]
_DOUBTFUL: Final = "Whether that was done is not known; look at the list of keys"


class NewApiKeyBody(BodyStruct, frozen=True):
    """A key to be made; `publicKey` is for ed25519, where the private one stays with its owner."""

    label: LabelText
    algorithm: Algorithm
    scopes: ScopeNames
    public_key: PublicKeyText | None = None
    allow_list: AllowList | None = None
    """Where it may be used from; empty or unset: anywhere."""
    expires_at: TimeText | None = None


class ApiKeyChangeBody(BodyStruct, frozen=True):
    """What a key gets; what isn't given stays."""

    label: LabelText | None = None
    allow_list: AllowList | None = None


class ApiKeyView(AnswerStruct, frozen=True):
    """A key as its owner sees it; `apiKey` is what calls name."""

    id: str
    api_key: str
    label: str
    algorithm: Algorithm
    public_key: str | None
    scopes: list[ScopeName]
    allow_list: list[str]
    created_at: str
    expires_at: str | None
    last_used_at: str | None
    """To the minute, and up to a minute late."""


class NewApiKeyView(AnswerStruct, frozen=True):
    """A key that was made; its secret is shown here and never again, null where there is none."""

    key: ApiKeyView
    secret: str | None


class ApiKeyRoutes:
    """Looks after one's keys; no key may. Making or changing one asks for a fresh login."""

    def __init__(
        self, keys: ApiKeys, fresh: FreshLogin, notices: Notices, pages: PageLimits
    ) -> None:
        self._keys = keys
        self._fresh = fresh
        self._notices = notices
        self._pages = pages

    async def list_keys(self, request: Request[None, PageQuery]) -> Page[ApiKeyView]:
        """Return one page of the caller's keys, oldest first."""
        limit, offset = request.query.bounds(self._pages)
        after = request.query.number() or 0
        rows = await self._keys.of_user(request.user_id)
        found = [row for row in rows if row.id > after][offset : offset + limit + 1]
        return page_of(found, limit, offset, len(rows), api_key_view, lambda row: str(row.id))

    async def create_key(self, request: Request[NewApiKeyBody, None]) -> NewApiKeyView:
        """Make a key."""
        body = request.body
        scopes = set(body.scopes)
        if "read" not in scopes or len(scopes) != len(body.scopes):
            message = "must hold read, each scope once: whoever trades hears of it"
            raise ValidationFailed.of("scopes", message)
        expires_at = None
        if body.expires_at is not None:
            expires_at = parse_time(body.expires_at, "expiresAt")
            if expires_at <= now_us():
                raise ValidationFailed.of("expiresAt", "must lie ahead")
        public_key, networks = _public_key(body), allow_list(body.allow_list or ())
        await self._fresh.require(request.principal)
        try:
            made = await self._keys.create(
                request.actor,
                label(body.label),
                public_key,
                networks,
                expires_at,
                may_trade="trade" in scopes,
            )
        except OUTAGES as outage:
            raise UnknownOutcome(_DOUBTFUL) from outage
        self._notices.tell(request.user_id, "an API key was made")
        return NewApiKeyView(api_key_view(made.row), made.secret)

    async def change_key(self, request: Request[ApiKeyChangeBody, None]) -> ApiKeyView:
        """Give a key another label or allow-list."""
        body, number = request.body, request.path_id("id")
        text = None if body.label is None else label(body.label)
        networks = None if body.allow_list is None else allow_list(body.allow_list)
        await self._fresh.require(request.principal)
        try:
            changed = await self._keys.change(request.actor, number, text, networks)
        except OUTAGES as outage:
            raise UnknownOutcome(_DOUBTFUL) from outage
        if networks is not None:
            self._notices.tell(request.user_id, "where an API key may be used from was changed")
        return api_key_view(changed)

    async def revoke_key(self, request: Request[None, None]) -> None:
        """End a key at once."""
        try:
            await self._keys.revoke(request.actor, request.path_id("id"))
        except OUTAGES as outage:
            raise UnknownOutcome(_DOUBTFUL) from outage
        self._notices.tell(request.user_id, "an API key was revoked")

    def routes(self) -> tuple[Route, ...]:
        """Return the rows."""
        return (
            Route(
                method="GET",
                path="/users/me/api-keys",
                handler=self.list_keys,
                access=Access.USER,
                scope=Scope.OWNER,
                query=PageQuery,
                answer=ApiKeyView,
                shape=Shape.PAGE,
                summary="List one's API keys",
                tag="api keys",
            ),
            Route(
                method="POST",
                path="/users/me/api-keys",
                handler=self.create_key,
                access=Access.USER,
                scope=Scope.OWNER,
                body=NewApiKeyBody,
                answer=NewApiKeyView,
                status=201,
                errors=(FreshLoginRequired, LimitReached, UnknownOutcome),
                summary="Make an API key; a secret is shown this once",
                tag="api keys",
            ),
            Route(
                method="PATCH",
                path="/users/me/api-keys/{id}",
                handler=self.change_key,
                access=Access.USER,
                scope=Scope.OWNER,
                body=ApiKeyChangeBody,
                answer=ApiKeyView,
                errors=(FreshLoginRequired, NotFound, UnknownOutcome),
                summary="Give an API key another label or allow-list",
                tag="api keys",
            ),
            Route(
                method="DELETE",
                path="/users/me/api-keys/{id}",
                handler=self.revoke_key,
                access=Access.USER,
                scope=Scope.OWNER,
                answer=None,
                errors=(NotFound, UnknownOutcome),
                summary="Revoke an API key",
                tag="api keys",
            ),
        )


def _public_key(body: NewApiKeyBody) -> bytes | None:
    """Return the public key of an Ed25519 key, None for HMAC; raises ValidationFailed."""
    if body.algorithm is Algorithm.HMAC_SHA256:
        if body.public_key is not None:
            raise ValidationFailed.of("publicKey", "goes with ed25519 only")
        return None
    if body.public_key is None:
        raise ValidationFailed.of("publicKey", "is missing: ed25519 needs the public key")
    try:
        return public_key_bytes(body.public_key)
    except ValueError as error:
        raise ValidationFailed.of("publicKey", str(error)) from None


def api_key_view(row: ApiKeyRow) -> ApiKeyView:
    """Return what its owner is shown of a key: nothing that is secret."""
    is_public = row.algorithm == Algorithm.ED25519
    return ApiKeyView(
        str(row.id),
        row.name,
        row.label,
        Algorithm(row.algorithm),
        base64.b64encode(row.material).decode("ascii") if is_public else None,
        ["read", "trade"] if row.may_trade else ["read"],
        row.allow_list,
        iso_millis(row.created_at),
        time_if_known(row.expires_at),
        time_if_known(row.last_used_at),
    )
