"""Portfolios over REST and a real PostgreSQL: the default, figures, allocation, other people."""

import asyncio
from typing import Any

import pytest

from exchange.messages.commands import OpenAccount, ResolveMarket
from exchange.messages.terms import NO, Resolution
from gateway.feeds.model import ListedStatus
from tests.gateway.conftest import MakeWeb, Web
from tests.gateway.portfolio.venue_fake import Caller, VenueFake, caller, venue_market
from tests.persistence.running import CASH, limit, listing

OURS = "exchange"


@pytest.fixture
def venue() -> VenueFake:
    return VenueFake(
        venue_market("RAIN", category="weather"),
        venue_market("VOTE"),
        venue_market("0xabc", "polymarket", yes_price=None),
        platforms=("kalshi", "polymarket"),
    )


@pytest.fixture
async def web(make_web: MakeWeb, venue: VenueFake) -> Web:
    made = await make_web(catalogues=[venue], PORTFOLIOS_MAX=4, PORTFOLIO_POSITIONS_MAX=6)
    made.engine.run(listing(category="weather"))
    return made


async def portfolio(who: Caller, name: str = "main", **more: object) -> str:
    made = await who.data("POST", "/portfolios", {"name": name, **more})
    number: str = made["id"]
    return number


async def position(who: Caller, number: str, text: str, **more: object) -> dict[str, Any]:
    """Note e.g. "kalshi:RAIN YES 10 @ 0.5" down."""
    market, side, quantity, _, cost = text.split()
    body = {"marketId": market, "side": side, "quantity": quantity, "avgCost": cost, **more}
    made: dict[str, Any] = await who.data("POST", f"/portfolios/{number}/positions", body)
    return made


async def defaults(who: Caller) -> list[str]:
    return [one["name"] for one in await who.data("GET", "/portfolios") if one["isDefault"]]


async def trade_here(web: Web, ann: Caller, ben: Caller) -> None:
    """Let Ann have 10 YES at 0.60 and Ben 10 NO at 0.40."""
    web.engine.run(OpenAccount(ann.id, CASH))
    web.engine.run(OpenAccount(ben.id, CASH))
    web.engine.run(limit(ann.id, 60, 10))
    web.engine.run(limit(ben.id, 40, 10, NO))


async def test_a_portfolio_is_made_changed_and_deleted(web: Web) -> None:
    ann = await caller(web)
    body = {"name": " Bets ", "description": " of mine "}
    made = await ann.data("POST", "/portfolios", body)
    assert made == {
        "id": made["id"],
        "name": "Bets",
        "description": "of mine",
        "isDefault": True,
        "readOnly": False,
        "openPositions": 0,
        "closedPositions": 0,
        "unpricedPositions": 0,
        "cost": "0.00000000",
        "value": "0.00000000",
        "unrealizedPnl": "0.00000000",
        "realizedPnl": "0.00000000",
        "totalPnl": "0.00000000",
        "createdAt": made["createdAt"],
        "updatedAt": made["updatedAt"],
    }
    path = f"/portfolios/{made['id']}"
    nothing: dict[str, Any] = {"allocation": {"byPlatform": [], "byCategory": []}}
    assert await ann.data("GET", path) == made | nothing
    changed = await ann.data("PATCH", path, {"description": ""})
    assert (changed["name"], changed["description"]) == ("Bets", "")
    assert await ann.data("DELETE", path) is None
    for method, more in (("GET", None), ("PATCH", {"name": "x"}), ("DELETE", None)):
        assert (await ann.call(method, path, more)).status_code == 404
    assert [one["id"] for one in await ann.data("GET", "/portfolios")] == [OURS]


async def test_one_is_the_default_as_long_as_there_is_one_at_all(web: Web) -> None:
    ann = await caller(web)
    assert await defaults(ann) == []
    first = await portfolio(ann, "first", isDefault=False)
    assert await defaults(ann) == ["first"], "whatever was said"
    second = await portfolio(ann, "second")
    third = await portfolio(ann, "third", isDefault=True)
    assert await defaults(ann) == ["third"]
    await ann.data("PATCH", f"/portfolios/{second}", {"isDefault": True})
    assert await defaults(ann) == ["second"]
    refused = await ann.refused("PATCH", f"/portfolios/{second}", {"isDefault": False})
    assert refused == (409, ["isDefault"])
    await ann.data("PATCH", f"/portfolios/{third}", {"isDefault": False})
    await ann.data("DELETE", f"/portfolios/{second}")
    assert await defaults(ann) == ["first"], "the oldest that is left"
    await ann.data("DELETE", f"/portfolios/{third}")
    assert await defaults(ann) == ["first"]
    await ann.data("DELETE", f"/portfolios/{first}")
    assert await defaults(ann) == []


async def test_the_default_is_one_however_requests_race(web: Web) -> None:
    ann = await caller(web)
    made = await asyncio.gather(
        *(portfolio(ann, str(number), isDefault=True) for number in range(4))
    )
    assert len(await defaults(ann)) == 1
    for _ in range(3):
        calls = [ann.call("PATCH", f"/portfolios/{n}", {"isDefault": True}) for n in made]
        answers = await asyncio.gather(*calls)
        assert {answer.status_code for answer in answers} == {200}
        assert len(await defaults(ann)) == 1
    chosen = next(one["id"] for one in await ann.data("GET", "/portfolios") if one["isDefault"])
    other = next(number for number in made if number != chosen)
    await asyncio.gather(
        ann.call("DELETE", f"/portfolios/{chosen}"),
        ann.call("PATCH", f"/portfolios/{other}", {"isDefault": True}),
    )
    assert len(await defaults(ann)) == 1


async def test_there_are_at_most_so_many(web: Web) -> None:
    ann = await caller(web)
    calls = [ann.call("POST", "/portfolios", {"name": str(n)}) for n in range(7)]
    answers = await asyncio.gather(*calls)
    assert sorted(answer.status_code for answer in answers) == [*[201] * 4, *[422] * 3]
    assert len(await defaults(ann)) == 1
    assert (await ann.refused("POST", "/portfolios", {"name": "x"})) == (422, ["portfolios"])


async def test_figures_are_at_live_prices(web: Web, venue: VenueFake) -> None:
    ann = await caller(web)
    number = await portfolio(ann)
    await position(ann, number, "kalshi:RAIN YES 100 @ 0.25")
    await position(ann, number, "kalshi:RAIN NO 10 @ 0.5")
    await position(ann, number, "kalshi:VOTE YES 0.00000001 @ 0.000001")
    await position(ann, number, "polymarket:0xabc YES 20 @ 0.3")
    closed = await position(ann, number, "kalshi:VOTE NO 3 @ 0.7")
    await ann.data("POST", f"/positions/{closed['id']}/close", {"price": "0.2"})
    found = await ann.data("GET", f"/portfolios/{number}")
    # RAIN: 100 x 0.4 and 10 x 0.6; VOTE: 4e-9, which is less than half of the last place; the
    # unpriced one at its cost, 6.
    figures = {
        "openPositions": 4,
        "closedPositions": 1,
        "unpricedPositions": 1,
        "cost": "36.00000000",
        "value": "52.00000000",
        "unrealizedPnl": "16.00000000",
        "realizedPnl": "-1.50000000",
        "totalPnl": "14.50000000",
    }
    assert {name: found[name] for name in figures} == figures

    def parts(kind: str) -> list[tuple[Any, ...]]:
        names = ("name", "positions", "cost", "value", "share")
        return [tuple(part[name] for name in names) for part in found["allocation"][kind]]

    cheap = "6.00000000"
    assert parts("byPlatform") == [
        ("kalshi", 3, "30.00000000", "46.00000000", "0.8846"),
        ("polymarket", 1, cheap, cheap, "0.1154"),
    ]
    assert parts("byCategory") == [
        ("weather", 2, "30.00000000", "46.00000000", "0.8846"),
        ("politics", 2, cheap, cheap, "0.1154"),
    ]
    venue.change("RAIN", yes_price=None, yes_payout=0, status=ListedStatus.RESOLVED)
    listed = next(one for one in await ann.data("GET", "/portfolios") if one["id"] == number)
    assert listed["value"] == "16.00000000", "NO is paid 1, YES nothing"
    assert listed["unrealizedPnl"] == "-20.00000000"


async def test_a_list_asks_each_venue_once(web: Web, venue: VenueFake) -> None:
    ann = await caller(web)
    for name in ("a", "b", "c"):
        await position(ann, await portfolio(ann, name), "kalshi:RAIN YES 1 @ 0.5")
    venue.asked = 0
    assert len(await ann.data("GET", "/portfolios")) == 4
    assert venue.asked == 1
    totals = await ann.data("GET", "/portfolios/summary")
    assert venue.asked == 2
    assert (totals["portfolios"], totals["openPositions"], totals["cost"]) == (4, 3, "1.50000000")


async def test_a_category_is_one_however_platforms_write_it(web: Web, venue: VenueFake) -> None:
    ann = await caller(web)
    number = await portfolio(ann)
    venue.change("RAIN", category="Weather")
    venue.change("VOTE", category=" weather ")
    for name in ("1", "kalshi:RAIN", "kalshi:VOTE"):
        await position(ann, number, f"{name} YES 1 @ 0.5")
    [part] = (await ann.data("GET", f"/portfolios/{number}"))["allocation"]["byCategory"]
    assert (part["name"].strip().lower(), part["positions"]) == ("weather", 3)
    totals = await ann.data("GET", "/portfolios/summary")
    assert len(totals["allocation"]["byCategory"]) == 1


async def test_what_one_holds_here_is_a_portfolio_that_cannot_be_changed(web: Web) -> None:
    ann, ben = await caller(web), await caller(web)
    await trade_here(web, ann, ben)
    web.engine.run(limit(ann.id, 70, 1))
    web.engine.run(limit(ben.id, 30, 1, NO))
    ours = await ann.data("GET", "/portfolios/exchange")
    expected = {
        "id": OURS,
        "isDefault": False,
        "readOnly": True,
        "openPositions": 1,
        "closedPositions": 0,
        "cost": "6.70000000",
        "value": "7.70000000",
        "unrealizedPnl": "1.00000000",
        "realizedPnl": "0.00000000",
        "createdAt": None,
    }
    assert {name: ours[name] for name in expected} == expected
    assert [part["name"] for part in ours["allocation"]["byPlatform"]] == [OURS]
    assert [part["name"] for part in ours["allocation"]["byCategory"]] == ["weather"]
    (first, *_) = await ann.data("GET", "/portfolios")
    assert first == {name: ours[name] for name in first}
    other = await ben.data("GET", "/portfolios/exchange")
    assert (other["cost"], other["value"]) == ("4.30000000", "3.30000000"), "NO at 1 - YES"
    for method, path, body in [
        ("PATCH", "/portfolios/exchange", {"name": "mine"}),
        ("DELETE", "/portfolios/exchange", None),
        (
            "POST",
            "/portfolios/exchange/positions",
            {"marketId": "rain", "side": "YES", "quantity": 1, "avgCost": 0},
        ),
    ]:
        answer = await ann.call(method, path, body)
        assert (answer.status_code, answer.json()["error"]["code"]) == (403, "FORBIDDEN"), path
    assert (await ann.data("GET", "/portfolios/exchange"))["name"] == first["name"]


async def test_shares_that_were_paid_are_profit_that_is_realised(web: Web) -> None:
    ann, ben = await caller(web), await caller(web)
    await trade_here(web, ann, ben)
    web.engine.run(ResolveMarket(1, Resolution.YES, None, ""))
    ours = await ann.data("GET", "/portfolios/exchange")
    assert (ours["openPositions"], ours["realizedPnl"]) == (0, "4.00000000")
    totals = await ben.data("GET", "/portfolios/summary")
    assert (totals["realizedPnl"], totals["totalPnl"]) == ("-4.00000000", "-4.00000000")


async def test_somebody_without_an_account_holds_nothing(web: Web) -> None:
    ann = await caller(web)
    ours = await ann.data("GET", "/portfolios/exchange")
    assert (ours["openPositions"], ours["value"]) == (0, "0.00000000")
    assert await ann.data("GET", "/portfolios/exchange/positions") == []
    assert await ann.data("GET", "/portfolios/exchange/history") == []


@pytest.mark.parametrize("size", [1, 2, 3])
async def test_portfolios_go_on_by_cursor_and_by_offset(web: Web, size: int) -> None:
    ann = await caller(web)
    ids = [OURS, *[await portfolio(ann, str(n)) for n in range(4)]]
    found: list[str] = []
    cursor = ""
    while True:
        body = (await ann.call("GET", f"/portfolios?limit={size}{cursor}")).json()
        assert body["pagination"]["total"] == 5
        found += [one["id"] for one in body["data"]]
        if body["nextCursor"] is None:
            break
        cursor = f"&cursor={body['nextCursor']}"
    assert found == ids
    pages = [
        await ann.data("GET", f"/portfolios?limit={size}&offset={offset}")
        for offset in range(0, 5, size)
    ]
    assert [one["id"] for page in pages for one in page] == ids


async def test_other_peoples_portfolios_are_as_absent_as_none(web: Web) -> None:
    ann, ben = await caller(web), await caller(web)
    number = await portfolio(ann)
    held = await position(ann, number, "kalshi:RAIN YES 1 @ 0.5")
    good = {"marketId": "kalshi:RAIN", "side": "YES", "quantity": 1, "avgCost": "0.5"}

    async def answers(portfolio_id: str, position_id: str) -> list[dict[str, Any]]:
        path, one = f"/portfolios/{portfolio_id}", f"/positions/{position_id}"
        found = [
            await ben.call("GET", path),
            await ben.call("PATCH", path, {"isDefault": True}),
            await ben.call("DELETE", path),
            await ben.call("GET", f"{path}/history"),
            await ben.call("GET", f"{path}/positions"),
            await ben.call("POST", f"{path}/positions", good),
            await ben.call("POST", f"{path}/positions", good | {"marketId": "kalshi:none"}),
            await ben.call("GET", one),
            await ben.call("PATCH", one, {"quantity": 2}),
            await ben.call("POST", f"{one}/close", {"price": 1}),
            await ben.call("POST", f"{one}/close"),
            await ben.call("DELETE", one),
        ]
        assert {answer.status_code for answer in found} == {404}
        return [answer.json()["error"] for answer in found]

    assert await answers(number, held["id"]) == await answers("999999", "999999")
    assert await ann.data("GET", f"/positions/{held['id']}") == held
    assert await defaults(ann) == ["main"]


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "name"),
        ({"name": ""}, "name"),
        ({"name": " \u00a0"}, "name"),
        ({"name": "x" * 101}, "name"),
        ({"name": "a\x00"}, "name"),
        ({"name": "a", "description": "x" * 1_001}, "description"),
        ({"name": "a", "description": 5}, "description"),
        ({"name": "a", "isDefault": "yes"}, "isDefault"),
        ({"name": "a", "isDefault": 1}, "isDefault"),
        ({"name": "a", "id": "7"}, "id"),
    ],
)
async def test_a_portfolio_that_cannot_be(web: Web, body: dict[str, object], field: str) -> None:
    ann = await caller(web)
    assert await ann.refused("POST", "/portfolios", body) == (400, [field])
    if body:
        number = await portfolio(ann)
        path = f"/portfolios/{number}"
        changed = {k: v for k, v in body.items() if v != "a"}
        assert await ann.refused("PATCH", path, changed) == (400, [field])
    assert await ann.refused("PATCH", "/portfolios/1", {}) == (400, ["body"])


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("limit=0", "limit"),
        ("limit=10001", "limit"),
        ("offset=-1", "offset"),
        ("cursor=x", "cursor"),
        ("cursor=exchange&offset=2", "offset"),
        ("sort=name", "sort"),
    ],
)
async def test_a_page_that_is_none(web: Web, query: str, field: str) -> None:
    ann = await caller(web)
    assert await ann.refused("GET", f"/portfolios?{query}") == (400, [field])


@pytest.mark.parametrize("number", ["0", "-1", "01", "Exchange", "9" * 30, "%00", "a%2Fb"])
async def test_an_id_that_is_none(web: Web, number: str) -> None:
    ann = await caller(web)
    for path in ("/portfolios/{}", "/portfolios/{}/positions", "/positions/{}"):
        assert (await ann.call("GET", path.format(number))).status_code == 404
