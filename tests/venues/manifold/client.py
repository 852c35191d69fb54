"""Manifold as a third venue of the feed: one folder, as small as a venue can be.

It has no candles, no socket and no book but its market maker's; its money is play money.
"""

from collections.abc import Sequence

import msgspec

from exchange.messages.terms import Resolution
from gateway.feeds import reading
from gateway.feeds.model import (
    ListedStatus,
    MarketsPage,
    PricePoint,
    TakenSide,
    Unrepresentable,
    VenueBook,
    VenueMarket,
    VenueTrade,
)
from gateway.feeds.reading import Misread, Raw
from gateway.feeds.upstream.bodies import elements
from gateway.feeds.upstream.bounds import Rate
from gateway.feeds.upstream.client import Upstream
from gateway.observability.logs import Logger
from gateway.observability.metrics import Metrics

ENDS = {"YES": Resolution.YES, "NO": Resolution.NO, "MKT": Resolution.SPLIT}
STATES = {None: ListedStatus.OPEN, Resolution.VOID: ListedStatus.VOID}
fields = msgspec.json.Decoder(dict[str, Raw]).decode


def market(raw: bytes | Raw) -> VenueMarket:
    found = fields(raw)
    if reading.text(found["outcomeType"]) != "BINARY":
        raise Unrepresentable("not_binary")
    worth = reading.near_price(reading.decimal(found["probability"]))
    end = reading.text(found["resolution"]) if reading.flag(found["isResolved"]) else None
    resolution = None if end is None else ENDS.get(end, Resolution.VOID)
    return VenueMarket(
        platform="manifold",
        external_id=reading.text(found["id"]) or "",
        question=reading.text(found["question"]) or "",
        status=STATES.get(resolution, ListedStatus.RESOLVED),
        close_time=reading.moment(found["closeTime"]),
        resolution=resolution,
        yes_payout=worth if resolution is Resolution.SPLIT else None,
        yes_price=worth if resolution is None else None,
        volume_total=reading.money(reading.decimal(found["volume"])),
        currency="MANA",
    )


def bet(raw: Raw) -> VenueTrade:
    found = fields(raw)
    return VenueTrade(
        platform="manifold",
        external_id=reading.text(found["contractId"]) or "",
        trade_id=reading.text(found["id"]) or "",
        yes_price=reading.near_price(reading.decimal(found["probAfter"])) or 1,
        quantity=reading.quantity(reading.decimal(found["shares"])) or 0,
        taken=TakenSide(reading.text(found["outcome"])),
        venue_at=reading.moment(found["createdTime"]) or 0,
    )


class Manifold:
    """One venue's questions and answers."""

    platform, title, currency = "manifold", "Manifold", "MANA"

    def __init__(self, url: str, metrics: Metrics, logger: Logger, limit: int = 1_000) -> None:
        self.limit = limit
        paths, rate = ("/v0/markets", "/v0/bets"), Rate(per_minute=300, burst=30)
        self.upstream = Upstream("manifold", url, paths, rate, metrics.upstream, logger)

    async def markets(self, cursor: str | None, *, live_only: bool) -> MarketsPage:
        return await self._page([("before", cursor)] if cursor else [])

    async def some_markets(self, external_ids: Sequence[str]) -> MarketsPage:
        return await self._page([("ids", one) for one in external_ids])

    async def book(self, market: VenueMarket) -> VenueBook:
        return VenueBook(platform="manifold", external_id=market.external_id, bids=(), asks=())

    async def trades(self, market: VenueMarket, limit: int) -> Sequence[VenueTrade]:
        query = [("contractId", market.external_id), ("limit", str(limit))]
        return await self.upstream.ask("/v0/bets", lambda body: [*map(bet, elements(body))], query=query)  # noqa: E501  # fmt: skip

    async def history(
        self, market: VenueMarket, start: int, end: int, interval_s: int
    ) -> Sequence[PricePoint]:
        made = reversed(await self.trades(market, self.limit))
        points = [PricePoint(at=one.venue_at, yes_price=one.yes_price) for one in made]
        return [point for point in points if start <= point.at <= end]

    async def candles(self, market: VenueMarket, start: int, end: int, interval_s: int) -> None:
        return None

    def stream(self) -> None:
        return None

    async def _page(self, query: Sequence[tuple[str, str]]) -> MarketsPage:
        def parse(body: bytes) -> MarketsPage:
            made, raws, refused = [], [], []
            rows = elements(body)
            for raw in rows:
                try:
                    made.append(market(raw))
                    raws.append(bytes(raw))
                except (Unrepresentable, Misread, KeyError) as error:
                    refused.append(("", getattr(error, "reason", "malformed")))
            is_full = len(rows) == self.limit
            last = reading.text(fields(rows[-1]).get("id", Raw())) if is_full else None
            return MarketsPage(
                markets=(*made,), raw=(*raws,), refused=(*refused,), next_cursor=last
            )

        asked = [("limit", str(self.limit)), *query]
        return await self.upstream.ask("/v0/markets", parse, query=asked)
