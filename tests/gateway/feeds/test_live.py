"""One market as it is: its venue asked, within the cache's age, and what holds while it is down."""

import asyncio

import msgspec
import pytest

from exchange.messages.commands import PlaceOrder
from exchange.messages.terms import BUY, GTC, LIMIT, NO, YES, Resolution
from gateway.feeds.api.reading import COUNTS, UNLISTED
from gateway.feeds.model import ListedStatus, PricePoint, TakenSide, VenueBook, VenueTrade
from gateway.feeds.venue import Condition, VenueRefused, VenueUnavailable
from gateway.markets.views import checksum
from persistence.clock import now_us
from tests.gateway.conftest import MakeWeb
from tests.gateway.feeds.fake_venue import FakeVenue, market
from tests.gateway.feeds.reading import Reader, reader_of
from tests.gateway.waiting import eventually

changed = msgspec.structs.replace
DOWN = VenueUnavailable("fake", "no answer", retry_after_s=7)
BOOK = VenueBook(
    platform="fake",
    external_id="M1",
    bids=((4_100, 500), (4_000, 25)),
    asks=((4_300, 100), (4_450, 1)),
)


async def opened(make_web: MakeWeb) -> tuple[Reader, FakeVenue]:
    venue = FakeVenue([market(1), market(2)], raw=b'{"price": 0.4100, "nested": {"a": [1, 2]}}')
    venue.books["M1"] = BOOK
    reader = await reader_of(make_web, venue)
    await reader.ingest()
    venue.asked.clear()
    return reader, venue


async def test_live_is_what_the_venue_says_now_and_is_stored(make_web: MakeWeb) -> None:
    reader, venue = await opened(make_web)
    venue.listed["M1"] = changed(venue.listed["M1"], yes_price=4_321)
    assert (await reader.get("/markets/fake:M1"))["yesPrice"] != "0.4321"
    assert (await reader.get("/markets/fake:M1/live"))["yesPrice"] == "0.4321"
    assert (await reader.get("/markets/fake:M1"))["yesPrice"] == "0.4321"
    assert (await reader.get("/markets?platform=fake&sort=created&order=asc"))[0]["id"] == "fake:M1"
    assert venue.asked == [("some_markets", ["M1"])]


async def test_many_who_ask_at_once_are_one_question(make_web: MakeWeb) -> None:
    reader, venue = await opened(make_web)
    venue.hold = asyncio.Event()
    asking = [asyncio.create_task(reader.get("/markets/fake:M1/live")) for _ in range(20)]
    await eventually(lambda: bool(venue.asked))
    asking[0].cancel()
    venue.hold.set()
    found = await asyncio.gather(*asking[1:])
    assert len(found) == 19
    assert venue.asked == [("some_markets", ["M1"])]
    assert reader.metric('cache_requests_total{cache="live",result="miss"}') == 19


async def test_a_venue_that_is_down_leaves_what_is_known_marked(make_web: MakeWeb) -> None:
    reader, venue = await opened(make_web)
    fresh = await reader.get("/markets/fake:M1/orderbook")
    assert fresh["asOf"]["stale"] is False
    venue.failure = DOWN
    for path in ("/markets/fake:M1", "/markets/fake:M1/live", "/markets/fake:M1/full"):
        answer = await reader.get(path)
        shown = answer.get("market", answer)
        assert shown["asOf"]["stale"] is not path.endswith("M1")
        assert shown["yesPrice"] == "0.0002"
    full = await reader.get("/markets/fake:M1/full")
    assert full["book"] is not None, "the book is young still"
    assert full["trades"] == []
    error = await reader.refused("/markets/fake:M2/orderbook", 502)
    assert error["code"] == "EXTERNAL_API_ERROR"
    answer = await reader.ask("/markets/fake:M2/trades")
    assert (answer.status_code, answer.headers["retry-after"]) == (502, "7")
    await reader.refused("/markets/fake:M99", 502)
    venue.failure = None
    venue.listed["M99"] = market(99)
    assert (await reader.get("/markets/fake:M99"))["id"] == "fake:M99"


async def test_a_book_grows_old_in_steps(make_web: MakeWeb) -> None:
    """Fresh for 5 s; until 10 s lent and asked for anew behind it; older only if asking fails."""
    reader, venue = await opened(make_web)
    cache, ahead = reader.web.parts.feeds.cache, 0
    cache._clock = lambda: now_us() + ahead * 1_000_000
    path = "/markets/fake:M1/orderbook"
    await reader.get(path)
    await reader.get(path)
    assert len(venue.asked) == 1
    venue.books["M1"] = changed(BOOK, bids=((4_200, 100),))
    ahead = 7
    assert (await reader.get(path))["bids"][0] == ["0.4100", "5.00"]
    await eventually(lambda: len(venue.asked) == 2 and not cache._under_way)
    assert (await reader.get(path))["bids"][0] == ["0.4200", "1.00"]
    ahead = 30
    venue.failure = DOWN
    old = await reader.get(path)
    assert old["bids"] == [["0.4200", "1.00"]]
    assert old["asOf"]["stale"] is True
    asked = len(venue.asked)
    await reader.get(path)
    assert len(venue.asked) == asked, "a venue that is down is left alone for a moment"
    for result, count in (("miss", 1), ("hit", 2), ("stale", 1), ("failed", 2)):
        assert reader.metric(f'cache_requests_total{{cache="books",result="{result}"}}') == count


async def test_both_legs_of_a_venues_book(make_web: MakeWeb) -> None:
    reader, _ = await opened(make_web)
    yes = await reader.get("/markets/fake:M1/orderbook")
    assert yes.pop("asOf")["ageMs"] < 60_000
    assert yes == {
        "marketId": "fake:M1",
        "slug": "market-1",
        "outcome": "YES",
        "epoch": 0,
        "seq": 0,
        "bids": [["0.4100", "5.00"], ["0.4000", "0.25"]],
        "asks": [["0.4300", "1.00"], ["0.4450", "0.01"]],
        "checksum": checksum([*BOOK.bids], [*BOOK.asks]),
    }
    no = await reader.get("/markets/market-1/orderbook?outcome=NO&depth=1")
    assert (no["bids"], no["asks"]) == ([["0.5700", "1.00"]], [["0.5900", "5.00"]])
    await reader.refused("/markets/fake:M2/orderbook", 404)


async def test_prints_of_a_venue_are_the_takers(make_web: MakeWeb) -> None:
    reader, venue = await opened(make_web)
    taken = (TakenSide.YES, TakenSide.NO, None)
    venue.prints["M1"] = [
        VenueTrade(
            platform="fake",
            external_id="M1",
            trade_id=f"t{number}",
            yes_price=4_000,
            quantity=150,
            taken=side,
            venue_at=1_700_000_000_000_000,
        )
        for number, side in enumerate(taken)
    ]
    found = await reader.get("/markets/fake:M1/trades")
    told = [(one["id"], one["outcome"], one["side"], one["price"]) for one in found]
    assert told == [
        ("fake:t0", "YES", "BUY", "0.4000"),
        ("fake:t1", "NO", "BUY", "0.6000"),
        ("fake:t2", "YES", None, "0.4000"),
    ]
    assert {one["yesPrice"] for one in found} == {"0.4000"}
    assert len(await reader.get("/markets/fake:M1/trades?limit=2")) == 2


async def test_full_has_the_venues_own_object_letter_for_letter(make_web: MakeWeb) -> None:
    reader, venue = await opened(make_web)
    answer = await reader.ask("/markets/fake:M1/full")
    assert venue.raw.decode() in answer.text
    assert answer.json()["data"]["book"]["bids"][0] == ["0.4100", "5.00"]
    listed = await reader.ask("/markets/fake:M1")
    assert "nested" not in listed.text


@pytest.mark.parametrize("raw", [b"{not json", b"[" * 5_000, b'{"a":1}{', b"", b"\xff\xfe"])
async def test_a_raw_object_that_is_no_json_is_not_shown(make_web: MakeWeb, raw: bytes) -> None:
    venue = FakeVenue([market(1)], raw=raw)
    reader = await reader_of(make_web, venue)
    await reader.ingest()
    assert (await reader.get("/markets/fake:M1/full"))["raw"] is None


async def test_an_unlisted_market_is_asked_of_its_venue_once(make_web: MakeWeb) -> None:
    reader, venue = await opened(make_web)
    venue.listed["deep"] = market(7, external_id="deep", slug="deep-link")
    assert (await reader.get("/markets/fake:deep"))["id"] == "fake:deep"
    assert (await reader.get("/markets/deep-link"))["id"] == "fake:deep"
    for _ in range(3):
        await reader.refused("/markets/fake:nothing", 404)
    assert venue.asked == [("some_markets", ["deep"]), ("some_markets", ["nothing"])]
    venue.failure = VenueRefused("fake", 404, "unknown")
    await reader.refused("/markets/fake:refused", 404)
    venue.failure = VenueRefused("fake", 403, "forbidden")
    await reader.refused("/markets/fake:forbidden", 502)


async def test_what_is_resolved_is_not_asked_for_again_and_never_stale(make_web: MakeWeb) -> None:
    ended = market(1, status=ListedStatus.RESOLVED, resolution=Resolution.NO, yes_price=None)
    venue = FakeVenue([ended])
    reader = await reader_of(make_web, venue)
    await reader.ingest()
    pool = reader.web.parts.pool
    for table, column in (("venue_markets", "changed_at"), ("venue_sightings", "seen_at")):
        await pool.execute(f"UPDATE {table} SET {column} = {column} - 86400000000")
    venue.asked.clear()
    shown = await reader.get("/markets/fake:M1/live")
    assert venue.asked == []
    assert shown["asOf"]["stale"] is False
    assert shown["asOf"]["ageMs"] >= 86_400_000
    assert (shown["resolution"], shown["yesPrice"], shown["noPrice"]) == ("NO", None, None)
    book = await reader.get("/markets/fake:M1/orderbook")
    assert (book["bids"], book["asks"], book["asOf"]["stale"]) == ([], [], False)
    assert (await reader.get("/markets/fake:M1/full"))["book"]["bids"] == []
    assert [what for what, _ in venue.asked] == ["trades"], "it has no book of it any more"


async def test_what_was_not_seen_for_long_says_so(make_web: MakeWeb) -> None:
    reader, _ = await opened(make_web)
    for table, column in (("venue_markets", "changed_at"), ("venue_sightings", "seen_at")):
        await reader.web.parts.pool.execute(f"UPDATE {table} SET {column} = {column} - 3600000000")
    for shown in (
        await reader.get("/markets/fake:M1"),
        (await reader.get("/markets?platform=fake"))[0],
    ):
        assert shown["asOf"]["stale"] is True
        assert shown["asOf"]["ageMs"] >= 3_600_000


async def test_history_of_a_venue_and_what_stands_in_for_it(make_web: MakeWeb) -> None:
    reader, venue = await opened(make_web)
    hour = 3_600_000_000
    now = now_us() // hour * hour
    venue.points = [PricePoint(at=now - n * hour, yes_price=5_000 - n) for n in range(5, 0, -1)]
    answer = (await reader.ask("/markets/fake:M1/history?interval=1h")).json()
    found = answer["data"]
    assert answer["meta"]["asOf"]["stale"] is False
    assert [one["price"] for one in found] == ["0.4995", "0.4996", "0.4997", "0.4998", "0.4999"]
    venue.failure = DOWN
    assert await reader.get("/markets/fake:M1/history?interval=1h") == found, "remembered"
    await reader.refused("/markets/fake:M2/history?interval=1h", 502)
    await reader.refused("/markets/fake:M1/history?from=2099-01-01T00:00:00Z", 400)
    await reader.refused("/markets/nope/history", 404)


async def test_ours_have_the_same_questions_answered(make_web: MakeWeb) -> None:
    reader, _ = await opened(make_web)
    person = await reader.web.register()
    other = await reader.web.register()
    reader.list_ours("rain", "Will it rain?")
    engine = reader.web.engine
    for account, outcome, price in ((person.id, YES, 6_000), (other.id, NO, 4_000)):
        engine.run(PlaceOrder(account, 1, BUY, outcome, LIMIT, price, 500, GTC))
    engine.run(PlaceOrder(person.id, 1, BUY, YES, LIMIT, 3_000, 500, GTC))
    live = await reader.get("/markets/rain/live")
    assert (live["platform"], live["lastPrice"], live["yesPrice"]) == (
        "exchange",
        "0.6000",
        "0.6000",
    )
    full = await reader.get("/markets/rain/full")
    assert full["raw"] is None
    assert full["book"]["bids"] == [["0.3000", "5.00"]]
    assert [one["kind"] for one in full["trades"]] == ["MINT"]
    book = await reader.get("/markets/rain/orderbook")
    assert book == await reader.get("/orders/rain/orderbook")
    assert "asOf" not in book
    assert full["tradesAsOf"]["stale"] is False
    for path in ("trades", "history", "candles"):
        assert "asOf" not in (await reader.ask(f"/markets/rain/{path}")).json()["meta"]
    trades = await reader.get("/markets/1/trades")
    assert trades == await reader.get("/orders/rain/trades")
    assert len(trades) == 1
    await reader.refused("/markets/rain/latest", 404)
    assert await reader.get("/markets/rain/snapshots") == []


async def test_status_says_how_each_venue_stands(make_web: MakeWeb) -> None:
    down = FakeVenue(platform="down")
    down.failure = VenueUnavailable("down", "no answer")
    venue = FakeVenue([market(1), market(2, status=ListedStatus.CLOSED)])
    reader = await reader_of(make_web, venue, down)
    before = await reader.get("/feed/status")
    assert [(one["platform"], one["ok"], one["jobs"]) for one in before] == [
        ("fake", False, []),
        ("down", False, []),
    ]
    await reader.ingest()
    await reader.web.parts.feeds.cache.forget(COUNTS, "all")
    well, bad = await reader.get("/feed/status")
    assert (well["ok"], well["markets"], well["active"], well["lastError"]) == (True, 2, 1, None)
    assert well["ageMs"] < 60_000
    assert well["jobs"][0]["counts"]["inserted"] == 2
    assert (bad["ok"], bad["lastSuccessAt"], bad["lastError"]) == (False, None, "down: no answer")
    assert bad["rateLeft"] is None


async def test_a_venue_whose_lists_nobody_reads_any_more_is_not_well(make_web: MakeWeb) -> None:
    reader = await reader_of(make_web, FakeVenue([market(1)]))
    await reader.ingest()
    [well] = await reader.get("/feed/status")
    assert (well["ok"], well["isOverdue"]) == (True, False)
    # The schedule is every five minutes: after sixteen a pass has been left out.
    await reader.web.parts.pool.execute(
        "UPDATE feed_state SET last_success_at = last_success_at - $1 WHERE job = 'market-ingest'",
        16 * 60 * 1_000_000,
    )
    [late] = await reader.get("/feed/status")
    assert (late["ok"], late["isOverdue"], late["lastError"]) == (False, True, None)


async def test_a_book_that_fails_takes_no_trades_from_all_of_a_market(make_web: MakeWeb) -> None:
    reader, venue = await opened(make_web)
    venue.prints["M2"] = [
        VenueTrade(
            platform="fake", external_id="M2", trade_id="t", yes_price=4_000, quantity=5, venue_at=1
        )
    ]
    full = await reader.get("/markets/fake:M2/full")
    assert full["book"] is None, "the venue has none"
    assert [trade["id"] for trade in full["trades"]] == ["fake:t"]


async def test_ids_that_somebody_makes_up_leave_the_venue_to_others(make_web: MakeWeb) -> None:
    reader, venue = await opened(make_web)
    answers = [await reader.ask(f"/markets/fake:made-up-{n}") for n in range(UNLISTED.burst + 5)]
    asked = [one for one in venue.asked if one[0] == "some_markets"]
    assert len(asked) in {UNLISTED.burst, UNLISTED.burst + 1}, "a token may come back meanwhile"
    assert [one.status_code for one in answers] == [404] * len(asked) + [502] * (
        len(answers) - len(asked)
    )
    assert 1 <= int(answers[-1].headers["retry-after"]) <= 60
    assert (await reader.get("/markets/fake:M1/live"))["asOf"]["stale"] is False
    assert (await reader.ask("/markets/fake:made-up-0")).status_code == 404, "remembered"


class Told(FakeVenue):
    """A venue that tells how its addresses stand, as real ones do."""

    def conditions(self) -> list[Condition]:
        return [
            Condition(name="lists.example", rate_left=36, last_success_at=now_us()),
            Condition(
                name="books.example",
                rate_left=2,
                last_error="/book: status 500",
                last_error_at=1_767_225_600_000_000,
                failures=8,
                breaker="open",
                retry_in_s=14.25,
                clock_skew_s=-3,
                counts={"ok": 5, "server_error": 8},
            ),
        ]


async def test_status_says_how_each_address_of_a_venue_stands(make_web: MakeWeb) -> None:
    reader = await reader_of(make_web, Told())
    [status] = await reader.get("/feed/status")
    lists, books = status["addresses"]
    assert status["rateLeft"] == 2, "of the address that has the fewest left"
    assert (lists["name"], lists["breaker"], lists["retryInMs"]) == (
        "lists.example",
        "closed",
        None,
    )
    assert lists["ageMs"] < 60_000
    assert books == {
        "name": "books.example",
        "lastSuccessAt": None,
        "ageMs": None,
        "lastError": "/book: status 500",
        "lastErrorAt": "2026-01-01T00:00:00.000Z",
        "failures": 8,
        "breaker": "open",
        "retryInMs": 14_250,
        "rateLeft": 2,
        "clockSkewS": -3,
        "counts": {"ok": 5, "server_error": 8},
    }


async def test_ingestion_is_put_by_admins(make_web: MakeWeb) -> None:
    reader, _ = await opened(make_web)
    admin, user = await reader.web.register(admin=True), await reader.web.register()
    path = "/api/v1/markets/ingest"
    assert (await reader.web.client.post(path)).status_code == 401
    assert (await reader.web.client.post(path, headers=user.bearer)).status_code == 403
    answer = await reader.web.client.post(path, headers=admin.bearer)
    assert answer.status_code == 202
    row = await reader.web.parts.pool.fetchrow(
        "SELECT queue_name, lock, status::text FROM jobs.procrastinate_jobs WHERE id = $1",
        int(answer.json()["data"]["run"]),
    )
    assert row is not None
    assert tuple(row) == ("market-ingest", "market-ingest", "todo")
    audit = "/api/v1/admin/audit?action=feed.ingest"
    log = await reader.web.client.get(audit, headers=admin.bearer)
    noted = [(line["actorId"], line["target"], line["outcome"]) for line in log.json()["data"]]
    assert noted == [(str(admin.id), f"run:{answer.json()['data']['run']}", "ok")]
    alone = await make_web()
    headers = (await alone.register(admin=True)).bearer
    assert (await alone.client.post(path, headers=headers)).status_code == 409
