"""The rows under /admin/mirrors and /admin/house: which markets elsewhere are traded here, and how
the house stands in them.

Every change is a line of the audit log: `mirror.make`, `mirror.change`, `mirror.end`,
`mirror.heed`.
"""

from collections.abc import Callable
from enum import StrEnum
from typing import Annotated, Final

import msgspec

from exchange.messages.bounds import STORED_MAX
from exchange.model.state import State
from gateway.access.principals import Actor
from gateway.economy.mirrors.looking import Freshness
from gateway.economy.mirrors.making import Mirroring, Terms, terms_by
from gateway.economy.mirrors.settings import MirrorSettings
from gateway.economy.mirrors.views import (
    HouseView,
    MirrorView,
    house_view,
    mark_of,
    mirror_view,
)
from gateway.engine_side.audited import OK
from gateway.feeds.known import NAME_LENGTH_MAX
from gateway.feeds.live.followed import Followed
from gateway.feeds.live.following import Following
from gateway.http.paging import SliceQuery, slice_of
from gateway.http.reading.query_strings import parse_words, words_text
from gateway.http.request import Request, Slice
from gateway.http.routing import Access, Route, Shape
from gateway.http.settings import PageLimits
from gateway.wire import strict_json
from gateway.wire.errors import (
    Conflict,
    ExternalApiFailed,
    LimitReached,
    NotFound,
    Refused,
    Unavailable,
    UnknownOutcome,
    ValidationFailed,
)
from gateway.wire.strict_json import (
    BodyStruct,
    NotionalText,
    PriceText,
    QuantityText,
    is_given,
    not_given,
)
from persistence.clock import now_us
from persistence.postgres.database import OUTAGES
from persistence.repositories.audit import AuditLog, AuditTrail
from persistence.repositories.economy.mirrors import Mirror, Mirrors


class MirrorStatus(StrEnum):
    """Where in its life a mirror is; DISPUTED is any that an admin has to see to."""

    MAKING = "MAKING"
    OPEN = "OPEN"
    ENDED = "ENDED"
    RESOLVED = "RESOLVED"
    REFUSED = "REFUSED"
    DISPUTED = "DISPUTED"


SourceText = Annotated[
    str,
    msgspec.Meta(
        min_length=1,
        max_length=NAME_LENGTH_MAX,
        description="another venue's market: platform:id, or its slug",
        examples=["polymarket:0x6f2c", "kalshi:KXRAIN-26MAY01"],
    ),
]
StatusesText = Annotated[str, words_text(MirrorStatus, "OPEN,ENDED", unset="all")]
_ERRORS: Final = (NotFound, Conflict, Refused, LimitReached, Unavailable, UnknownOutcome)


class TermsBody(BodyStruct, frozen=True):
    """How the house stands in a mirror: so far off its source's best price, with so many shares on
    each side, with at most so many credits at stake. Unset: as it is, or as the settings say.
    """

    spread: PriceText = not_given()
    size: QuantityText = not_given()
    exposure: NotionalText = not_given()


class MirrorBody(TermsBody, frozen=True, kw_only=True):
    """Which market is mirrored, and the house's terms there."""

    market_id: SourceText


class MirrorChangeBody(TermsBody, frozen=True):
    """What changes. `quotes: false` takes the house out; `disputed: false` says that an admin has
    looked into it: the source is listened to anew, and an admin opens the market again.
    """

    quotes: bool | None = None
    disputed: bool | None = None


class MirrorsQuery(SliceQuery, frozen=True):
    """Which mirrors; unset: all."""

    status: StatusesText | None = None


class MirrorRoutes:
    """Lets admins mirror markets."""

    def __init__(
        self,
        rows: Mirrors,
        mirroring: Mirroring,
        following: Following,
        view: State,
        audit: AuditLog,
        settings: MirrorSettings,
        pages: PageLimits,
        clock: Callable[[], int] = now_us,
    ) -> None:
        self._rows = rows
        self._mirroring = mirroring
        self._following = following
        self._view = view
        self._audit = audit
        self._settings = settings
        self._pages = pages
        self._clock = clock

    async def make(self, request: Request[MirrorBody, None]) -> MirrorView:
        """Mirror a market of another venue."""
        body = request.body
        terms = _terms(body, terms_by(self._settings))
        known = await self._following.reader.named(body.market_id, bare_ids=True)
        there = await self._rows.of_source(known.row.platform, known.row.external_id)
        if there is not None and there.status != "MAKING":
            raise Conflict(f"marketId: is mirrored already, by {there.slug}")
        return self._show(await self._mirroring.make(known, terms, request.actor))

    async def list_mirrors(self, request: Request[None, MirrorsQuery]) -> Slice[MirrorView]:
        """Return a slice of the mirrors, newest first."""
        query = request.query
        limit, before = query.size(self._pages), query.number() or STORED_MAX
        statuses = parse_words(query.status, MirrorStatus, "status")
        wanted = [one.value for one in statuses] if statuses else None
        found = await self._rows.page(wanted, before, limit + 1)
        # Once: all that is followed is looked through for it.
        fresh = self._heard()
        return slice_of(found, limit, lambda one: self._show(one, fresh), lambda one: str(one.id))

    async def get_mirror(self, request: Request[None, None]) -> MirrorView:
        """Return one mirror."""
        return self._show(await self._named(request.path_id("id")))

    async def change(self, request: Request[MirrorChangeBody, None]) -> MirrorView:
        """Change how the house stands in a mirror, or have its source listened to anew."""
        body, number = request.body, request.path_id("id")
        mirror = await self._named(number)
        if not mirror.is_standing:
            raise Conflict(f"The mirror is {mirror.status} already")
        if body.disputed:
            raise ValidationFailed.of("disputed", "can only be false: a dispute is the job's word")
        if body.quotes and mirror.status == "ENDED":
            raise Conflict("quotes: the mirror has ended")
        terms = _terms(body, Terms(mirror.spread, mirror.size, mirror.exposure))
        quotes = mirror.quotes if body.quotes is None else body.quotes
        now = self._clock()
        given = (terms.spread, terms.size, terms.exposure)
        if (*given, quotes) != (mirror.spread, mirror.size, mirror.exposure, mirror.quotes):
            # What isn't given stays as it was read: another's change meanwhile isn't undone by it.
            if not await self._rows.set_terms(mirror, *given, now, quotes=quotes):
                raise Conflict("The mirror was changed meanwhile, or has ended: nothing was done")
            what = f"{mirror.slug} {_words(terms)} {'quotes' if quotes else 'paused'}"
            await self._note(request.actor, "mirror.change", what)
        if body.disputed is False and await self._rows.settle_dispute(number, now):
            await self._note(request.actor, "mirror.heed", mirror.slug)
        return self._show(await self._named(number))

    async def end(self, request: Request[None, None]) -> MirrorView:
        """Take a mirror off: its market closes, and is paid as its source ends."""
        number = request.path_id("id")
        mirror = await self._named(number)
        if not await self._rows.end(number, self._clock()):
            raise Conflict(f"The mirror is {mirror.status} already")
        await self._note(request.actor, "mirror.end", mirror.slug)
        return self._show(await self._named(number))

    async def show_house(self, _request: Request[None, None]) -> HouseView:
        """Return how the house stands."""
        marks: dict[int, int | None] = {}
        for mirror in await self._rows.standing():
            market = self._view.markets.get(mirror.market_id or 0)
            if market is not None:
                marks[market.id] = mark_of(market, self._followed(mirror))
        return house_view(self._view, marks, await self._rows.counts(), self._settings)

    async def _named(self, number: int) -> Mirror:
        mirror = await self._rows.by_id(number)
        if mirror is None:
            raise NotFound("There is no such mirror")
        return mirror

    def _followed(self, mirror: Mirror) -> Followed | None:
        return self._following.all().get((mirror.platform, mirror.external_id))

    def _heard(self) -> Freshness:
        fresh = Freshness()
        fresh.hear(self._following.all().values())
        return fresh

    def _show(self, mirror: Mirror, fresh: Freshness | None = None) -> MirrorView:
        followed, fresh = self._followed(mirror), fresh or self._heard()
        known_at = 0 if followed is None else fresh.at(followed)
        now = self._clock()
        return mirror_view(mirror, self._view, followed, known_at, self._settings, now)

    async def _note(self, actor: Actor, action: str, what: str) -> None:
        trail = AuditTrail(self._audit, actor.request_id)
        try:
            await trail.note(actor.user_id, action, what, OK)
        except OUTAGES as outage:
            # It is done, but not told of: a repeat does both.
            raise UnknownOutcome from outage

    def routes(self) -> tuple[Route, ...]:
        """Return the rows."""
        one = "/admin/mirrors/{id}"
        return (
            Route(
                method="POST",
                path="/admin/mirrors",
                handler=self.make,
                access=Access.ADMIN,
                body=MirrorBody,
                answer=MirrorView,
                status=201,
                errors=(*_ERRORS, ExternalApiFailed),
                summary="Mirror a market of another venue, so that it is traded here",
                tag="admin",
            ),
            Route(
                method="GET",
                path="/admin/mirrors",
                handler=self.list_mirrors,
                access=Access.ADMIN,
                query=MirrorsQuery,
                answer=MirrorView,
                shape=Shape.SLICE,
                summary="List mirrors with what the house has at stake and gained, newest first",
                tag="admin",
            ),
            Route(
                method="GET",
                path=one,
                handler=self.get_mirror,
                access=Access.ADMIN,
                answer=MirrorView,
                errors=(NotFound,),
                summary="Show one mirror",
                tag="admin",
            ),
            Route(
                method="PATCH",
                path=one,
                handler=self.change,
                access=Access.ADMIN,
                body=MirrorChangeBody,
                answer=MirrorView,
                errors=(NotFound, Conflict, UnknownOutcome),
                summary="Change how the house stands in a mirror, or settle a dispute",
                tag="admin",
            ),
            Route(
                method="DELETE",
                path=one,
                handler=self.end,
                access=Access.ADMIN,
                answer=MirrorView,
                errors=(NotFound, Conflict, UnknownOutcome),
                summary="Take a mirror off; it is paid as its source ends",
                tag="admin",
            ),
            Route(
                method="GET",
                path="/admin/house",
                handler=self.show_house,
                access=Access.ADMIN,
                answer=HouseView,
                summary="Show what the house has at stake, and its profit",
                tag="admin",
            ),
        )


def _terms(body: TermsBody, otherwise: Terms) -> Terms:
    """Return the terms that a body gives; raises ValidationFailed."""
    spread = otherwise.spread
    if is_given(body.spread):
        spread = strict_json.price(body.spread, "spread")
    size = otherwise.size
    if is_given(body.size):
        size = strict_json.quantity(body.size, "size")
    exposure = otherwise.exposure
    if is_given(body.exposure):
        exposure = strict_json.money(body.exposure, "exposure")
    return Terms(spread, size, exposure)


def _words(terms: Terms) -> str:
    return f"{terms.spread} {terms.size} {terms.exposure}"
