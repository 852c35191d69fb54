"""Markets, their books and their tapes over REST, and the admin's commands on markets."""

import pytest

from exchange.messages.events import TradeExecuted
from exchange.rules.market_admin import RESERVED_SLUGS
from gateway.markets.admin_routes import NEW_WORDS
from gateway.markets.views import checksum
from tests.gateway.trading_desk import CLOSE_TEXT, PEOPLE, Desk, all_tables, open_desk

MARKET = {"slug": "snow", "question": "Will it snow?", "closeTime": CLOSE_TEXT}


async def test_a_market_is_created_with_its_defaults(desk: Desk) -> None:
    reply = await desk.call("POST", "/markets", "root", MARKET)
    assert reply.status == 201
    assert reply.data == {
        "id": "2",
        "slug": "snow",
        "question": "Will it snow?",
        "description": "",
        "category": "",
        "status": "OPEN",
        "closeTime": "2026-01-31T00:00:00.000Z",
        "createdAt": "2026-01-01T00:00:00.006Z",
        "tickSize": "0.0100",
        "minQuantity": "0.01",
        "makerFee": "0.0000",
        "takerFee": "0.0000",
        "feeModel": "flat",
        "bestBid": None,
        "bestAsk": None,
        "lastPrice": None,
        "volume": "0.00",
        "trades": 0,
        "openInterest": "0.00",
        "seq": 1,
        "resolution": None,
        "yesPayout": None,
        "source": None,
        "resolvedAt": None,
        "outcomes": ["Yes", "No"],
    }
    assert desk.audit.lines == [(1, "market.create", "market:snow", "ok")]
    for name in ("snow", "2"):
        shown = await desk.get(f"/markets/{name}")
        assert shown == shown | reply.data
        assert shown["platform"] == "exchange"
    assert await desk.get("/markets?limit=1") == [reply.data]


async def test_a_market_is_created_with_terms_of_its_own(desk: Desk) -> None:
    terms = {
        "description": "By the airport's gauge.",
        "category": "weather",
        "tickSize": 0.0001,
        "minQuantity": "5",
        "makerFee": "0.001",
        "takerFee": 0.02,
        "feeModel": "quadratic",
        "draft": True,
    }
    created = (await desk.call("POST", "/markets", "root", MARKET | terms)).data
    expected = {
        "description": "By the airport's gauge.",
        "category": "weather",
        "tickSize": "0.0001",
        "minQuantity": "5.00",
        "makerFee": "0.0010",
        "takerFee": "0.0200",
        "feeModel": "quadratic",
        "status": "DRAFT",
    }
    assert {field: created[field] for field in expected} == expected


async def test_markets_are_listed_newest_first_by_filter_and_page(desk: Desk) -> None:
    desk.list_market("snow", question="Will it SNOW?", category="Weather")
    desk.list_market("vote", question="Who wins?", category="politics", draft=True)
    desk.list_market("race", question="Who wins the race?", category="politics")
    for query, slugs in (
        ("", ["race", "snow", "rain"]),
        ("?status=OPEN", ["race", "snow", "rain"]),
        ("?status=DRAFT", []),
        ("?category=weather", ["snow", "rain"]),
        ("?search=snow", ["snow"]),
        ("?search=WINS", ["race"]),
        ("?search=hail", []),
        ("?search=it&status=OPEN&category=weather", ["snow", "rain"]),
        ("?limit=1&offset=1", ["snow"]),
    ):
        found = await desk.get(f"/markets{query}")
        assert [market["slug"] for market in found] == slugs, query
    page = (await desk.call("GET", "/markets?limit=2")).body["pagination"]
    assert page == {"total": 3, "limit": 2, "offset": 0, "hasMore": True}


async def test_a_draft_is_there_for_admins_alone(desk: Desk) -> None:
    terms = MARKET | {"draft": True, "category": "secret", "question": "Will it hail?"}
    draft = (await desk.call("POST", "/markets", "root", terms)).data
    for who in (None, "ann"):
        for query in ("", "?status=DRAFT", "?sort=created", "?platform=all", "?search=hail"):
            found = await desk.get(f"/markets{query}", who)
            assert "snow" not in [market["slug"] for market in found], query
        assert await desk.get("/markets/search?q=hail", who) == []
        shown = await desk.get("/markets/categories", who)
        assert [entry["category"] for entry in shown] == ["weather"]
        for name in ("snow", draft["id"]):
            for path in ("", "/orderbook", "/trades", "/live", "/full", "/snapshots/latest"):
                reply = await desk.call("GET", f"/markets/{name}{path}", who)
                assert (reply.status, reply.error["code"]) == (404, "NOT_FOUND"), path
    reply = await desk.place("ann", "BUY YES 1 @ 0.50", "snow")
    assert (reply.status, reply.error["code"]) == (404, "MARKET_NOT_FOUND")
    for query in ("", "?status=DRAFT"):
        assert (await desk.get(f"/markets{query}", "root"))[0]["slug"] == "snow"
    for path in ("", "/orderbook", "/trades", "/live", "/full"):
        assert (await desk.call("GET", f"/markets/snow{path}", "root")).status == 200, path
    opened = await desk.call("PATCH", "/markets/snow/status", "root", {"status": "OPEN"})
    assert opened.data["status"] == "OPEN"
    assert (await desk.get("/markets"))[0]["slug"] == "snow"
    assert (await desk.get("/markets/search?q=hail"))[0]["slug"] == "snow"


@pytest.mark.parametrize(
    ("path", "field"),
    [
        ("/markets?status=open", "status"),
        ("/markets?search=", "search"),
        ("/markets?search=" + "x" * 101, "search"),
        ("/markets?limit=1000", "limit"),
        ("/markets?order=volume", "order"),
        ("/markets/rain/orderbook?outcome=MAYBE", "outcome"),
        ("/markets/rain/orderbook?depth=0", "depth"),
        ("/markets/rain/orderbook?depth=201", "depth"),
        ("/markets/rain/trades?cursor=1-1", "cursor"),
        ("/markets/rain/trades?afterSeq=-1", "afterSeq"),
    ],
)
async def test_a_wrong_parameter_is_named(desk: Desk, path: str, field: str) -> None:
    reply = await desk.call("GET", path)
    assert (reply.status, reply.fields) == (400, [field])


@pytest.mark.parametrize("name", ["hail", "7", "0", "007", "RAIN", "rain%0A"])
async def test_an_unknown_market_is_not_found(desk: Desk, name: str) -> None:
    for path in ("/markets/{}", "/markets/{}/orderbook", "/markets/{}/trades", "/orders/{}/trades"):
        reply = await desk.call("GET", path.format(name))
        assert (reply.status, reply.error["code"]) == (404, "NOT_FOUND")


async def test_the_book_follows_the_last_answered_command(desk: Desk) -> None:
    await desk.rest("ann", "BUY YES 10 @ 0.55")
    await desk.rest("ann", "BUY YES 3 @ 0.54")
    await desk.rest("ben", "BUY NO 7.5 @ 0.44")
    expected = {
        "marketId": "1",
        "slug": "rain",
        "outcome": "YES",
        "epoch": 7,
        "seq": 4,
        "bids": [["0.5500", "10.00"], ["0.5400", "3.00"]],
        "asks": [["0.5600", "7.50"]],
        "checksum": checksum([(5500, 1000), (5400, 300)], [(5600, 750)]),
    }
    for path in ("/markets/rain/orderbook", "/markets/1/orderbook", "/orders/rain/orderbook"):
        assert await desk.get(path) == expected
    no = await desk.get("/markets/rain/orderbook?outcome=NO&depth=1")
    assert (no["bids"], no["asks"]) == ([["0.4400", "7.50"]], [["0.4500", "10.00"]])
    market = await desk.get("/markets/rain")
    assert (market["bestBid"], market["bestAsk"], market["seq"]) == ("0.5500", "0.5600", 4)


async def test_the_tape_is_read_newest_first_or_after_a_seq(desk: Desk) -> None:
    for n in range(1, 6):
        await desk.rest("ann", f"BUY YES {n} @ 0.5")
        await desk.rest("ben", f"BUY NO {n} @ 0.5")
    everything = await desk.get("/markets/rain/trades")
    assert [trade["tradeNo"] for trade in everything] == [5, 4, 3, 2, 1]
    assert everything[-1] == {
        "id": "1-1",
        "tradeNo": 1,
        "marketId": "1",
        "slug": "rain",
        "outcome": "NO",
        "side": "BUY",
        "price": "0.5000",
        "yesPrice": "0.5000",
        "quantity": "1.00",
        "kind": "MINT",
        "seq": 3,
        "createdAt": "2026-01-01T00:00:00.007Z",
    }
    reply = await desk.call("GET", "/orders/rain/trades?limit=2")
    assert [trade["tradeNo"] for trade in reply.data] == [5, 4]
    reply = await desk.call(
        "GET", f"/markets/rain/trades?limit=3&cursor={reply.body['nextCursor']}"
    )
    assert [trade["tradeNo"] for trade in reply.data] == [3, 2, 1]
    assert reply.body["nextCursor"] is None
    missed = await desk.call("GET", f"/markets/rain/trades?limit=2&afterSeq={everything[3]['seq']}")
    assert [trade["tradeNo"] for trade in missed.data] == [3, 4]
    path = f"/markets/rain/trades?afterSeq=5&cursor={missed.body['nextCursor']}"
    assert [trade["tradeNo"] for trade in await desk.get(path)] == [5]


async def test_a_market_shows_what_it_traded(desk: Desk) -> None:
    await desk.rest("ann", "BUY YES 10 @ 0.6")
    await desk.rest("ben", "BUY NO 4 @ 0.4")
    market = await desk.get("/markets/rain")
    shown = {field: market[field] for field in ("lastPrice", "volume", "trades", "openInterest")}
    assert shown == {"lastPrice": "0.6000", "volume": "4.00", "trades": 1, "openInterest": "4.00"}


async def test_a_markets_life(desk: Desk) -> None:
    order_id = await desk.rest("ann", "BUY YES 10 @ 0.6")
    for status in ("HALTED", "OPEN", "FULL_HALT", "OPEN", "CLOSED"):
        reply = await desk.call("PATCH", "/markets/rain/status", "root", {"status": status})
        assert (reply.status, reply.data["status"]) == (200, status)
    ended = await desk.get(f"/orders/{order_id}", "ann")
    assert (ended["status"], ended["cancelReason"]) == ("CANCELLED", "MARKET_CLOSED")
    refused = await desk.call("PATCH", "/markets/1/status", "root", {"status": "OPEN"})
    assert (refused.status, refused.error["code"]) == (422, "ILLEGAL_STATUS_CHANGE")
    assert desk.audit.lines[-2:] == [
        (1, "market.status", "market:1 CLOSED", "ok"),
        (1, "market.status", "market:1 OPEN", "ILLEGAL_STATUS_CHANGE"),
    ]


@pytest.mark.parametrize(
    ("body", "status", "payout", "total"),
    [
        ({"outcome": "YES", "source": "the gauge"}, "RESOLVED", "1.0000", "1004.000000"),
        ({"outcome": "NO"}, "RESOLVED", "0.0000", "994.000000"),
        ({"outcome": "SPLIT", "yesPayout": "0.25"}, "RESOLVED", "0.2500", "996.500000"),
        ({"outcome": "VOID"}, "VOID", "0.5000", "999.000000"),
    ],
)
async def test_a_resolution_pays_once(
    desk: Desk, body: dict[str, str], status: str, payout: str, total: str
) -> None:
    await desk.rest("ann", "BUY YES 12 @ 0.6")
    await desk.rest("ben", "BUY NO 10 @ 0.4")
    reply = await desk.call("POST", "/markets/rain/resolve", "root", body)
    shown = {f: reply.data[f] for f in ("status", "resolution", "yesPayout", "source")}
    assert shown == {
        "status": status,
        "resolution": body["outcome"],
        "yesPayout": payout,
        "source": body.get("source", ""),
    }
    assert reply.data["resolvedAt"] is not None
    assert await desk.get("/user/balance", "ann") == {
        "available": total,
        "locked": "0.000000",
        "total": total,
    }
    before = desk.engine.state_hash()
    again = await desk.call("POST", "/markets/rain/resolve", "root", body)
    assert (again.status, again.error["code"]) == (409, "MARKET_ALREADY_RESOLVED")
    assert desk.engine.state_hash() == before
    target = f"market:1 {body['outcome']}"
    assert desk.audit.lines == [
        (1, "market.resolve", target, "ok"),
        (1, "market.resolve", target, "MARKET_ALREADY_RESOLVED"),
    ]


async def test_only_admins_command_markets(desk: Desk) -> None:
    before = desk.engine.state_hash()
    for method, path, body in (
        ("POST", "/markets", MARKET),
        ("PATCH", "/markets/rain/status", {"status": "HALTED"}),
        ("POST", "/markets/rain/resolve", {"outcome": "YES"}),
        ("POST", "/admin/users/2/credit", {"amount": "5", "reason": "gift"}),
        ("POST", "/admin/exchange/mode", {"mode": "halted"}),
        ("GET", "/admin/stats", None),
    ):
        for who, status in ((None, 401), ("ann", 403)):
            assert (await desk.call(method, path, who, body)).status == status, path
    assert desk.engine.state_hash() == before
    assert not desk.engine.submitted
    assert not desk.audit.lines


async def test_nothing_public_names_a_person_an_account_or_an_order(desk: Desk) -> None:
    """What a trade's event knows of its two sides stays inside."""
    await desk.rest("ann", "BUY YES 10 @ 0.6", clientOrderId="anns-secret")
    await desk.rest("ben", "BUY NO 4 @ 0.4", clientOrderId="bens-secret")
    hidden = {"accountId", "userId", "orderId", "email", "clientOrderId", "fee", "displayName"}
    inside = {name for name in TradeExecuted.__struct_fields__ if "_account" in name}
    assert inside == {"taker_account_id", "maker_account_id"}
    for path in (
        "/markets",
        "/markets/rain",
        "/markets/rain/orderbook",
        "/markets/rain/orderbook?outcome=NO",
        "/markets/rain/trades",
        "/orders/rain/orderbook",
        "/orders/rain/trades",
    ):
        for who in (None, *PEOPLE):
            reply = await desk.call("GET", path, who)
            assert reply.status == 200
            text = str(reply.body)
            assert "secret" not in text
            assert "@" not in text
            assert not hidden & keys_of(reply.data), path


def keys_of(value: object) -> set[str]:
    """Every key in a JSON value, however deep."""
    if isinstance(value, dict):
        return set(value).union(*map(keys_of, value.values()))
    if isinstance(value, list):
        return set().union(*map(keys_of, value))
    return set()


async def test_a_book_is_shown_where_pages_are_smaller_than_its_usual_depth() -> None:
    async with open_desk(PAGE_SIZE="5", PAGE_SIZE_MAX="5") as desk:
        desk.list_market()
        assert (await desk.get("/markets/rain/orderbook"))["bids"] == []


def test_words_that_stand_where_a_slug_may_are_reserved() -> None:
    """Derived from the table: no market can be hidden by a path that came after it."""
    rows = [row.segments for row in all_tables()[0].routes]
    named = {row[:place] for row in rows for place, part in enumerate(row) if part == "{slug}"}
    words = {
        row[place]
        for row in rows
        for place in range(len(row))
        if row[:place] in named and not row[place].startswith("{")
    }
    assert {"search", "category", "ingest"} <= words
    assert words <= RESERVED_SLUGS | NEW_WORDS


@pytest.mark.parametrize("word", sorted(NEW_WORDS))
async def test_a_word_of_a_path_is_no_slug_of_a_new_market(desk: Desk, word: str) -> None:
    reply = await desk.call("POST", "/markets", "root", MARKET | {"slug": word})
    assert (reply.status, reply.fields) == (400, ["slug"])
