"""The rows of the route table that show snapshots of other venues' markets.  All are public.

`{slug}` takes a venue's own id alone (a Kalshi ticker), too. A market of ours has no snapshots: its
trades are all there.
"""

from enum import Enum
from typing import Final

from exchange.messages.bounds import STORED_MAX
from exchange.model.state import State
from gateway.feeds.api.reading import FeedReader
from gateway.feeds.api.views import amount_text, market_id
from gateway.http.paging import SliceQuery, slice_of
from gateway.http.request import Request, Slice
from gateway.http.routing import Access, Route, Shape
from gateway.http.settings import PageLimits
from gateway.markets.intervals import asked_range
from gateway.markets.lookup import find_market
from gateway.wire.errors import ExternalApiFailed, NotFound, ValidationFailed
from gateway.wire.scalars import (
    TimeText,
    iso_millis,
    parse_id,
    price_if_known,
    quantity_if_known,
)
from gateway.wire.strict_json import AnswerStruct
from persistence.clock import now_us
from persistence.repositories.feeds.markets import MarketRow
from persistence.repositories.feeds.snapshots import (
    BACKFILL,
    POLL,
    WEBSOCKET,
    Snapshot,
    Snapshots,
)

_END: Final = 2**57
_ERRORS: Final = (NotFound, ExternalApiFailed)


class Source(Enum):
    """How a snapshot was taken."""

    POLL = POLL
    WEBSOCKET = WEBSOCKET
    BACKFILL = BACKFILL


class SnapshotsQuery(SliceQuery, frozen=True, rename={"from_time": "from", "to_time": "to"}):
    """Which snapshots; newest first."""

    source: Source | None = None
    from_time: TimeText | None = None
    to_time: TimeText | None = None


class SnapshotView(AnswerStruct, frozen=True, kw_only=True):
    """What a market was worth at a time; `sequence` counts up per market and source."""

    id: str
    market_id: str
    platform: str
    ticker: str
    source: Source
    sequence: int
    venue_seq: str | None
    yes_price: str | None
    best_bid: str | None
    best_ask: str | None
    last_price: str | None
    bid_quantity: str | None
    ask_quantity: str | None
    open_interest: str | None
    volume_total: str | None
    volume24h: str | None
    liquidity: str | None
    at: str
    venue_at: str | None

    @classmethod
    def of(cls, one: Snapshot, row: MarketRow) -> "SnapshotView":
        """Return a snapshot of a market."""
        return cls(
            id=str(one.id),
            market_id=market_id(row.platform, row.external_id),
            platform=row.platform,
            ticker=row.external_id,
            source=Source(one.source),
            sequence=one.sequence,
            venue_seq=one.venue_seq,
            yes_price=price_if_known(one.yes_price),
            best_bid=price_if_known(one.best_bid),
            best_ask=price_if_known(one.best_ask),
            last_price=price_if_known(one.last_price),
            bid_quantity=quantity_if_known(one.bid_quantity),
            ask_quantity=quantity_if_known(one.ask_quantity),
            open_interest=quantity_if_known(one.open_interest),
            volume_total=amount_text(one.volume),
            volume24h=amount_text(one.volume_24h),
            liquidity=amount_text(one.liquidity),
            at=iso_millis(one.at),
            venue_at=None if one.venue_at is None else iso_millis(one.venue_at),
        )


class SnapshotRoutes:
    """Shows snapshots."""

    def __init__(
        self, view: State, reader: FeedReader, snapshots: Snapshots, pages: PageLimits
    ) -> None:
        self._view = view
        self._reader = reader
        self._snapshots = snapshots
        self._pages = pages

    async def list_snapshots(self, request: Request[None, SnapshotsQuery]) -> Slice[SnapshotView]:
        """Return a slice of a market's snapshots, newest first."""
        query = request.query
        limit, before = query.size(self._pages), query.pair(STORED_MAX)
        begin, end = asked_range(query.from_time, query.to_time, now_us())
        since = 0 if begin is None else begin
        if before is None:
            before = _END if end is None else end, 0
        elif query.to_time is not None:
            raise ValidationFailed.of("to", "give either cursor or to")
        name = request.path["slug"]
        if find_market(self._view, name) is not None:
            return Slice([], None)
        row = (await self._reader.named(name, bare_ids=True)).row
        found = await self._snapshots.page(
            row.id,
            before=before,
            since=since,
            source=None if query.source is None else query.source.value,
            limit=limit + 1,
        )
        return slice_of(
            found, limit, lambda one: SnapshotView.of(one, row), lambda one: f"{one.at}-{one.id}"
        )

    async def get_latest(self, request: Request[None, None]) -> SnapshotView:
        """Return a market's last snapshot."""
        name = request.path["slug"]
        if find_market(self._view, name) is not None:
            raise NotFound("A market of ours has no snapshots: see its trades")
        row = (await self._reader.named(name, bare_ids=True)).row
        found = await self._snapshots.latest(row.id)
        if found is None:
            raise NotFound("There is no snapshot of this market")
        return SnapshotView.of(found, row)

    async def get_snapshot(self, request: Request[None, None]) -> SnapshotView:
        """Return a snapshot."""
        number = parse_id(request.path["id"])
        if number is None or not self._reader.venues:
            raise NotFound("There is no such snapshot")
        found = await self._snapshots.find(number)
        rows = {} if found is None else await self._reader.markets.by_ids([found.market_id])
        if found is None or found.market_id not in rows:
            raise NotFound("There is no such snapshot")
        return SnapshotView.of(found, rows[found.market_id])

    def routes(self) -> tuple[Route, ...]:
        """Return the rows."""
        return (
            Route(
                method="GET",
                path="/markets/{slug}/snapshots",
                handler=self.list_snapshots,
                access=Access.PUBLIC,
                query=SnapshotsQuery,
                answer=SnapshotView,
                shape=Shape.SLICE,
                errors=_ERRORS,
                summary="List what a venue's market was worth, newest first",
                tag="market data",
            ),
            *(
                Route(
                    method="GET",
                    path=path,
                    handler=self.get_latest,
                    access=Access.PUBLIC,
                    answer=SnapshotView,
                    errors=_ERRORS,
                    summary="Show the last snapshot of a venue's market",
                    tag="market data",
                )
                for path in ("/markets/{slug}/snapshots/latest", "/markets/{slug}/latest")
            ),
            Route(
                method="GET",
                path="/snapshots/{id}",
                handler=self.get_snapshot,
                access=Access.PUBLIC,
                answer=SnapshotView,
                errors=(NotFound,),
                summary="Show a snapshot by its id",
                tag="market data",
            ),
        )
