"""The rows of the route table by which everybody reads what happened on a day, market by market.

A day's file is made once, and given letter for letter by every process.
"""

import re
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from enum import Enum
from typing import Final, Protocol

from gateway.http.paging import SliceQuery
from gateway.http.request import Request, Slice, Stream
from gateway.http.routing import Access, Route, Shape
from gateway.http.settings import PageLimits
from gateway.wire.errors import NotFound, ValidationFailed
from gateway.wire.scalars import money_text, quantity_text
from gateway.wire.strict_json import AnswerStruct, QueryStruct
from persistence.clock import now_us
from persistence.exports.day_summary import DayManifest
from persistence.repositories.candles import DAY_US

_DAY: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", re.ASCII)


class SummaryFormat(Enum):
    """Which of a day's two files: its rows, or the manifest that stands beside these."""

    CSV = "csv"
    MANIFEST = "manifest"


_MEDIA: Final = {
    SummaryFormat.CSV: "text/csv; charset=us-ascii; header=present",
    SummaryFormat.MANIFEST: "application/json",
}


class SummaryQuery(QueryStruct, frozen=True):
    """Which file of the day; unset: its rows."""

    format: SummaryFormat = SummaryFormat.CSV


class SummaryView(AnswerStruct, frozen=True):
    """A day that is over, from midnight to midnight UTC: the sums over its `markets`, and the size
    and hash of its file.

    `volume` and `openInterest` (at the end) are in shares; `turnover` is what the volume cost at
    prices of YES, `fees` what the exchange took.
    """

    day: str
    markets: int
    volume: str
    turnover: str
    trades: int
    open_interest: str
    fees: str
    file: str
    bytes: int
    sha256: str


class FindsSummaries(Protocol):
    """Where they are kept."""

    async def part(self, before: int | None, limit: int) -> list[tuple[int, DayManifest]]:
        """Return (day, manifest) of days before one, the latest first."""

    async def find(self, day: int) -> tuple[bytes, bytes] | None:
        """Return (manifest, file) of a day; None if there is none."""


def summary_view(manifest: DayManifest) -> SummaryView:
    """Return what everybody sees of a day in the list."""
    totals = manifest.totals
    return SummaryView(
        manifest.day,
        manifest.rows,
        quantity_text(totals.volume),
        money_text(totals.turnover),
        totals.trades,
        quantity_text(totals.open_interest),
        money_text(totals.fees),
        manifest.file,
        manifest.bytes,
        manifest.sha256,
    )


def parse_day(text: str, field: str) -> int:
    """Return a day like "2026-11-25", counted from 1970-01-01; raises ValidationFailed."""
    try:
        if _DAY.fullmatch(text) is None:
            raise ValueError
        found = datetime.strptime(text, "%Y-%m-%d").replace(tzinfo=UTC)
    except ValueError:
        raise ValidationFailed.of(field, "must be a day, e.g. 2026-11-25") from None
    return int(found.timestamp()) * 1_000_000 // DAY_US


class SummaryRoutes:
    """Gives the summaries of days to everybody."""

    def __init__(self, summaries: FindsSummaries, pages: PageLimits) -> None:
        self._summaries = summaries
        self._pages = pages

    async def list_days(self, request: Request[None, SliceQuery]) -> Slice[SummaryView]:
        """Return a slice of the days that are summed up, the latest first."""
        limit, before = request.query.size(self._pages), request.query.number()
        found = await self._summaries.part(before, limit + 1)
        cursor = str(found[limit - 1][0]) if len(found) > limit else None
        return Slice([summary_view(manifest) for _, manifest in found[:limit]], cursor)

    async def get_day(self, request: Request[None, SummaryQuery]) -> Stream:
        """Return a day's file, or its manifest."""
        text, form = request.path["day"], request.query.format
        day = parse_day(text, "day")
        if day >= now_us() // DAY_US:
            raise NotFound(f"{text} isn't over")
        found = await self._summaries.find(day)
        if found is None:
            raise NotFound(f"There is no summary of {text}, or not yet")
        manifest, body = found
        name = f"{text}-summary.csv"
        if form is SummaryFormat.MANIFEST:
            name, body = f"{name}.manifest.json", manifest
        return Stream(_MEDIA[form], name, _whole(body), _nothing, _no_more)

    def routes(self) -> tuple[Route, ...]:
        """Return the rows."""
        return (
            Route(
                method="GET",
                path="/summaries",
                handler=self.list_days,
                access=Access.PUBLIC,
                query=SliceQuery,
                answer=SummaryView,
                shape=Shape.SLICE,
                summary="List the days that are summed up, with sums and hashes, latest first",
                tag="market data",
            ),
            Route(
                method="GET",
                path="/summaries/{day}",
                handler=self.get_day,
                access=Access.PUBLIC,
                query=SummaryQuery,
                answer=None,
                shape=Shape.STREAM,
                media=tuple(medium.partition(";")[0] for medium in _MEDIA.values()),
                errors=(NotFound,),
                summary="Take away what happened on a day, market by market, as a file",
                tag="market data",
            ),
        )


async def _whole(body: bytes) -> AsyncIterator[bytes]:
    yield body


def _nothing() -> None:
    pass


async def _no_more() -> None:
    pass
