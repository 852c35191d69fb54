"""How a venue's market went: the venue's candles, else what was recorded; and a glance at it."""

from typing import Any

from gateway.feeds.model import PricePoint, VenueCandle, VenueTrade
from gateway.feeds.venue import VenueRefused, VenueUnavailable
from persistence.clock import now_us
from persistence.repositories.feeds.snapshots import POLL, NewSnapshot
from tests.gateway.conftest import MakeWeb
from tests.gateway.feeds.fake_venue import FakeVenue, market
from tests.gateway.feeds.reading import Reader, reader_of

HOUR = 3_600_000_000
PATH = "/markets/fake:M1/candles?interval=1h"
DOWN = VenueUnavailable("fake", "no answer", retry_after_s=7)


async def opened(make_web: MakeWeb) -> tuple[Reader, FakeVenue, int]:
    """Return a reader, a venue with two markets, and the start of this hour."""
    venue = FakeVenue([market(1, bid_quantity=1_250, ask_quantity=300), market(2)])
    reader = await reader_of(make_web, venue)
    await reader.ingest()
    venue.asked.clear()
    return reader, venue, now_us() // HOUR * HOUR


async def recorded(reader: Reader, start: int) -> None:
    """Write down two prices of one hour of M1, and make candles of them."""
    feeds = reader.web.parts.feeds
    row = (await feeds.reader.named("fake:M1")).row
    for minute, price in ((5, 4_000), (40, 4_500)):
        one = NewSnapshot(
            market_id=row.id,
            digest=b"%d" % price,
            at=start + minute * 60_000_000,
            yes_price=price,
            best_bid=price - 50,
        )
        await feeds.snapshots.add(POLL, [one])
    await feeds.snapshots.roll_up(start, start + HOUR)


async def told(reader: Reader, path: str = PATH) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    answer = await reader.ask(path)
    assert answer.status_code == 200, answer.text
    body = answer.json()
    return body["data"], body["meta"]["asOf"]


async def test_candles_are_the_venues_own(make_web: MakeWeb) -> None:
    reader, venue, now = await opened(make_web)
    await recorded(reader, now - HOUR)
    venue.intervals = [
        VenueCandle(start=now - 4_000 * HOUR, close=1),
        VenueCandle(
            start=now - 3 * HOUR, open=4_000, high=4_200, low=3_900, close=4_100, volume=1_250,
            best_bid=4_050, best_ask=4_150, open_interest=90_000,
        ),
        VenueCandle(start=now - HOUR, best_bid=4_000, best_ask=4_300, volume=0),
    ]  # fmt: skip
    (first, second), age = await told(reader)
    assert [first[key] for key in ("open", "high", "low", "close", "volume", "openInterest")] == [
        "0.4000", "0.4200", "0.3900", "0.4100", "12.50", "900.00",
    ]  # fmt: skip
    assert (first["bid"]["close"], first["ask"]["close"]) == ("0.4050", "0.4150")
    assert (first["turnover"], first["trades"], first["bid"]["open"]) == (None, None, None)
    assert (second["close"], second["volume"], age["stale"]) == (None, "0.00", False)
    await told(reader)
    assert venue.asked == [("candles", "M1")], "remembered"


async def test_gaps_between_a_venues_candles_are_filled_where_it_is_asked(
    make_web: MakeWeb,
) -> None:
    reader, venue, now = await opened(make_web)
    venue.intervals = [
        VenueCandle(start=now - 3 * HOUR, close=4_100, best_bid=4_050, volume=5),
        VenueCandle(start=now - HOUR, best_bid=4_000),
    ]
    found, _ = await told(reader, f"{PATH}&fill=true")
    assert len(found) == 4, "from the first that is known to this hour"
    assert [one["close"] for one in found] == ["0.4100", "0.4100", None, "0.4100"]
    assert [one["bid"]["close"] for one in found] == ["0.4050", "0.4050", "0.4000", "0.4000"]
    assert [one["volume"] for one in found] == ["0.05", None, None, None]


async def test_what_was_recorded_stands_in_for_a_venues_candles(make_web: MakeWeb) -> None:
    reader, venue, now = await opened(make_web)
    await recorded(reader, now - HOUR)
    venue.intervals = []
    one = None
    for failure in (DOWN, VenueRefused("fake", 404, "no such thing")):
        venue.failure = failure
        [one], age = await told(reader)
        assert (one["open"], one["close"], one["volume"]) == ("0.4000", "0.4500", None)
        assert age["stale"] is True
    found, age = await told(reader, "/markets/fake:M2/candles")
    assert (found, age["stale"]) == ([], True)
    venue.intervals = venue.failure = None
    found, age = await told(reader)
    assert (found, age["stale"]) == ([one], False), "the venue has none"


async def test_a_glance_at_a_venues_market_has_its_sizes(make_web: MakeWeb) -> None:
    reader, venue, _ = await opened(make_web)
    glance = await reader.get("/markets/fake:M1/ticker")
    assert (glance["bestBidQuantity"], glance["bestAskQuantity"]) == ("12.50", "3.00")
    assert venue.asked == [("some_markets", ["M1"])]


async def test_tapes_and_histories_of_a_venue_say_how_old_they_are(make_web: MakeWeb) -> None:
    reader, venue, now = await opened(make_web)
    cache, ahead = reader.web.parts.feeds.cache, 0
    cache._clock = lambda: now_us() + ahead * 1_000_000
    venue.prints["M1"] = [
        VenueTrade(
            platform="fake", external_id="M1", trade_id="t", yes_price=4_000, quantity=5, venue_at=1
        )
    ]
    venue.points = [PricePoint(at=now - HOUR, yes_price=5_000)]
    paths = ("/markets/fake:M1/trades", "/markets/fake:M1/history?to=2026-01-01T00:00:00Z")

    async def age(path: str) -> tuple[bool, bool]:
        said = (await reader.ask(path)).json()["meta"]["asOf"]
        return said["stale"], said["ageMs"] < 60_000

    for path in paths:
        assert await age(path) == (False, True)
    full = await reader.get("/markets/fake:M1/full")
    assert (full["tradesAsOf"]["stale"], len(full["trades"])) == (False, 1)
    ahead, venue.failure = 400, DOWN
    for path in paths:
        stale, _ = await age(path)
        assert stale, "asking anew has failed, so it may have changed"
    full = await reader.get("/markets/fake:M1/full")
    assert (full["tradesAsOf"]["stale"], len(full["trades"])) == (True, 1)
    assert (await reader.get("/markets/fake:M2/full"))["tradesAsOf"] is None
