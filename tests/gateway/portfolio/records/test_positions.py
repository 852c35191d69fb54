"""Positions over REST and a real PostgreSQL: lots, changes, closing, races, bad input."""

import asyncio
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

import pytest

from exchange.messages.terms import NO, Resolution
from gateway.feeds.model import ListedStatus
from tests.gateway.conftest import MakeWeb, Web
from tests.gateway.portfolio.records.test_portfolios import portfolio, position, trade_here
from tests.gateway.portfolio.venue_fake import Caller, VenueFake, caller, venue_market
from tests.persistence.running import limit, listing

GOOD: dict[str, Any] = {
    "marketId": "kalshi:RAIN",
    "side": "YES",
    "quantity": "10",
    "avgCost": "0.5",
}


@pytest.fixture
def venue() -> VenueFake:
    return VenueFake(venue_market("RAIN"), venue_market("SNOW", yes_price=None))


@pytest.fixture
async def web(make_web: MakeWeb, venue: VenueFake) -> Web:
    made = await make_web(catalogues=[venue], PORTFOLIO_POSITIONS_MAX=6)
    made.engine.run(listing())
    return made


@pytest.fixture
async def ann(web: Web) -> Caller:
    return await caller(web)


@pytest.fixture
async def number(ann: Caller) -> str:
    return await portfolio(ann)


async def test_a_position_is_noted_changed_and_deleted(ann: Caller, number: str) -> None:
    made = await position(ann, number, "RAIN NO 12.5 @ 0.45", platform="kalshi", ticker=" R ")
    assert made == {
        "id": made["id"],
        "portfolioId": number,
        "marketId": "kalshi:RAIN",
        "platform": "kalshi",
        "externalId": "RAIN",
        "ticker": "R",
        "question": "Will RAIN happen?",
        "category": "politics",
        "marketStatus": "OPEN",
        "side": "NO",
        "status": "OPEN",
        "readOnly": False,
        "quantity": "12.50000000",
        "avgCost": "0.450000",
        "cost": "5.62500000",
        "markPrice": "0.6000",
        "asOf": "2026-01-31T12:00:00.000Z",
        "stale": True,
        "value": "7.50000000",
        "unrealizedPnl": "1.87500000",
        "closePrice": None,
        "realizedPnl": None,
        "openedAt": made["openedAt"],
        "updatedAt": made["updatedAt"],
        "closedAt": None,
    }
    path = f"/positions/{made['id']}"
    assert await ann.data("GET", path) == made
    assert await ann.data("GET", f"/portfolios/{number}/positions") == [made]
    changed = await ann.data("PATCH", path, {"quantity": "0.00000001", "avgCost": 1})
    assert (changed["quantity"], changed["avgCost"]) == ("0.00000001", "1.000000")
    assert (changed["ticker"], changed["question"]) == ("R", "Will RAIN happen?")
    changed = await ann.data("PATCH", path, {"question": "Wet?", "ticker": "W", "quantity": None})
    assert (changed["question"], changed["ticker"]) == ("Wet?", "W")
    assert await ann.data("DELETE", path) is None
    assert (await ann.call("DELETE", path)).status_code == 404
    assert await ann.data("GET", f"/portfolios/{number}/positions") == []


async def test_adding_again_makes_a_second_lot(ann: Caller, number: str) -> None:
    first = await position(ann, number, "kalshi:RAIN YES 1 @ 0.1")
    second = await position(ann, number, "kalshi:RAIN YES 2 @ 0.2")
    assert first["id"] != second["id"]
    closed = await ann.data("POST", f"/positions/{first['id']}/close")
    assert closed["realizedPnl"] == "0.30000000"
    assert (await ann.data("GET", f"/positions/{second['id']}"))["avgCost"] == "0.200000"
    found = await ann.data("GET", f"/portfolios/{number}")
    assert (found["cost"], found["realizedPnl"]) == ("0.40000000", "0.30000000")


@pytest.mark.parametrize(
    ("lot", "price", "pnl"),
    [
        ("YES 100 @ 0.5", "0.75", "25.00000000"),
        ("NO 100 @ 0.5", "0.25", "-25.00000000"),
        ("YES 0.00000001 @ 0", "1", "0.00000001"),
        ("YES 1000000000 @ 0.000001", "1", "999999000.00000000"),
        ("YES 1000000000 @ 1", "0", "-1000000000.00000000"),
        ("YES 12345.67891234 @ 0.123456", "0.654321", "6553.88883580"),
        ("YES 0.00000001 @ 0.5", "1", "0.00000001"),  # half of the last place goes away from zero
        ("YES 0.00000001 @ 0.5", "0", "-0.00000001"),
        ("YES 0.00000001 @ 0.5", "0.999999", "0.00000000"),
    ],
)
async def test_what_closing_makes_is_exact(
    ann: Caller, number: str, lot: str, price: str, pnl: str
) -> None:
    made = await position(ann, number, f"kalshi:RAIN {lot}")
    closed = await ann.data("POST", f"/positions/{made['id']}/close", {"price": price})
    assert (closed["status"], closed["realizedPnl"]) == ("CLOSED", pnl)
    assert Decimal(closed["closePrice"]) == Decimal(price)
    assert closed["closedAt"] == closed["updatedAt"] is not None
    assert closed["markPrice"] is closed["value"] is closed["unrealizedPnl"] is None
    quantity, cost = Decimal(made["quantity"]), Decimal(made["avgCost"])
    exact = quantity * (Decimal(price) - cost)
    assert Decimal(pnl) == exact.quantize(Decimal("1E-8"), ROUND_HALF_UP)
    assert (await ann.data("GET", f"/portfolios/{number}"))["realizedPnl"] == pnl


async def test_without_a_price_it_is_closed_at_the_live_one(
    web: Web, ann: Caller, number: str, venue: VenueFake
) -> None:
    yes = await position(ann, number, "kalshi:RAIN YES 10 @ 0.25")
    no = await position(ann, number, "kalshi:RAIN NO 10 @ 0.25")
    closed = await ann.data("POST", f"/positions/{yes['id']}/close", {})
    assert (closed["closePrice"], closed["realizedPnl"]) == ("0.400000", "1.50000000")
    venue.change(
        "RAIN", yes_price=None, yes_payout=0, resolution=Resolution.NO, status=ListedStatus.RESOLVED
    )
    closed = await ann.data("POST", f"/positions/{no['id']}/close", {"price": None})
    assert (closed["closePrice"], closed["realizedPnl"]) == ("1.000000", "7.50000000"), "paid"
    assert closed["marketStatus"] == "RESOLVED"


async def test_without_a_price_where_none_is_known(ann: Caller, number: str) -> None:
    for text, more in [
        ("kalshi:SNOW YES 1 @ 0.5", {}),
        ("kalshi:GONE YES 1 @ 0.5", {"question": "Was it?"}),
        ("rain YES 1 @ 0.5", {}),
    ]:
        made = await position(ann, number, text, **more)
        assert made["markPrice"] is made["value"] is made["unrealizedPnl"] is None
        answer = await ann.call("POST", f"/positions/{made['id']}/close")
        error = answer.json()["error"]
        assert (answer.status_code, error["code"]) == (422, "PRICE_UNKNOWN")
        assert [detail["field"] for detail in error["details"]] == ["price"]
        closed = await ann.data("POST", f"/positions/{made['id']}/close", {"price": "0.6"})
        assert closed["realizedPnl"] == "0.10000000"


async def test_a_position_is_closed_once_and_then_stays_as_it_is(ann: Caller, number: str) -> None:
    made = await position(ann, number, "kalshi:RAIN YES 10 @ 0.25")
    path = f"/positions/{made['id']}"
    closed = await ann.data("POST", f"{path}/close", {"price": 1})
    for method, where, body in [
        ("POST", f"{path}/close", {"price": 0}),
        ("POST", f"{path}/close", None),
        ("PATCH", path, {"quantity": 1}),
    ]:
        assert await ann.refused(method, where, body) == (409, ["id"])
    assert await ann.data("GET", path) == closed
    await ann.data("DELETE", path)
    assert (await ann.data("GET", f"/portfolios/{number}"))["realizedPnl"] == "0.00000000"


async def test_of_closings_that_race_one_counts(ann: Caller, number: str) -> None:
    for _ in range(3):
        made = await position(ann, number, "kalshi:RAIN YES 10 @ 0.25")
        path = f"/positions/{made['id']}"
        answers = await asyncio.gather(
            *(ann.call("POST", f"{path}/close", {"price": f"0.{n}"}) for n in range(1, 7)),
            ann.call("PATCH", path, {"quantity": 20}),
        )
        *closings, change = answers
        assert sorted(answer.status_code for answer in closings) == [200, *[409] * 5]
        assert change.status_code in {200, 409}
        won = next(answer for answer in closings if answer.is_success).json()["data"]
        found = await ann.data("GET", path)
        assert found == won, "what was answered is what stands"
        made_of = Decimal(found["quantity"]) * (Decimal(found["closePrice"]) - Decimal("0.25"))
        assert Decimal(found["realizedPnl"]) == made_of
        await ann.data("DELETE", path)


async def test_there_are_at_most_so_many_in_all_portfolios(ann: Caller, number: str) -> None:
    other = await portfolio(ann, "other")
    calls = [
        ann.call("POST", f"/portfolios/{where}/positions", GOOD)
        for where in (number, other)
        for _ in range(4)
    ]
    answers = await asyncio.gather(*calls)
    assert sorted(answer.status_code for answer in answers) == [*[201] * 6, *[422] * 2]
    refused = await ann.refused("POST", f"/portfolios/{number}/positions", GOOD)
    assert refused == (422, ["positions"])


async def test_a_portfolio_takes_its_positions_with_it(ann: Caller, number: str) -> None:
    made = await position(ann, number, "kalshi:RAIN YES 1 @ 0.5")
    answers = await asyncio.gather(
        ann.call("DELETE", f"/portfolios/{number}"),
        ann.call("POST", f"/portfolios/{number}/positions", GOOD),
    )
    assert answers[0].status_code == 200
    assert answers[1].status_code in {201, 404}
    assert (await ann.call("GET", f"/positions/{made['id']}")).status_code == 404


async def test_positions_are_filtered_and_go_on_by_cursor(ann: Caller, number: str) -> None:
    ids = [(await position(ann, number, "kalshi:RAIN YES 1 @ 0.5"))["id"] for _ in range(4)]
    ids.append((await position(ann, number, "rain NO 1 @ 0.5"))["id"])
    await ann.data("POST", f"/positions/{ids[1]}/close")
    path = f"/portfolios/{number}/positions"
    found: list[str] = []
    cursor = ""
    while True:
        body = (await ann.call("GET", f"{path}?limit=2{cursor}")).json()
        found += [one["id"] for one in body["data"]]
        if body["nextCursor"] is None:
            break
        cursor = f"&cursor={body['nextCursor']}"
    assert found == ids

    async def chosen(query: str) -> list[str]:
        body = (await ann.call("GET", f"{path}?{query}")).json()
        assert body["pagination"]["total"] == len(body["data"])
        return [one["id"] for one in body["data"]]

    assert await chosen("status=CLOSED") == [ids[1]]
    assert await chosen("status=OPEN&platform=kalshi") == [ids[0], *ids[2:4]]
    assert await chosen("platform=exchange") == [ids[4]]


async def test_positions_here_are_read_only(web: Web) -> None:
    ann, ben = await caller(web), await caller(web)
    web.engine.run(listing("hail"))
    await trade_here(web, ann, ben)
    web.engine.run(limit(ann.id, 50, 3, market=2))
    web.engine.run(limit(ben.id, 50, 3, NO, market=2))
    path = "/portfolios/exchange/positions"
    first, second = await ann.data("GET", path)
    expected = {
        "id": "exchange-1-YES",
        "portfolioId": "exchange",
        "marketId": "1",
        "platform": "exchange",
        "ticker": "rain",
        "side": "YES",
        "readOnly": True,
        "quantity": "10.00000000",
        "avgCost": "0.600000",
        "cost": "6.00000000",
        "markPrice": "0.6000",
        "value": "6.00000000",
        "unrealizedPnl": "0.00000000",
        "openedAt": None,
    }
    assert {name: first[name] for name in expected} == expected
    assert second["id"] == "exchange-2-YES"
    body = (await ann.call("GET", f"{path}?limit=1")).json()
    assert body["data"] == [first]
    assert await ann.data("GET", f"{path}?limit=1&cursor={body['nextCursor']}") == [second]
    assert await ann.data("GET", f"{path}?offset=1") == [second]
    assert await ann.data("GET", f"{path}?status=CLOSED") == []
    assert await ann.data("GET", f"{path}?platform=kalshi") == []
    assert await ann.data("GET", f"/positions/{first['id']}") == first
    for method, where, change in [
        ("PATCH", "/positions/exchange-1-YES", {"quantity": 1}),
        ("DELETE", "/positions/exchange-1-YES", None),
        ("POST", "/positions/exchange-1-YES/close", None),
    ]:
        assert (await ann.call(method, where, change)).status_code == 403
    for wrong in ("1-NO", "9-YES", "1-yes", "x-YES", ""):
        for method in ("GET", "DELETE"):
            assert (await ann.call(method, f"/positions/exchange-{wrong}")).status_code == 404


BAD = [
    ({"marketId": None}, 400, "marketId"),
    ({"marketId": "x" * 256}, 400, "marketId"),
    ({"marketId": "manifold:x"}, 400, "marketId"),
    ({"platform": "exchange"}, 400, "platform"),
    ({"platform": "x"}, 400, "platform"),
    ({"marketId": "hail"}, 404, "marketId"),
    ({"marketId": "hail", "question": "Will it?"}, 404, "marketId"),
    ({"marketId": "kalshi:GONE"}, 404, "marketId"),
    ({"side": "yes"}, 400, "side"),
    ({"side": None}, 400, "side"),
    ({"ticker": " "}, 400, "ticker"),
    ({"ticker": "x" * 256}, 400, "ticker"),
    ({"question": ""}, 400, "question"),
    ({"question": "\t"}, 400, "question"),
    ({"question": "x" * 501}, 400, "question"),
    ({"question": "a\u0007b"}, 400, "question"),
    ({"note": 1}, 400, "note"),
]
NUMBERS: list[object] = [
    -1,
    "-0.1",
    "NaN",
    "1e-3",
    "1E+1000000",
    "1_0",
    " 1",
    "1\n",
    "\uff11",
    ".5",
    "5.",
    "00.5",
    "",
    True,
    None,
    [],
    {},
    "9" * 400,
]


@pytest.mark.parametrize(("change", "status", "field"), BAD)
async def test_a_position_that_cannot_be(
    ann: Caller, number: str, change: dict[str, object], status: int, field: str
) -> None:
    path = f"/portfolios/{number}/positions"
    assert await ann.refused("POST", path, GOOD | change) == (status, [field])
    assert await ann.data("GET", path) == []


@pytest.mark.parametrize("missing", sorted(GOOD))
async def test_a_position_without_something(ann: Caller, number: str, missing: str) -> None:
    body = {name: value for name, value in GOOD.items() if name != missing}
    refused = await ann.refused("POST", f"/portfolios/{number}/positions", body)
    assert refused == (400, [missing])


async def test_amounts_that_cannot_be(ann: Caller, number: str) -> None:
    path = f"/portfolios/{number}/positions"
    made = await position(ann, number, "kalshi:RAIN YES 1 @ 0.5")
    one = f"/positions/{made['id']}"
    for value in [*NUMBERS, 0, "0.00", "0.000000001", "1000000000.00000001", "10000000000"]:
        assert await ann.refused("POST", path, GOOD | {"quantity": value}) == (400, ["quantity"])
        if value is not None:
            assert await ann.refused("PATCH", one, {"quantity": value}) == (400, ["quantity"])
    for value in [*NUMBERS, "1.000001", 2, "0.1234567"]:
        assert await ann.refused("POST", path, GOOD | {"avgCost": value}) == (400, ["avgCost"])
        if value is not None:
            assert await ann.refused("PATCH", one, {"avgCost": value}) == (400, ["avgCost"])
            closing = await ann.refused("POST", f"{one}/close", {"price": value})
            assert closing == (400, ["price"])
    assert await ann.refused("PATCH", one, {}) == (400, ["body"])
    assert await ann.refused("PATCH", one, {"side": "NO"}) == (400, ["side"])
    assert await ann.refused("POST", f"{one}/close", {"quantity": 1}) == (400, ["quantity"])
    assert await ann.data("GET", one) == made


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("limit=0", "limit"),
        ("limit=10001", "limit"),
        ("offset=-1", "offset"),
        ("cursor=1-2", "cursor"),
        ("status=maybe", "status"),
        ("platform=x", "platform"),
        ("sort=price", "sort"),
    ],
)
async def test_a_page_that_is_none(ann: Caller, number: str, query: str, field: str) -> None:
    path = f"/portfolios/{number}/positions?{query}"
    assert await ann.refused("GET", path) == (400, [field])
