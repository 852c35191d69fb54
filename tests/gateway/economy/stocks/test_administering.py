"""Listing stocks and looking after them, over REST."""

from typing import Any

import pytest

from exchange.messages.commands import DebitAccount
from exchange.model.system_accounts import reserve_of
from tests.gateway.conftest import MakeWeb, Web
from tests.gateway.economy.stocks.market import (
    ORCA,
    buy,
    call,
    cash,
    data,
    list_stock,
    refused,
    sell,
)
from tests.gateway.economy.stories import moved

RESERVE = reserve_of(1)


@pytest.fixture
async def web(make_web: MakeWeb) -> Web:
    return await make_web(RATE_LIMIT_USER_MAX_REQUESTS="100000")


async def test_a_stock_is_listed_with_its_reserve(web: Web) -> None:
    made = await list_stock(web)
    assert made == {
        "id": "1",
        "symbol": "ORCA",
        "name": "Orca Motors",
        "status": "OPEN",
        "price": "1.000000",
        "supply": "0.00",
        "value": "0.000000",
        "change24h": "0.000000",
        "basePrice": "1.000000",
        "slope": "0.010000",
        "interestRate": "0.0010",
        "maintenanceMargin": "0.1000",
        "reserveId": str(RESERVE),
        "createdAt": made["createdAt"],
        "history": made["history"],
    }
    assert cash(web, RESERVE) == 0
    assert [one["symbol"] for one in await data(web, "GET", "/economy/stocks")] == ["ORCA"]


@pytest.mark.parametrize("trouble", ["closed", "lost"])
async def test_a_stock_is_listed_whatever_becomes_of_its_reserve(web: Web, trouble: str) -> None:
    """Who was told that nothing happened would be told 409 when asking again."""
    ann, admin = await web.register(), await web.register(admin=True)
    web.engine.is_open, web.engine.loses_answers = trouble != "closed", trouble == "lost"
    made = await call(web, "POST", "/admin/stocks", admin, ORCA)
    web.engine.is_open, web.engine.loses_answers = True, False
    assert made.status_code == 201
    assert (await buy(web, ann, shares="1"))["total"] == "1.005000"
    assert cash(web, RESERVE) == 1_005_000


@pytest.mark.parametrize(
    ("side", "body", "answer"),
    [
        ("buy", {"shares": "400"}, (422, "INSUFFICIENT_BALANCE", "shares")),
        ("buy", {"amount": "1001"}, (422, "INSUFFICIENT_BALANCE", "amount")),
        ("buy", {"shares": "1", "maxPrice": "1"}, (422, "PRICE_MOVED", "maxPrice")),
        ("sell", {"shares": "1"}, (422, "INSUFFICIENT_SHARES", "shares")),
    ],
)
async def test_what_is_refused_opens_no_reserve(
    web: Web, side: str, body: dict[str, str], answer: tuple[int, str, str]
) -> None:
    ann, admin = await web.register(), await web.register(admin=True)
    web.engine.is_open = False
    assert (await call(web, "POST", "/admin/stocks", admin, ORCA)).status_code == 201
    web.engine.is_open = True
    assert await refused(web, ann, side, **body) == answer
    assert RESERVE not in web.engine.view.accounts
    assert await moved(web) == []
    assert (await buy(web, ann, shares="1", requestId="a"))["total"] == "1.005000"
    assert cash(web, RESERVE) == 1_005_000


async def test_a_halted_stock_is_sold_and_not_bought(web: Web) -> None:
    await list_stock(web)
    ann, admin = await web.register(), await web.register(admin=True)
    await buy(web, ann, shares="2")
    there = await data(web, "PATCH", "/admin/stocks/ORCA", admin, {"halted": True})
    assert there["status"] == "HALTED"
    assert (await refused(web, ann, shares="1"))[:2] == (422, "STOCK_HALTED")
    await sell(web, ann, shares="1")
    await data(web, "PATCH", "/admin/stocks/ORCA", admin, {"halted": False})
    await buy(web, ann, shares="1")
    nobody = await call(web, "PATCH", "/admin/stocks/NOPE", admin, {"halted": True})
    assert nobody.status_code == 404


async def test_terms_of_a_stock_are_looked_at(web: Web) -> None:
    admin, ann = await web.register(admin=True), await web.register()
    wrong = {
        "symbol": ["", "a", "1A", "ABCDEFGHIJK", "A-B"],
        "name": ["", "x" * 81],
        "basePrice": ["0", "0.009999", "1000000.000001", "-1", "NaN"],
        "slope": ["0", "-1", "1000000.1", "NaN"],
        "interestRate": ["-1", "0.2"],
        "maintenanceMargin": ["0", "0.0001", "0.2"],
    }
    for field, values in wrong.items():
        for value in values:
            answer = await call(web, "POST", "/admin/stocks", admin, ORCA | {field: value})
            assert answer.status_code == 400, (field, value)
            assert answer.json()["error"]["details"][0]["field"] == field
    assert (await call(web, "POST", "/admin/stocks", ann, ORCA)).status_code == 403
    await data(web, "POST", "/admin/stocks", admin, ORCA)
    assert (await call(web, "POST", "/admin/stocks", admin, ORCA)).status_code == 409
    await web.parts.pool.execute("UPDATE stocks SET id = 999")
    last = await call(web, "POST", "/admin/stocks", admin, ORCA | {"symbol": "LAST"})
    assert (last.status_code, last.json()["error"]["code"]) == (422, "LIMIT_REACHED")


async def test_a_reserve_that_was_drained_sells_nothing(web: Web) -> None:
    """Where money was taken out past us nothing goes on, rather than that it goes wrong."""
    await list_stock(web)
    ann = await web.register()
    await buy(web, ann, shares="10")
    web.engine.run(DebitAccount(RESERVE, 1, "by hand"))
    assert (await refused(web, ann, "sell", shares="1"))[0] == 500
    assert cash(web, RESERVE) == 10_499_999


async def test_nobody_leaves_who_has_shares(web: Web) -> None:
    await list_stock(web)
    ann = await web.register()
    await buy(web, ann, shares="1")
    leaving: dict[str, Any] = {"forfeitCredits": True}
    answer = await call(web, "DELETE", "/users/me", ann, leaving)
    assert answer.status_code == 409
    assert "sell them first" in answer.json()["error"]["message"]
    await sell(web, ann, shares="1")
    # Nor whoever may have some yet: an order without an answer.
    state = "UPDATE stock_orders SET status = $1 WHERE kind = 'BUY'"
    await web.parts.pool.execute(state, "PENDING")
    assert (await call(web, "DELETE", "/users/me", ann, leaving)).status_code == 409
    await web.parts.pool.execute(state, "DONE")
    assert (await call(web, "DELETE", "/users/me", ann, leaving)).status_code == 200


async def test_no_admin_takes_money_out_of_a_reserve(web: Web) -> None:
    await list_stock(web)
    ann, admin = await web.register(), await web.register(admin=True)
    await buy(web, ann, shares="1")
    body = {"amount": "1", "reason": "mine"}
    path = f"/admin/users/{RESERVE}"
    assert (await call(web, "POST", f"{path}/debit", admin, body)).status_code == 403
    assert (await call(web, "POST", f"{path}/credit", admin, body)).status_code == 200
    await sell(web, ann, shares="1")
    assert cash(web, RESERVE) == 1_000_000
