"""A quote is what the trade then comes to, refused in the same words; and a chart ends at now."""

from typing import Any

import httpx
import pytest

from persistence.repositories.economy.stocks.stocks import StockRow, Stocks
from tests.gateway.conftest import MakeWeb, Person, Web
from tests.gateway.economy.stocks.market import buy, call, data, list_stock, sell, stock


@pytest.fixture
async def web(make_web: MakeWeb) -> Web:
    return await make_web(RATE_LIMIT_USER_MAX_REQUESTS="100000")


async def asked(web: Web, person: Person, query: str) -> httpx.Response:
    return await call(web, "GET", f"/economy/stocks/ORCA/quote?{query}", person)


async def quote(web: Web, person: Person, query: str) -> dict[str, Any]:
    answer = await asked(web, person, query)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()["data"]
    return found


SAME = "shares", "total", "amount", "loan", "averagePrice", "liquidated"


@pytest.mark.parametrize(
    ("side", "terms"),
    [
        ("BUY", {"shares": "100"}),
        ("BUY", {"amount": "70", "leverage": 5}),
        ("SELL", {"shares": "50"}),
        ("SELL", {"amount": "12.5"}),
    ],
)
async def test_it_is_what_the_trade_comes_to(web: Web, side: str, terms: dict[str, object]) -> None:
    await list_stock(web)
    ann, ben = await web.register(), await web.register()
    await buy(web, ann, shares="100")
    await buy(web, ben, shares="20", leverage=5)
    query = "&".join(f"{name}={value}" for name, value in terms.items())
    before = await stock(web)
    told = await quote(web, ann, f"side={side}&{query}")
    assert (await stock(web))["supply"] == before["supply"]
    assert told["currentPrice"] == before["price"]
    done = await (buy if side == "BUY" else sell)(web, ann, **terms)
    assert {name: told[name] for name in SAME} == {name: done[name] for name in SAME}
    assert told["price"] == done["price"] == (await stock(web))["price"]


@pytest.mark.parametrize(
    ("query", "refusal"),
    [
        ("side=BUY&shares=100000", (422, "INSUFFICIENT_BALANCE", "shares")),
        ("side=BUY&amount=100000", (422, "INSUFFICIENT_BALANCE", "amount")),
        ("side=SELL&shares=1", (422, "INSUFFICIENT_SHARES", "shares")),
        ("side=BUY&amount=0.000001", (422, "AMOUNT_TOO_SMALL", "amount")),
        ("side=BUY&shares=100000000", (422, "SUPPLY_EXHAUSTED", "shares")),
        ("side=BUY", (400, "VALIDATION_ERROR", "shares")),
        ("side=BUY&shares=1&amount=1", (400, "VALIDATION_ERROR", "shares")),
        ("side=BUY&shares=NaN", (400, "VALIDATION_ERROR", "shares")),
        ("side=BUY&shares=-1", (400, "VALIDATION_ERROR", "shares")),
        ("side=BUY&amount=0", (400, "VALIDATION_ERROR", "amount")),
        ("side=BUY&shares=1&leverage=0", (400, "VALIDATION_ERROR", "leverage")),
        ("side=BUY&shares=1&leverage=6", (400, "VALIDATION_ERROR", "leverage")),
        ("side=SELL&shares=1&leverage=2", (400, "VALIDATION_ERROR", "leverage")),
        ("side=HOLD&shares=1", (400, "VALIDATION_ERROR", "side")),
    ],
)
async def test_what_would_be_refused_is_refused(
    web: Web, query: str, refusal: tuple[int, str, str]
) -> None:
    await list_stock(web)
    ann = await web.register()
    answer = await asked(web, ann, query)
    error = answer.json()["error"]
    field = (error.get("details") or [{"field": ""}])[0]["field"]
    assert (answer.status_code, error["code"], field) == refusal


async def test_it_is_of_one_moment(web: Web, monkeypatch: pytest.MonkeyPatch) -> None:
    """A trade that is done while somebody reads is in all that was read, or in nothing of it."""
    await list_stock(web)
    ann, ben = await web.register(), await web.register()
    await buy(web, ann, shares="1")
    by_symbol = Stocks.by_symbol

    async def read_early(rows: Stocks, symbol: str) -> StockRow | None:
        row = await by_symbol(rows, symbol)
        monkeypatch.setattr(Stocks, "by_symbol", by_symbol)
        await buy(web, ben, shares="50", leverage=5)
        return row

    monkeypatch.setattr(Stocks, "by_symbol", read_early)
    assert (await quote(web, ann, "side=SELL&shares=1"))["liquidated"] == 0


async def test_a_halted_one_is_sold_only_and_an_unknown_one_is_not_there(web: Web) -> None:
    await list_stock(web)
    ann, admin = await web.register(), await web.register(admin=True)
    await buy(web, ann, shares="10")
    await data(web, "PATCH", "/admin/stocks/ORCA", admin, {"halted": True})
    refused = (await asked(web, ann, "side=BUY&shares=1")).json()["error"]["code"]
    assert refused == "STOCK_HALTED"
    assert (await quote(web, ann, "side=SELL&shares=10"))["total"] == "10.500000"
    for path in ("quote?side=BUY&shares=1", "prices"):
        answer = await call(web, "GET", f"/economy/stocks/NONE/{path}", ann)
        assert answer.status_code == 404


async def test_a_chart_tells_prices_evenly_up_to_now(web: Web) -> None:
    await list_stock(web)
    ann = await web.register()
    pool = web.parts.pool
    await buy(web, ann, shares="100")
    # Listed two days ago, and traded a day ago.
    day = 86_400_000_000
    await pool.execute("UPDATE stocks SET created_at = created_at - 2 * $1::bigint", day)
    await pool.execute(
        "UPDATE stock_trades SET at = (SELECT created_at FROM stocks) + $1::bigint", day
    )
    for period in ("day", "week", "month", "year", "all"):
        told = await data(web, "GET", f"/economy/stocks/ORCA/prices?period={period}")
        prices = told["prices"]
        assert prices[-1]["price"] == "2.000000"
        assert len(prices) <= 201
        assert [one["time"] for one in prices] == sorted(one["time"] for one in prices)
        assert told["period"] == period
        if period == "all":
            assert len(prices) == 201
            assert {one["price"] for one in prices} == {"1.000000", "2.000000"}
            assert prices[0]["price"] == "1.000000"
    answer = await call(web, "GET", "/economy/stocks/ORCA/prices?period=hour")
    assert answer.status_code == 400
