"""The row of the route table under /user that tells of the past: `GET /user/events`."""

from typing import Annotated

import msgspec

from exchange.messages.bounds import STORED_MAX
from gateway.access.api_keys.standing import Scope
from gateway.http.paging import LimitText
from gateway.http.request import AsOf, Request
from gateway.http.routing import Access, Route
from gateway.streaming.resuming.resumption import PAGE_COST, MissedPage, MissedView, Resumption
from gateway.wire.errors import OutOfRange
from gateway.wire.strict_json import QueryStruct

AfterSeqText = Annotated[
    int,
    msgspec.Meta(
        ge=0, le=STORED_MAX, description="accountSeq after which to begin; 0: the beginning"
    ),
]


class EventsQuery(QueryStruct, frozen=True):
    """Where to begin, and how many numbers to give; unset: as many as a page has."""

    after_seq: AfterSeqText = 0
    limit: LimitText | None = None


class AccountEventRoutes:
    """Tells the caller what was told the caller's sockets."""

    def __init__(self, resumption: Resumption) -> None:
        self._resumption = resumption

    async def list_events(self, request: Request[None, EventsQuery]) -> AsOf[MissedPage]:
        """Return a page of the caller's private messages, oldest first."""
        query = request.query
        return await self._resumption.page(
            request.user_id, query.after_seq, query.limit, "afterSeq"
        )

    def routes(self) -> tuple[Route, ...]:
        """Return the row."""
        return (
            Route(
                method="GET",
                path="/user/events",
                handler=self.list_events,
                access=Access.USER,
                scope=Scope.READ,
                query=EventsQuery,
                answer=MissedView,
                errors=(OutOfRange,),
                cost=PAGE_COST,
                summary="List the private messages after one, as sockets were told them",
                tag="user",
                of_account=True,
            ),
        )
