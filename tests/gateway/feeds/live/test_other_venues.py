"""Kalshi with an account, by its socket; without one, by asking again; and ends of markets."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import msgspec
import pytest

from exchange.messages.terms import Resolution
from gateway.feeds.live.followed import Followed
from gateway.feeds.model import ListedStatus, TakenSide, VenueBook, VenueTrade
from gateway.feeds.venue import Venue, VenueUnavailable
from persistence.clock import now_us
from persistence.postgres.database import create_pool
from tests.gateway.feeds.fake_venue import FakeVenue, market
from tests.gateway.feeds.live.stage import BookReader, quicken, rest
from tests.gateway.socket_client import socket_client
from tests.gateway.socket_desk import SocketDesk, open_socket_desk
from tests.gateway.waiting import eventually
from tests.venues.kalshi_desk import desk as kalshi_desk
from tests.venues.kalshi_desk import world
from tests.venues.kalshi_socket import KalshiSocket

TICKER = "RAIN-0-NYC"
KALSHI = f"kalshi:{TICKER}"
BOOK = VenueBook(
    platform="fake", external_id="M1", bids=((4_100, 500), (4_000, 25)), asks=((4_300, 100),)
)


@asynccontextmanager
async def serving(database_url: str, venue: Venue, **changes: object) -> AsyncIterator[SocketDesk]:
    pool = await create_pool(database_url, size=4)
    named: dict[str, Any] = {"FEED_STREAM_INTERVAL_MS": 10, **changes}
    try:
        async with open_socket_desk(pool=pool, venues={venue.platform: venue}, **named) as made:
            yield made
    finally:
        await pool.close()


class Ahead:
    """Puts the cache's clock ahead, so that what it has is old."""

    def __init__(self, served: SocketDesk) -> None:
        self.seconds = 0
        served.parts.feeds.cache._clock = lambda: now_us() + self.seconds * 1_000_000


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    quicken(monkeypatch)


async def test_kalshi_with_an_account_is_heard_by_its_socket(database_url: str) -> None:
    books = {TICKER: {"yes": {3_600: 200, 3_700: 836_800}, "no": {6_100: 7_950}}}
    venue = world(talk=KalshiSocket(books))
    async with kalshi_desk(venue, key=True) as kalshi, serving(
        database_url, kalshi.client
    ) as served, socket_client(served.port) as client:  # fmt: skip
        await client.ok("subscribe:market", {"market": KALSHI})
        yes, no = BookReader(client, "YES", KALSHI), BookReader(client, "NO", KALSHI)
        await yes.until({3_600: 200, 3_700: 836_800}, {3_900: 7_950})
        for number in range(20):
            await venue.say(venue.talk.change(TICKER, "yes", 3_000 + 10 * number, 100))
        bids, asks = (dict(side) for side in venue.talk.shown(TICKER))
        await yes.until(bids, asks)
        await no.until({6_100: 7_950}, {10_000 - price: qty for price, qty in bids.items()})
        assert venue.asked(f"/markets/{TICKER}/orderbook") == 0
        # A number that is left out is a loss: the whole book comes.
        venue.talk.change(TICKER, "yes", 2_000, 100)
        await venue.say(venue.talk.change(TICKER, "yes", 2_100, 100))
        bids, asks = (dict(side) for side in venue.talk.shown(TICKER))
        await yes.until(bids, asks)
        assert yes.kinds.count("snapshot") == 2


async def test_kalshi_without_an_account_is_asked_again_and_again(database_url: str) -> None:
    venue = world()
    venue.books[TICKER] = {"orderbook_fp": {"yes_dollars": [["0.3700", "1.00"]], "no_dollars": []}}
    async with kalshi_desk(venue) as kalshi, serving(
        database_url, kalshi.client
    ) as served, socket_client(served.port) as client:  # fmt: skip
        ahead = Ahead(served)
        await client.ok("subscribe:market", {"marketId": KALSHI, "outcome": "YES"})
        reader = BookReader(client, "YES", KALSHI)
        await reader.until({3_700: 100}, {})
        asked = venue.asked(f"/markets/{TICKER}/orderbook")
        await rest()
        assert venue.asked(f"/markets/{TICKER}/orderbook") == asked, "within the cache's age"
        venue.books[TICKER] = {
            "orderbook_fp": {"yes_dollars": [["0.3800", "2.00"]], "no_dollars": [["0.5", "3"]]}
        }
        ahead.seconds = 20
        await reader.until({3_800: 200}, {5_000: 300})
        assert reader.kinds == ["snapshot", "delta"]
        assert venue.socket.opened == 0


async def test_a_polled_venue_that_goes_away_and_comes_back(database_url: str) -> None:
    venue = FakeVenue([market(1)])
    venue.books["M1"] = BOOK
    async with serving(database_url, venue) as served, socket_client(served.port) as client:
        ahead = Ahead(served)
        await client.ok("subscribe:market", {"market": "fake:M1", "outcome": "NO"})
        reader = BookReader(client, "NO", "fake:M1")
        await reader.until({5_700: 100}, {5_900: 500, 6_000: 25})
        venue.failure = VenueUnavailable("fake", "no answer")
        ahead.seconds = 20
        await client.until(lambda: client.heard("market_updated"))
        [told] = client.heard("market_updated")
        assert (told["asOf"]["stale"], told["bestBid"]) == (True, "0.4100")
        venue.failure = None
        ahead.seconds = 40
        await client.until(lambda: len(client.heard("market_updated")) == 2)
        assert client.heard("market_updated")[1]["asOf"]["stale"] is False
        reader.catch_up()
        assert reader.kinds.count("snapshot") == 2, "behind the pause the book is told anew"


async def test_prints_of_a_polled_venue_are_told_once_and_none_of_before(
    database_url: str,
) -> None:
    def print_of(number: int) -> VenueTrade:
        return VenueTrade(
            platform="fake", external_id="M1", trade_id=f"t{number}", yes_price=4_200,
            quantity=100 * number, taken=TakenSide.YES, venue_at=1_790_000_000_000_000 + number,
        )  # fmt: skip

    venue = FakeVenue([market(1)])
    venue.books["M1"], venue.prints["M1"] = BOOK, [print_of(1)]
    async with serving(database_url, venue) as served, socket_client(served.port) as client:
        ahead = Ahead(served)
        await client.ok("subscribe:market", {"market": "fake:M1"})
        await client.until(lambda: client.heard("orderbook_update"))
        await rest()
        venue.prints["M1"] = [print_of(number) for number in (3, 2, 1)]
        ahead.seconds = 30
        await client.until(lambda: len(client.heard("trade_executed")) == 2)
        await rest()
        told = client.heard("trade_executed")
        assert [(one["tradeNo"], one["id"]) for one in told] == [(1, "fake:t2"), (2, "fake:t3")]


async def test_the_end_of_a_market_is_told_and_empties_its_book(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gateway.feeds.live.line.REFRESH_S", 0.1)
    venue = FakeVenue([market(1)])
    venue.books["M1"] = BOOK
    async with serving(database_url, venue) as served, socket_client(served.port) as client:
        ahead = Ahead(served)
        await client.ok("subscribe:market", {"market": "fake:M1", "outcome": "YES"})
        reader = BookReader(client, "YES", "fake:M1")
        await reader.until({4_100: 500, 4_000: 25}, {4_300: 100})
        ended = msgspec.structs.replace(
            venue.listed["M1"], status=ListedStatus.RESOLVED, resolution=Resolution.YES,
            best_bid=None, best_ask=None, yes_price=None,
        )  # fmt: skip
        venue.listed["M1"] = ended
        feeds = served.parts.feeds
        await feeds.catalogue.store("fake", await venue.some_markets(["M1"]), now_us())
        ahead.seconds = 700
        await client.until(lambda: client.heard("market_updated"))
        told = client.heard("market_updated")[-1]
        assert (told["status"], told["resolution"], told["yesPrice"]) == ("RESOLVED", "YES", None)
        await reader.until({}, {})
        asked = len(venue.asked)
        await rest()
        assert len(venue.asked) == asked, "nobody asks about what is over"
        async with socket_client(served.port) as late:
            await late.ok("subscribe:market", {"market": "fake:M1", "outcome": "YES"})
            await late.until(lambda: late.heard("orderbook_update"))
            assert late.heard("orderbook_update")[0]["bids"] == []
            assert late.heard("market_updated") == []


async def test_a_market_that_is_over_already_has_an_empty_book(database_url: str) -> None:
    venue = FakeVenue([market(1, status=ListedStatus.VOID, yes_price=None)])
    async with serving(database_url, venue) as served, socket_client(served.port) as client:
        await client.ok("subscribe:market", {"market": "fake:M1", "outcome": "NO"})
        await client.until(lambda: client.heard("orderbook_update"))
        [told] = client.heard("orderbook_update")
        assert (told["kind"], told["bids"], told["asks"]) == ("snapshot", [], [])
        await client.until(lambda: client.heard("heartbeat"))
        assert ("book", "M1") not in venue.asked
        await eventually(lambda: client.heard("heartbeat")[-1]["markets"])
        assert client.heard("heartbeat")[-1]["markets"][0]["stale"] is False


async def test_channels_of_another_venue_s_market(database_url: str) -> None:
    venue = FakeVenue([market(1)])
    venue.books["M1"] = BOOK
    async with serving(database_url, venue) as served, socket_client(served.port) as client:
        for channel in ("ticker", "candles"):
            body = {"market": "fake:M1", "channels": ["book", channel]}
            refusal = await client.refusal("subscribe:market", body)
            assert refusal["details"] == [
                {
                    "field": "channels[1]",
                    "message": "must be book, trades or lifecycle for a market of another venue",
                }
            ]
        told = await client.ok("subscribe:market", {"market": "fake:M1", "channels": ["trades"]})
        assert (told["outcomes"], told["channels"]) == ([], ["trades"])
        ahead = Ahead(served)
        light = {"market": "fake:M1", "channels": ["book"], "depth": 1, "outcome": "YES"}
        await client.ok("subscribe:market", light)
        reader = BookReader(client, "YES", "fake:M1")
        await reader.until({4_100: 500}, {4_300: 100})
        venue.books["M1"] = msgspec.structs.replace(BOOK, bids=((4_100, 500), (4_000, 99)))
        ahead.seconds = 20
        await eventually(lambda: _followed(served).seq == 2)
        venue.books["M1"] = msgspec.structs.replace(BOOK, bids=((4_200, 7), (4_000, 99)))
        ahead.seconds = 40
        await reader.until({4_200: 7}, {4_300: 100})
        assert reader.kinds == ["snapshot", "snapshot"]
        served.sockets.heart.beat(0.0)
        await client.until(
            lambda: any(
                m["seq"] == 3 for beat in client.heard("heartbeat") for m in beat["markets"]
            )
        )
        assert not client.heard("market_updated")
        await client.ok("unsubscribe:market", {"market": "fake:M1"})
        assert not _followed(served).holders


def _followed(served: SocketDesk) -> Followed:
    return served.parts.feeds.following.all()["fake", "M1"]


async def test_another_venue_s_market_begins_with_a_snapshot(database_url: str) -> None:
    async with serving(database_url, FakeVenue([market(1)])) as served, socket_client(
        served.port
    ) as client:  # fmt: skip
        refusal = await client.refusal("subscribe:market", {"market": "fake:M1", "afterSeq": 1})
        assert refusal["details"][0]["field"] == "afterSeq"
