"""The rows of the route table about the feed itself: events, how each venue stands, and the
admin's word to read the lists now.
"""

from typing import Final

import msgspec

from gateway.feeds.api.queries import EventsQuery, platforms_of
from gateway.feeds.api.reading import COUNTS, FeedReader
from gateway.feeds.api.status import VenueStatusView, venue_status
from gateway.feeds.api.views import EventView, event_view, row_view
from gateway.feeds.intake.catalogue import category_key, event_of
from gateway.feeds.intake.jobs import FeedJobs
from gateway.http.paging import page_of
from gateway.http.request import Page, Request
from gateway.http.routing import Access, Route, Shape
from gateway.http.settings import PageLimits
from gateway.wire.errors import Conflict, NotFound
from gateway.wire.strict_json import AnswerStruct
from persistence.clock import now_us
from persistence.repositories.audit import AuditLog, AuditTrail
from persistence.repositories.feeds.events import EventRow, VenueEvents
from persistence.repositories.feeds.state import FeedState, Standing

_EVENT_MARKETS_MAX: Final = 500
_decode_counts: Final = msgspec.json.Decoder(dict[str, dict[str, int]]).decode


class IngestView(AnswerStruct, frozen=True):
    """The number of the run that was queued."""

    run: str


class FeedRoutes:
    """Shows the feed."""

    def __init__(
        self,
        reader: FeedReader,
        events: VenueEvents,
        state: FeedState,
        jobs: FeedJobs,
        audit: AuditLog,
        pages: PageLimits,
    ) -> None:
        self._reader = reader
        self._events = events
        self._state = state
        self._jobs = jobs
        self._audit = audit
        self._pages = pages

    async def list_events(self, request: Request[None, EventsQuery]) -> Page[EventView]:
        """Return one page of the events, the last listed first."""
        query = request.query
        limit, offset = query.bounds(self._pages)
        before = query.number()
        _, platforms = platforms_of(query.platform, self._reader.venues)
        if not platforms:
            return Page([], 0, limit, offset)
        key = None if query.category is None else category_key(query.category)
        total = await self._reader.totals.of(
            f"events {(platforms, key)!r}", lambda: self._events.count(platforms, key)
        )
        found = await self._events.page(
            platforms, key, before=before, limit=limit + 1, offset=offset
        )
        return page_of(found, limit, offset, total, _shown, lambda row: str(row.id))

    async def get_event(self, request: Request[None, None]) -> EventView:
        """Return one event with its markets, the most traded first."""
        row = await self._event(request.path["id"])
        found = await self._reader.markets.of_event(
            row.platform, row.external_id, _EVENT_MARKETS_MAX
        )
        now = now_us()
        markets = [row_view(market, now) for market in found]
        return event_view(event_of(row.record), row.changed_at, markets)

    async def _event(self, name: str) -> EventRow:
        venues = self._reader.venues
        platform, colon, external_id = name.partition(":")
        row: EventRow | None = None
        if colon and platform in venues:
            row = await self._events.find(platform, external_id)
        elif not colon and venues:
            found = await self._events.of_slug(name, venues)
            row = found[0] if len(found) == 1 else None
        if row is None:
            raise NotFound("There is no such event")
        return row

    async def get_status(self, _request: Request[None, None]) -> Page[VenueStatusView]:
        """Return how every venue stands."""
        venues = self._reader.venues
        if not venues:
            return Page([], 0, 0, 0)
        standings: dict[str, list[Standing]] = {}
        for standing in await self._state.all():
            standings.setdefault(standing.platform, []).append(standing)
        counts = await self._counts()
        now = now_us()
        due = self._jobs.lists_due_us
        views = [
            venue_status(venue, standings.get(platform, []), counts.get(platform, {}), due, now)
            for platform, venue in venues.items()
        ]
        return Page(views, len(views), len(views), 0)

    async def _counts(self) -> dict[str, dict[str, int]]:
        """Return the markets of each platform by status, counted a few seconds ago."""

        async def count() -> bytes:
            return msgspec.json.encode(await self._reader.markets.counts())

        counts, _ = await self._reader.cache.read(COUNTS, "all", count, _decode_counts)
        return counts

    async def ingest(self, request: Request[None, None]) -> IngestView:
        """Queue a pass over all venues' lists, and note who asked for it."""
        if not self._reader.venues:
            raise Conflict("No venue is asked: see FEED_PLATFORMS")
        run = await self._jobs.put_ingestion()
        trail = AuditTrail(self._audit, request.request_id)
        await trail.note(request.user_id, "feed.ingest", f"run:{run}", "ok")
        return IngestView(str(run))

    def routes(self) -> tuple[Route, ...]:
        """Return the rows."""
        return (
            Route(
                method="GET",
                path="/events",
                handler=self.list_events,
                access=Access.PUBLIC,
                query=EventsQuery,
                answer=EventView,
                shape=Shape.PAGE,
                summary="List the venues' questions with several answers, the last listed first",
                tag="markets",
            ),
            Route(
                method="GET",
                path="/events/{id}",
                handler=self.get_event,
                access=Access.PUBLIC,
                answer=EventView,
                errors=(NotFound,),
                summary="Show an event with its markets, by its id or slug",
                tag="markets",
            ),
            Route(
                method="GET",
                path="/feed/status",
                handler=self.get_status,
                access=Access.PUBLIC,
                answer=VenueStatusView,
                shape=Shape.PAGE,
                summary="Show how each venue stands: last success, error, counts",
                tag="markets",
            ),
            Route(
                method="POST",
                path="/markets/ingest",
                handler=self.ingest,
                access=Access.ADMIN,
                answer=IngestView,
                status=202,
                errors=(Conflict,),
                summary="Read all venues' lists now",
                tag="admin",
            ),
        )


def _shown(row: EventRow) -> EventView:
    return event_view(event_of(row.record), row.changed_at)
