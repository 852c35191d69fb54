"""Lists of all platforms: filters, sorts, pages, categories, and ours as ever."""

from collections.abc import Callable
from decimal import Decimal
from random import Random
from typing import Any

import pytest

from gateway.feeds import cache
from gateway.feeds.model import ListedStatus, VenueEvent, VenueMarket
from persistence.clock import now_us
from tests.gateway.conftest import MakeWeb
from tests.gateway.feeds.fake_venue import FakeVenue, market
from tests.gateway.feeds.reading import Reader, reader_of


def some_markets(count: int, platform: str = "fake") -> list[VenueMarket]:
    """Markets with many equal figures, and some that aren't known."""
    random = Random(count)
    found = []
    for number in range(count):
        status = random.choice(list(ListedStatus))
        found.append(
            market(
                number,
                platform=platform,
                slug=f"{platform}-{number}",
                status=status,
                volume_total=random.choice([None, Decimal(random.randrange(9))]),
                liquidity=random.choice([None, Decimal(random.randrange(9)) / 7]),
                close_time=random.choice([None, 10**15 + random.randrange(9)]),
                created_at=10**15 + random.randrange(9),
            )
        )
    return found


KEYS: dict[str, Callable[[VenueMarket], Any]] = {
    "volume": lambda one: -1 if one.volume_total is None else one.volume_total,
    "liquidity": lambda one: -1 if one.liquidity is None else int(one.liquidity * 10**6),
    "created": lambda one: one.created_at,
    "closing": lambda one: 2**62 if one.close_time is None else one.close_time,
}


async def pages(reader: Reader, path: str, by: str) -> list[dict[str, Any]]:
    """All of a list, seven at a time, by offset or by cursor."""
    found: list[dict[str, Any]] = []
    place = ""
    while True:
        answer = await reader.ask(f"{path}&limit=7{place}")
        assert answer.status_code == 200, answer.text
        body = answer.json()
        found += body["data"]
        assert body["pagination"]["hasMore"] is (body["nextCursor"] is not None)
        if body["nextCursor"] is None:
            assert body["pagination"]["total"] == len(found)
            return found
        place = f"&offset={len(found)}" if by == "offset" else f"&cursor={body['nextCursor']}"


@pytest.mark.parametrize("by", ["offset", "cursor"])
@pytest.mark.parametrize("order", ["asc", "desc"])
@pytest.mark.parametrize("sort", KEYS)
async def test_a_sorted_list_is_whole_and_in_order(
    make_web: MakeWeb, sort: str, order: str, by: str
) -> None:
    listed = some_markets(40)
    reader = await reader_of(make_web, FakeVenue(listed), FakeVenue(platform="other"))
    for number in range(6):
        reader.list_ours(f"ours-{number}", f"Ours {number}?")
    await reader.ingest()
    for platform, ours in (("fake", 0), ("all", 6)):
        path = f"/markets?platform={platform}&sort={sort}&order={order}"
        found = await pages(reader, path, by)
        assert len({one["id"] for one in found}) == len(found) == 40 + ours
        theirs = {f"fake:{one.external_id}": KEYS[sort](one) for one in listed}
        values = [theirs[one["id"]] for one in found if one["platform"] == "fake"]
        assert values == sorted(values, reverse=order == "desc")


async def test_filters_leave_what_they_name(make_web: MakeWeb) -> None:
    listed = some_markets(60)
    reader = await reader_of(make_web, FakeVenue(listed))
    reader.list_ours("rain", "Will it rain?", "weather")
    await reader.ingest()
    meant = {
        "active": {"OPEN"},
        "closed": {"CLOSED", "RESOLVING"},
        "resolved": {"RESOLVED", "VOID"},
        "OPEN,HALTED": {"OPEN", "HALTED"},
    }
    for words, statuses in meant.items():
        found = await reader.get(f"/markets?platform=fake&status={words}&limit=200")
        assert len(found) == sum(one.status.value in statuses for one in listed)
        assert {one["status"] for one in found} == statuses
    found = await reader.get("/markets?platform=all&category=WEATHER&limit=200")
    expected = {f"fake:{one.external_id}" for one in listed if one.category == "Weather"}
    assert {one["id"] for one in found} == expected | {"1"}
    category = await reader.get("/markets/category/weather?limit=200&platform=all")
    assert [one["id"] for one in category] == [one["id"] for one in found]
    assert await reader.get("/markets/category/nothing") == []


async def test_without_a_platform_the_list_is_ours_as_ever(make_web: MakeWeb) -> None:
    """Byte for byte but for the answer's own time and id."""
    alone, beside = await make_web(), await reader_of(make_web, FakeVenue(some_markets(9)))
    await beside.ingest()
    for web in (alone, beside.web):
        reader = Reader(web, {})
        for number in range(5):
            reader.list_ours(f"ours-{number}", f"Ours {number}?", "C" if number % 2 else "d")
    for query in ("", "?limit=2", "?offset=3", "?status=OPEN", "?category=c", "?search=ours%203"):
        texts = []
        for web in (alone, beside.web):
            answer = await web.client.get(f"/api/v1/markets{query}")
            assert answer.status_code == 200
            texts.append(answer.text.partition(',"meta"')[0])
        assert texts[0] == texts[1]
        assert '"platform"' not in texts[0]


async def test_one_view_for_every_platform(make_web: MakeWeb) -> None:
    theirs = market(
        7,
        yes_price=4_200,
        best_bid=4_100,
        best_ask=4_300,
        last_price=None,
        open_interest=12_345,
        volume_total=Decimal("10.50"),
        volume_24h=None,
        liquidity=Decimal("1E+3"),
        fees=(("taker", "0.02"),),
        url="https://venue.example/7",
        close_time=1_900_000_000_000_000,
    )
    reader = await reader_of(make_web, FakeVenue([theirs]))
    reader.list_ours("rain", "Will it rain?")
    await reader.ingest()
    [shown] = await reader.get("/markets?platform=fake")
    as_of = shown.pop("asOf")
    assert as_of["stale"] is False
    assert 0 <= as_of["ageMs"] < 60_000
    assert shown == {
        "id": "fake:M7",
        "slug": "market-7",
        "question": theirs.question,
        "description": theirs.description,
        "category": "Weather",
        "status": "OPEN",
        "closeTime": "2030-03-17T17:46:40.000Z",
        "createdAt": "2023-11-14T22:13:20.000Z",
        "tickSize": None,
        "minQuantity": None,
        "makerFee": None,
        "takerFee": None,
        "feeModel": None,
        "bestBid": "0.4100",
        "bestAsk": "0.4300",
        "lastPrice": None,
        "volume": None,
        "trades": None,
        "openInterest": "123.45",
        "seq": None,
        "resolution": None,
        "yesPayout": None,
        "source": None,
        "resolvedAt": None,
        "platform": "fake",
        "externalId": "M7",
        "tags": list(theirs.tags),
        "eventId": "fake:E0",
        "eventTitle": "Event 0",
        "outcomes": ["Yes", "No"],
        "yesPrice": "0.4200",
        "noPrice": "0.5800",
        "spread": "0.0200",
        "fees": {"taker": "0.02"},
        "currency": "USD",
        "volume24h": None,
        "volumeTotal": "10.50",
        "liquidity": "1000",
        "url": "https://venue.example/7",
    }
    [ours] = await reader.get("/markets?platform=exchange")
    assert ours.keys() == shown.keys() | {"asOf"}
    assert ours["yesPrice"] is None
    for name in ("fake:M7", "market-7"):
        again = await reader.get(f"/markets/{name}")
        assert again == shown | {"asOf": again["asOf"]}


async def test_ours_are_sorted_by_what_was_paid_in_them(make_web: MakeWeb) -> None:
    listed = [
        market(n, volume_total=Decimal(n), volume_24h=None, slug=f"theirs-{n}") for n in (1, 3)
    ]
    reader = await reader_of(make_web, FakeVenue(listed))
    for number in range(3):
        reader.list_ours(f"ours-{number}", f"Ours {number}?")
    await reader.ingest()
    pool = reader.web.parts.pool
    await pool.execute(
        "INSERT INTO market_turnovers VALUES (1, 2000000, 0), (3, 4000001, $1)", now_us()
    )
    reader.web.engine.view.markets[2].trade_no = 1
    await pool.execute(
        "INSERT INTO candles SELECT 3, $1 - k * 86400000000, 1, 500000, 1, 0, 3600,"
        " 1, 1, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0 FROM generate_series(0, 2) AS k",
        now_us() // 3_600_000_000 * 3_600_000_000,
    )
    await reader.web.parts.volumes.refresh()
    found = await reader.get("/markets?platform=all&sort=volume")
    shown = [(one["slug"], one["volumeTotal"], one["volume24h"]) for one in found]
    assert shown == [
        ("ours-2", "4.000001", "0.500000"),
        ("theirs-3", "3", None),
        ("ours-0", "2.000000", "0.000000"),
        ("theirs-1", "1", None),
        # It was traded, and nobody knows yet for how much.
        ("ours-1", None, None),
    ]
    assert all(one["liquidity"] is None for one in found if one["platform"] == "exchange")
    for path in ("/markets/ours-2", "/markets/ours-2/live", "/markets/3"):
        assert (await reader.get(path))["volumeTotal"] == "4.000001"
    assert (await reader.get("/markets/ours-2/full"))["market"]["volume24h"] == "0.500000"


async def test_a_bare_slug_is_ours_first_then_the_one_venues(make_web: MakeWeb) -> None:
    one = FakeVenue([market(1, slug="rain"), market(2, slug="twice"), market(3, slug="only")])
    other = FakeVenue([market(2, slug="twice", platform="other")], platform="other")
    reader = await reader_of(make_web, one, other)
    reader.list_ours("rain", "Will it rain?")
    await reader.ingest()
    assert (await reader.get("/markets/rain"))["platform"] == "exchange"
    assert (await reader.get("/markets/only"))["id"] == "fake:M3"
    for name in ("twice", "none", "fake:none", "x:M1", ":", "fake:", "polymarket:1", "M1"):
        await reader.refused(f"/markets/{name}", 404)
    assert (await reader.get("/markets/other:M2"))["platform"] == "other"


async def test_venues_that_are_no_longer_asked_hide_no_slug(make_web: MakeWeb) -> None:
    """What was read of them is still stored; two of them with the slug left no place for it."""

    def listing(platform: str, number: int) -> FakeVenue:
        venue = FakeVenue([market(number, slug="rain", platform=platform)], platform=platform)
        venue.events = [
            VenueEvent(platform=platform, external_id="E", title="Rain?", slug="all-rain")
        ]
        return venue

    reader = await reader_of(make_web, listing("fake", 3))
    asked = reader.venues
    reader.venues = asked | {f"left-{n}": listing(f"left-{n}", n) for n in range(2)}
    await reader.ingest()
    reader.venues = asked
    await reader.ingest()
    assert {*await reader.web.parts.feeds.markets.counts()} == {"left-0", "left-1", "fake"}
    assert (await reader.get("/markets/rain"))["id"] == "fake:M3"
    assert (await reader.get("/markets/rain/matches")) == []
    assert (await reader.get("/events/all-rain"))["id"] == "fake:E"


async def test_random_is_an_open_market_of_whom_was_asked(make_web: MakeWeb) -> None:
    listed = [market(n) for n in range(5)]
    others = (ListedStatus.CLOSED, ListedStatus.POST_ONLY)
    listed += [market(number, status=status) for number, status in enumerate(others, 9)]
    reader = await reader_of(make_web, FakeVenue(listed), FakeVenue(platform="empty"))
    await reader.refused("/markets/random?platform=exchange", 404)
    await reader.refused("/markets/random", 404)
    reader.list_ours("rain", "Will it rain?")
    await reader.ingest()
    seen = {(await reader.get("/markets/random"))["id"] for _ in range(80)}
    assert not seen & {"fake:M9", "fake:M10"}
    assert "1" in seen
    assert len(seen) >= 4
    theirs = {(await reader.get("/markets/random?platform=fake"))["platform"] for _ in range(9)}
    assert theirs == {"fake"}
    await reader.refused("/markets/random?platform=empty", 404)


async def test_events_have_their_markets(make_web: MakeWeb) -> None:
    venue = FakeVenue([market(n, event_id="E1" if n < 4 else None) for n in range(6)])
    venue.events = [
        VenueEvent(platform="fake", external_id="E1", title="Who wins?", slug="who-wins"),
        VenueEvent(platform="fake", external_id="E2", title="Else", category="Sports"),
    ]
    reader = await reader_of(make_web, venue)
    await reader.ingest()
    listed = await reader.get("/events")
    assert [one["id"] for one in listed] == ["fake:E2", "fake:E1"]
    assert "markets" not in listed[0]
    assert [one["id"] for one in await reader.get("/events?category=sports")] == ["fake:E2"]
    for name in ("fake:E1", "who-wins"):
        event = await reader.get(f"/events/{name}")
        assert event["title"] == "Who wins?"
        assert {one["id"] for one in event["markets"]} == {f"fake:M{n}" for n in range(4)}
        assert all(one["eventId"] == "fake:E1" for one in event["markets"])
    for name in ("fake:none", "none", "x:E1", "1"):
        await reader.refused(f"/events/{name}", 404)


BAD = [
    ("/markets?platform=x", "platform"),
    ("/markets?platform=", "platform"),
    ("/markets?platform=fake&status=maybe", "status"),
    ("/markets?platform=fake&status=", "status"),
    ("/markets?platform=fake&sort=price", "sort"),
    ("/markets?platform=fake&order=up", "order"),
    ("/markets?platform=fake&limit=0", "limit"),
    ("/markets?platform=fake&limit=10001", "limit"),
    ("/markets?platform=fake&limit=201", "limit"),
    ("/markets?platform=fake&offset=-1", "offset"),
    ("/markets?platform=fake&cursor=x", "cursor"),
    ("/markets?platform=fake&cursor=1o", "cursor"),
    ("/markets?platform=fake&cursor=9999999999999999999v1", "cursor"),
    ("/markets?platform=fake&cursor=1v1&offset=1", "offset"),
    *(
        (f"/markets?search={text}{platform}", "search")
        for text in ("", "%20", "%20%20", "...", "%C2%A0", "%00")
        for platform in ("", "&platform=exchange", "&platform=fake", "&platform=all", "&order=asc")
    ),
    ("/markets?platform=fake&x=1", "x"),
    ("/markets/search", "q"),
    ("/markets/search?q=", "q"),
    ("/markets/search?q=%20%20", "q"),
    ("/markets/search?q=%00", "q"),
    ("/markets/search?q=...", "q"),
    ("/markets/search?q=" + "a" * 101, "q"),
    ("/markets/search?q=" + "a" * 60_000, "query"),
    ("/markets/search?q=a&limit=0", "limit"),
    ("/markets/search?q=a&platform=x", "platform"),
    ("/markets/categories?platform=x", "platform"),
    ("/markets/category/a?sort=price", "sort"),
    ("/markets/random?platform=x", "platform"),
    ("/events?limit=10001", "limit"),
    ("/events?platform=x", "platform"),
    ("/events?cursor=x", "cursor"),
    ("/feed/status?x=1", "x"),
    ("/markets/fake:M1/live?x=1", "x"),
    ("/markets/fake:M1/orderbook?depth=0", "depth"),
    ("/markets/fake:M1/orderbook?outcome=MAYBE", "outcome"),
    ("/markets/fake:M1/orderbook?atSeq=3", "atSeq"),
    ("/markets/fake:M1/orderbook?at=2026-01-31T12:00:00Z", "at"),
    ("/markets/fake:M1/orderbook/deltas", "slug"),
    ("/markets/fake:M1/orderbook/orders", "slug"),
    ("/markets/fake:M1/trades?limit=0", "limit"),
    ("/markets/fake:M1/trades?cursor=5", "cursor"),
    ("/markets/fake:M1/trades?afterSeq=5", "afterSeq"),
    ("/markets/fake:M1/history?interval=2h", "interval"),
    ("/markets/fake:M1/history?from=yesterday", "from"),
    ("/markets/fake:M1/snapshots?source=GUESS", "source"),
    ("/markets/fake:M1/snapshots?limit=10001", "limit"),
    ("/markets/fake:M1/snapshots?cursor=x", "cursor"),
    ("/markets/fake:M1/snapshots?from=1", "from"),
]


@pytest.mark.parametrize(("path", "field"), BAD, ids=[path[:60] for path, _ in BAD])
async def test_bad_input_is_refused_and_named(make_web: MakeWeb, path: str, field: str) -> None:
    reader = await reader_of(make_web, FakeVenue([market(1)]))
    error = await reader.refused(path, 400)
    assert [detail["field"] for detail in error["details"]] == [field]


@pytest.mark.parametrize(
    "name", ["a/b", "%2F", "%00", "fake:%00", "x" * 5_000, "fake:" + "x" * 251, "%F0%9F%98%80", "é"]
)
@pytest.mark.parametrize("below", ["", "/live", "/full", "/history", "/orderbook", "/snapshots"])
async def test_names_that_nothing_has_are_not_found(
    make_web: MakeWeb, name: str, below: str
) -> None:
    reader = await reader_of(make_web, FakeVenue([market(1)]))
    await reader.refused(f"/markets/{name}{below}", 404)


@pytest.mark.parametrize("limit", [20, 100])
async def test_a_list_that_was_empty_shows_the_first_markets_at_once(
    make_web: MakeWeb, monkeypatch: pytest.MonkeyPatch, limit: int
) -> None:
    """Whoever looked before the first pass at a start saw nothing for another minute."""
    monkeypatch.setattr(cache, "NOTHING_S", -1.0)
    venue = FakeVenue(some_markets(5))
    web = await make_web(venues={"fake": venue})
    reader = Reader(web, {"fake": venue})
    lists = [f"/markets?platform=fake&limit={limit}{more}" for more in ("", "&search=will")]
    for path in lists:
        assert await reader.get(path) == []
    assert await reader.get("/markets/categories?platform=fake") == []
    await reader.ingest()
    for path in lists:
        answer = (await reader.ask(path)).json()
        assert len(answer["data"]) == answer["pagination"]["total"] > 0, path
    assert await reader.get("/markets/categories?platform=fake") != []
