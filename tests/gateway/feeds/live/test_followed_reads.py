"""What REST shows of a market that is followed, what is written down, and what is watched."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

import pytest

from gateway.feeds.live.watched import WatchedMarkets
from gateway.feeds.model import VenueBook
from gateway.feeds.venue import BookChange, BookSnapshot, Lost
from gateway.jobs.supervisor import Supervisor
from gateway.markets.views import checksum
from persistence.clock import now_us
from persistence.repositories.watchlists import Watchlists
from tests.gateway.conftest import MakeWeb
from tests.gateway.feeds.fake_venue import FakeVenue, market
from tests.gateway.feeds.live.fake_stream import StreamingVenue
from tests.gateway.feeds.live.stage import quicken
from tests.gateway.feeds.reading import Reader, reader_of
from tests.gateway.waiting import eventually

BOOK = VenueBook(
    platform="fake", external_id="M1", bids=((4_100, 500), (4_000, 25)), asks=((4_300, 100),)
)


@asynccontextmanager
async def following(reader: Reader) -> AsyncIterator[Reader]:
    """Run what follows, as a process with sockets does."""
    parts = reader.web.parts
    supervisor = Supervisor(parts.metrics.jobs, parts.logger)
    async with AsyncExitStack() as stack:
        for name, work in parts.feeds.following.works():
            await stack.enter_async_context(supervisor.running(name, work))
        yield reader


@pytest.fixture
async def venue(monkeypatch: pytest.MonkeyPatch) -> StreamingVenue:
    quicken(monkeypatch)
    made = StreamingVenue([market(1), market(2)])
    made.books["M1"] = BOOK
    return made


async def test_rest_answers_from_the_book_that_is_followed(
    make_web: MakeWeb, venue: StreamingVenue
) -> None:
    async with following(await reader_of(make_web, venue)) as reader:
        await reader.ingest()
        feeds = reader.web.parts.feeds
        plain = await reader.get("/markets/fake:M1/orderbook")
        assert (plain["epoch"], plain["seq"]) == (0, 0)
        assert "epoch" not in await reader.get("/markets/fake:M1/live")
        followed = feeds.following.follow(await feeds.reader.named("fake:M1"), "readers")
        await eventually(lambda: venue.watched == {"M1"})
        venue.say(BookSnapshot(BOOK), BookChange("M1", ((4_200, 700), (4_000, 0)), ()))
        await eventually(lambda: followed.in_sync)
        asked = list(venue.asked)
        glance = await reader.get("/markets/fake:M1/ticker")
        assert (glance["bestBid"], glance["bestBidQuantity"]) == ("0.4200", "7.00")
        assert (glance["bestAsk"], glance["bestAskQuantity"]) == ("0.4300", "1.00")
        book = await reader.get("/markets/market-1/orderbook?outcome=NO&depth=1")
        assert (book["epoch"], book["seq"]) == (followed.epoch, followed.seq)
        assert book["seq"] >= 1
        assert (book["bids"], book["asks"]) == ([["0.5700", "1.00"]], [["0.5800", "7.00"]])
        assert book["checksum"] == checksum([(5_700, 100)], [(5_800, 700), (5_900, 500)])
        assert book["asOf"]["stale"] is False
        live = await reader.get("/markets/fake:M1/live")
        assert (live["bestBid"], live["bestAsk"], live["yesPrice"]) == (
            "0.4200", "0.4300", "0.4250",
        )  # fmt: skip
        assert (live["epoch"], live["seq"]) == (followed.epoch, followed.seq)
        assert live["question"] == market(1).question
        assert venue.asked == asked, "the venue has nothing to do with it"
        full = await reader.get("/markets/fake:M1/full")
        for shown in (full["market"], full["book"]):
            assert (shown["epoch"], shown["seq"]) == (followed.epoch, followed.seq)
        assert (full["market"]["bestBid"], full["market"]["bestAsk"]) == ("0.4200", "0.4300")
        venue.say(Lost(("M1",), "gap"))
        await eventually(lambda: not followed.in_sync)
        lost = await reader.get("/markets/fake:M1/orderbook")
        assert (lost["seq"], lost["bids"][0]) == (0, ["0.4100", "5.00"]), "it is asked"
        await reader.get("/markets/fake:M1/full")


async def test_top_changes_are_written_down_without_waiting(
    make_web: MakeWeb, venue: StreamingVenue, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with following(await reader_of(make_web, venue)) as reader:
        await reader.ingest()
        feeds = reader.web.parts.feeds
        monkeypatch.setattr(feeds.following._recorder, "_pause_s", 0.05)
        known = await feeds.reader.named("fake:M1")
        followed = feeds.following.follow(known, "readers")
        await eventually(lambda: venue.watched == {"M1"})
        venue.say(BookSnapshot(BOOK))
        for number in range(200):
            venue.say(BookChange("M1", ((4_200, 100 + number),), (), str(number)))
        await eventually(lambda: venue.is_read)
        await asyncio.sleep(1.2)
        rows = await reader.get("/markets/fake:M1/snapshots?source=WEBSOCKET")
        assert 1 <= len(rows) < 40, "coalesced"
        newest = rows[0]
        assert (newest["bestBid"], newest["bestAsk"]) == ("0.4200", "0.4300")
        assert (newest["bidQuantity"], newest["venueSeq"]) == ("2.99", "199")
        assert [one["sequence"] for one in rows] == list(range(len(rows), 0, -1))
        # Far from the top nothing that is written down changed.
        venue.say(BookChange("M1", ((1_000, 5),), ()))
        await eventually(lambda: followed.seq > 0 and venue.is_read)
        await asyncio.sleep(0.3)
        again = await reader.get("/markets/fake:M1/snapshots?source=WEBSOCKET")
        assert len(again) == len(rows)


async def test_what_is_on_watchlists_is_watched_and_the_most_watched_followed(
    make_web: MakeWeb, venue: StreamingVenue
) -> None:
    async with following(await reader_of(make_web, venue)) as reader:
        await reader.ingest()
        parts = reader.web.parts
        feeds = parts.feeds
        lists = Watchlists(parts.pool)
        people = [await reader.web.register() for _ in range(2)]
        for person, names in zip(people, (("M1", "M2"), ("M2",)), strict=True):
            made = await lists.create(person.id, "mine", now_us(), 10)
            for name in names:
                await lists.add(person.id, made.id, "fake", name, now_us(), 10)
        watched = WatchedMarkets(feeds.following, feeds.state, noted=10, followed=1)
        await watched.look()
        assert set(await feeds.state.watched(now_us(), 10)) == {("fake", "M1"), ("fake", "M2")}
        assert list(feeds.following.all()) == [("fake", "M2")]
        await eventually(lambda: venue.watched == {"M2"})
        await parts.pool.execute("DELETE FROM watchlist_items")
        await watched.look()
        await eventually(lambda: not feeds.following.all())
        await eventually(lambda: not venue.is_open)


async def test_readers_take_the_place_of_what_is_only_on_watchlists(
    make_web: MakeWeb, monkeypatch: pytest.MonkeyPatch
) -> None:
    quicken(monkeypatch)
    venue = FakeVenue([market(number) for number in range(1, 5)])
    web = await make_web(venues={"fake": venue}, FEED_FOLLOWED_MARKETS=2)
    feeds = web.parts.feeds
    known = [await feeds.reader.named(f"fake:M{number}") for number in range(1, 5)]
    for one in known[:2]:
        feeds.following.follow(one, "watchlists")
    feeds.following.follow(known[2], "readers")
    feeds.following.follow(known[3], "readers")
    assert {name for _, name in feeds.following.all()} == {"M3", "M4"}
