"""The row of the route table by which a market's past is taken away as a file.  It is public.

What is wrong is refused before any process is started.
"""

from collections.abc import Callable
from enum import Enum
from pathlib import Path
from typing import Annotated, Final

import msgspec

from exchange.messages.bounds import STORED_MAX
from exchange.model.market import Market
from exchange.model.state import State
from gateway.http.request import Request, Stream
from gateway.http.routing import Access, Route, Shape
from gateway.markets.exports.running import RunningExports
from gateway.markets.lookup import MarketText, named_market, required_market_name
from gateway.markets.projected import Projected
from gateway.markets.settings import PastSettings
from gateway.wire.errors import NotFound, OutOfRange, Unavailable, ValidationFailed
from gateway.wire.scalars import TimeText, parse_range
from gateway.wire.strict_json import QueryStruct
from persistence.clock import now_us
from persistence.exports import parquet
from persistence.exports.kinds import Export, Format, Kind

COST: Final = 10
"""Calls that an export counts as."""
_NOT_INSTALLED_S: Final = 3_600
_MEDIA: Final = {
    Format.CSV: "text/csv; charset=us-ascii; header=present",
    Format.PARQUET: "application/vnd.apache.parquet",
}
_MANIFEST: Final = "application/json"


class Span(Enum):
    """Which candles are exported."""

    MINUTE = "1m"
    HOUR = "1h"
    DAY = "1d"


class Manifested(Enum):
    """Whether the manifest is given in the place of the file."""

    YES = "true"
    NO = "false"


SECONDS: Final = {Span.MINUTE: 60, Span.HOUR: 3_600, Span.DAY: 86_400}


_RENAMED: Final = {"market_id": "marketId", "from_time": "from", "to_time": "to"}


class ExportQuery(QueryStruct, frozen=True, rename=_RENAMED):
    """Of which market, which part of its past (unset: all of it), and how it is written."""

    market: MarketText | None = None
    market_id: MarketText | None = None
    slug: MarketText | None = None
    from_time: TimeText | None = None
    to_time: TimeText | None = None
    format: Format = Format.CSV
    manifest: Annotated[
        Manifested, msgspec.Meta(description="instead of the file what stands beside it")
    ] = Manifested.NO
    interval: Annotated[
        Span | None, msgspec.Meta(description="of candles, and with them only; unset: 1m")
    ] = None


class ExportRoutes:
    """Gives exports to everybody."""

    def __init__(
        self,
        view: State,
        projected: Projected,
        url: Callable[[], str],
        folder: Path,
        settings: PastSettings,
    ) -> None:
        self._view = view
        self._projected = projected
        self._running = RunningExports(url, folder, settings)

    async def get_export(self, request: Request[None, ExportQuery]) -> Stream:
        """Return a file that is made while it is read."""
        query = request.query
        begin, end = _times(query)
        kind = _kind(request.path["kind"])
        if query.interval is not None and kind is not Kind.CANDLES:
            raise ValidationFailed.of("interval", "goes with candles only")
        market = self._market(required_market_name(query), drafts=request.is_admin)
        if query.format is Format.PARQUET and not parquet.is_there():
            raise Unavailable(parquet.MISSING, retry_after_seconds=_NOT_INSTALLED_S)
        span = SECONDS[query.interval or Span.MINUTE]
        export = Export(kind, market.id, begin, end, span)
        if kind is Kind.CANDLES:
            # All others are read from what was committed, which the view is never ahead of.
            await self._projected.reach(request.min_seq)
        name, media, slug = export.file_name(market.slug, query.format), _MEDIA[query.format], ""
        if query.manifest is Manifested.YES:
            name, media, slug = f"{name}.manifest.json", _MANIFEST, market.slug
        caller = request.address if request.caller is None else str(request.caller.user_id)
        running = await self._running.start(export, query.format, caller, manifest_of=slug)
        return Stream(media, name, running.chunks(), running.stop, running.close, running.as_of_seq)

    def _market(self, name: str, *, drafts: bool) -> Market:
        if ":" in name:
            raise ValidationFailed.of("market", "must be one of our own: only these are exported")
        return named_market(self._view, name, drafts=drafts)

    def routes(self) -> tuple[Route, ...]:
        """Return the row."""
        return (
            Route(
                method="GET",
                path="/export/{kind}",
                handler=self.get_export,
                access=Access.PUBLIC,
                query=ExportQuery,
                answer=None,
                shape=Shape.STREAM,
                media=(*(medium.partition(";")[0] for medium in _MEDIA.values()), _MANIFEST),
                says_as_of=True,
                cost=COST,
                errors=(NotFound, OutOfRange),
                summary="Take away a market's trades, candles, deltas or orders as a file",
                tag="market data",
            ),
        )


def _kind(word: str) -> Kind:
    try:
        return Kind(word)
    except ValueError:
        kinds = ", ".join(kind.value for kind in Kind)
        raise NotFound(f"There is no such export; there are {kinds}") from None


def _times(query: ExportQuery) -> tuple[int, int]:
    """Return the first and the last microsecond; raises ValidationFailed, OutOfRange."""
    first, last = parse_range(query.from_time, query.to_time)
    begin = first or 0
    if begin > now_us():
        raise OutOfRange.of("from", "lies in the future")
    return begin, STORED_MAX if last is None else last
