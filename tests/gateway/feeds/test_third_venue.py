"""A venue that nobody thought of is one folder: nothing else of the feed has to know it."""

import io
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from exchange.messages.terms import Resolution
from gateway.feeds.model import ListedStatus, PricePoint, TakenSide, VenueTrade
from gateway.feeds.registry import VENUES, Entry, chosen, open_venues
from gateway.feeds.upstream.settings import UpstreamSettings
from gateway.feeds.venue import Venue, VenueTools
from gateway.observability.logs import configure_logs
from gateway.observability.metrics import Metrics
from gateway.settings.reader import read_area
from tests.venues.kalshi_desk import world
from tests.venues.manifold.client import Manifold
from tests.venues.manifold.stand_in import manifold

FOLDER = Path(__file__).parents[2] / "venues" / "manifold"


def market(number: int, **over: Any) -> dict[str, Any]:
    fields = {
        "id": f"m{number}",
        "question": f"Will it rain {number} times?",
        "outcomeType": "BINARY",
        "mechanism": "cpmm-1",
        "probability": 0.3128 + number / 100,
        "closeTime": 1_796_166_000_000,
        "volume": 1234.5678,
        "isResolved": False,
        "resolution": None,
    }
    return fields | over


BETS = [
    {"id": f"b{number}", "contractId": "m1", "createdTime": 1_790_000_000_000 - 1_000 * number,
     "outcome": "YES" if number % 2 else "NO", "amount": 10, "shares": 21.75, "probAfter": 0.4}
    for number in range(3)
]  # fmt: skip


@asynccontextmanager
async def venue(markets: list[dict[str, Any]], limit: int = 2) -> AsyncIterator[Manifold]:
    async with manifold(markets, BETS).running() as running:
        logger = configure_logs("info", io.StringIO())
        made = Manifold(running.url, Metrics(), logger, limit)
        try:
            yield made
        finally:
            await made.upstream.close()


async def test_it_lists_what_it_has_and_refuses_by_reason() -> None:
    ended = [
        market(2, isResolved=True, resolution="MKT", probability=0.64),
        market(3, isResolved=True, resolution="CANCEL"),
        market(4, isResolved=True, resolution="NO"),
    ]
    odd = [market(5, outcomeType="MULTIPLE_CHOICE"), market(6, probability="high"), {"id": "m7"}]
    async with venue([market(1), *ended, *odd]) as made:
        of: Venue = made
        pages = [await of.markets(None, live_only=True)]
        while (cursor := pages[-1].next_cursor) is not None:
            pages.append(await of.markets(cursor, live_only=True))
        found = {one.external_id: one for page in pages for one in page.markets}
        assert set(found) == {"m1", "m2", "m3", "m4"}
        assert (found["m1"].yes_price, found["m1"].currency) == (3_228, "MANA")
        assert (found["m2"].resolution, found["m2"].yes_payout) == (Resolution.SPLIT, 6_400)
        assert (found["m3"].status, found["m4"].resolution) == (ListedStatus.VOID, Resolution.NO)
        reasons = [reason for page in pages for _, reason in page.refused]
        assert reasons == ["not_binary", "malformed", "malformed"]


async def test_it_answers_everything_that_a_venue_is_asked() -> None:
    async with venue([market(1), market(2)]) as made:
        of: Venue = made
        [one] = (await of.some_markets(["m1"])).markets
        book = await of.book(one)
        assert (book.bids, book.asks) == ((), ())
        assert (await of.trades(one, 1))[0] == VenueTrade(
            platform="manifold", external_id="m1", trade_id="b0", yes_price=4_000,
            quantity=2_175, taken=TakenSide.NO, venue_at=1_790_000_000_000_000,
        )  # fmt: skip
        history = await of.history(one, 0, 1_790_000_000_000_000, 60)
        assert history[-1] == PricePoint(at=1_790_000_000_000_000, yes_price=4_000)
        assert await of.candles(one, 0, 1, 60) is None
        assert of.stream() is None


def test_it_is_small() -> None:
    lines = sum(path.read_text().count("\n") for path in FOLDER.glob("*.py"))
    assert lines < 150


async def test_one_line_makes_it_a_venue_of_the_feed() -> None:
    async with manifold([market(1)], BETS).running() as running:

        @asynccontextmanager
        async def open_manifold(tools: VenueTools) -> AsyncIterator[Venue]:
            made = Manifold(running.url, tools.metrics, tools.logger)
            yield made
            await made.upstream.close()

        venues = (*VENUES, Entry(platform="manifold", open=open_manifold))
        assert "manifold" in {entry.platform for entry in chosen(None, venues)}
        tools = VenueTools([], Metrics(), configure_logs("info", io.StringIO()))
        async with open_venues(chosen(["manifold"], venues), tools) as opened:
            page = await opened["manifold"].markets(None, live_only=True)
            assert [one.external_id for one in page.markets] == ["m1"]


async def test_kalshi_is_one_of_them_by_its_settings() -> None:
    async with world().running() as running:
        logger = configure_logs("info", io.StringIO())
        patience, _ = read_area(UpstreamSettings, {})
        assert patience is not None
        tools = VenueTools([running.settings(key=True), patience], Metrics(), logger)
        async with open_venues(chosen(["kalshi"]), tools) as opened:
            page = await opened["kalshi"].markets(None, live_only=True)
            assert len(page.markets) == 2
            assert running.rest.seen[0].headers["kalshi-access-key"]
