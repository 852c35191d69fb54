"""Trading stocks over REST, around the real rules and a real database."""

import asyncio
from typing import Any

import pytest

from exchange.messages.commands import CreditAccount
from exchange.model.system_accounts import reserve_of
from gateway.economy.stocks import desk
from gateway.economy.stocks.rules import trading
from persistence.clock import now_us
from persistence.repositories.economy.intents import Intents
from tests.gateway.conftest import MakeWeb, Web
from tests.gateway.economy.stocks.market import (
    ORCA,
    START,
    buy,
    call,
    cash,
    data,
    history,
    list_stock,
    portfolio,
    refused,
    sell,
    stock,
)
from tests.gateway.economy.stories import lose_commits, moved, pending, store_ledger, sweep

RESERVE = reserve_of(1)


@pytest.fixture
async def web(make_web: MakeWeb) -> Web:
    made = await make_web(RATE_LIMIT_USER_MAX_REQUESTS="100000")
    made.engine.now = now_us()
    return made


async def test_what_is_bought_and_sold_moves_the_price(web: Web) -> None:
    await list_stock(web)
    ann = await web.register()
    # 1 + 0.01 * s, from 0 to 100: 100 + 50.
    bought = await buy(web, ann, shares="100")
    assert bought == {
        "id": bought["id"],
        "symbol": "ORCA",
        "side": "BUY",
        "shares": "100.00",
        "total": "150.000000",
        "amount": "-150.000000",
        "loan": "0.000000",
        "averagePrice": "1.500000",
        "leverage": 1,
        "price": "2.000000",
        "liquidated": 0,
        "reference": f"stock:1:{bought['id']}",
        "requestId": None,
        "createdAt": bought["createdAt"],
        "balance": {
            "available": "850.000000",
            "locked": "0.000000",
            "total": "850.000000",
        },
    }
    assert cash(web, RESERVE) == 150_000_000
    # From 100 down to 50: 50 + 37.5.
    sold = await sell(web, ann, shares="50")
    assert (sold["amount"], sold["price"]) == ("87.500000", "1.500000")
    assert sold["balance"]["available"] == "937.500000"
    there = await stock(web)
    assert (there["supply"], there["price"], there["change24h"]) == (
        "50.00",
        "1.500000",
        "0.500000",
    )
    assert there["value"] == "62.500000"
    assert (await portfolio(web, ann)) == [
        {
            "symbol": "ORCA",
            "name": "Orca Motors",
            "shares": "50.00",
            "price": "1.500000",
            "value": "62.500000",
            "loan": "0.000000",
            "equity": "62.500000",
            "cost": "75.000000",
            "averagePrice": "1.500000",
            "unrealizedPnl": "-12.500000",
            "realizedPnl": "12.500000",
            "liquidationPrice": None,
        }
    ]
    assert [
        (one["type"], one["shares"], one["amount"], one["price"]) for one in await history(web, ann)
    ] == [
        ("SELL", "-50.00", "87.500000", "1.500000"),
        ("BUY", "100.00", "-150.000000", "2.000000"),
    ]


async def test_an_amount_buys_the_most_and_sells_the_fewest(web: Web) -> None:
    await list_stock(web)
    ann = await web.register()
    bought = await buy(web, ann, amount="150")
    assert (bought["shares"], bought["total"]) == ("100.00", "150.000000")
    assert (await sell(web, ann, amount="87.5"))["shares"] == "50.00"
    assert (await refused(web, ann, "sell", amount="62.500001"))[1:] == (
        "INSUFFICIENT_SHARES",
        "amount",
    )
    assert (await sell(web, ann, amount="62.5"))["shares"] == "50.00"
    assert cash(web, ann.id) == START
    assert (await stock(web))["supply"] == "0.00"


async def test_a_loan_is_paid_first(web: Web) -> None:
    await list_stock(web)
    ann = await web.register()
    bought = await buy(web, ann, shares="100", leverage=5)
    assert (bought["total"], bought["amount"], bought["loan"]) == (
        "150.000000",
        "-30.000000",
        "120.000000",
    )
    [held] = await portfolio(web, ann)
    assert (held["loan"], held["equity"]) == ("120.000000", "30.000000")
    # Nobody else has any: the price can't fall without her.
    assert held["liquidationPrice"] == "2.000000"
    # 87.5 pays back as much: nothing is moved, and nothing has to be.
    sold = await sell(web, ann, shares="50")
    assert (sold["amount"], sold["loan"], sold["reference"]) == ("0.000000", "-87.500000", None)
    last = await sell(web, ann, shares="50")
    assert (last["amount"], last["loan"]) == ("30.000000", "-32.500000")
    assert (cash(web, ann.id), cash(web, RESERVE)) == (START, 0)
    # The audit log says who did it, whoever paid.
    lines = await web.parts.pool.fetch(
        "SELECT actor_id, target FROM audit_log WHERE action = 'economy.stock' ORDER BY id"
    )
    assert [tuple(line) for line in lines] == [
        (ann.id, f"user:{ann.id} 0.000000 stock:1:{bought['id']}"),
        (ann.id, f"user:{ann.id} 0.000000 stock:1:{sold['id']}"),
        (ann.id, f"user:{RESERVE} 0.000000 stock:1:{last['id']}"),
    ]


async def test_who_is_first_in_line_is_sold_out_in_the_same_transfer(web: Web) -> None:
    await list_stock(web)
    ann, ben = await web.register(), await web.register()
    await buy(web, ann, shares="200")
    await buy(web, ben, shares="100", leverage=5)
    sold = await sell(web, ann, shares="200")
    assert sold["liquidated"] == 1
    assert [one["type"] for one in await history(web, ben)] == ["LIQUIDATION", "BUY"]
    assert (await portfolio(web, ben))[0]["shares"] == "0.00"
    assert START - cash(web, ben.id) < 70_000_000
    assert cash(web, RESERVE) in {0, 1, 2, 3}
    shown = web.parts.metrics.registry.get_sample_value
    assert shown("stock_trades_total", {"kind": "LIQUIDATION"}) == 1
    assert shown("stock_trades_total", {"kind": "BUY"}) == 2
    people = cash(web, ann.id) + cash(web, ben.id) + cash(web, RESERVE)
    assert people == 2 * START
    assert len(await moved(web)) == 3
    # Both find what it was for, whose intent is the reserve's.
    await store_ledger(web)
    for person in (ann, ben):
        last = (await data(web, "GET", "/transactions/me?type=STOCK", person))[0]
        assert (last["type"], last["reference"], last["reason"]) == (
            "STOCK",
            sold["reference"],
            "SELL ORCA",
        )


async def test_a_larger_loan_pays_back_the_least_where_no_more_may_borrow(
    web: Web, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(trading, "LOANS_MAX", 1)
    await list_stock(web)
    ann, ben = await web.register(), await web.register()
    await buy(web, ann, shares="10", leverage=2)
    assert await refused(web, ben, shares="9", leverage=2) == (422, "TOO_MANY_LOANS", "leverage")
    bought = await buy(web, ben, shares="100", leverage=5)
    assert (bought["liquidated"], bought["loan"]) == (1, "128.000000")
    # 5.25 were owed: 2.51 of Ann's shares at 2.10 and below bring 5.2395 and a little.
    [last, first] = await history(web, ann)
    assert (first["type"], first["loan"]) == ("BUY", "5.250000")
    assert (last["type"], last["loan"], last["shares"]) == ("LIQUIDATION", "-5.250000", "-2.52")
    [held] = await portfolio(web, ann)
    assert (held["shares"], held["loan"], held["cost"]) == ("7.48", "0.000000", "7.854000")
    assert cash(web, ann.id) + cash(web, ben.id) + cash(web, RESERVE) == 2 * START
    assert (await stock(web))["supply"] == "107.48"


async def test_what_was_asked_before_is_told_again(web: Web) -> None:
    await list_stock(web)
    ann = await web.register()
    first = await buy(web, ann, shares="10", requestId="a")
    again = await buy(web, ann, shares="10.00", requestId="a")
    assert again == first | {"replayed": True}
    assert await refused(web, ann, shares="11", requestId="a") == (409, "CONFLICT", "")
    assert await refused(web, ann, "sell", shares="10", requestId="a") == (409, "CONFLICT", "")
    both = await asyncio.gather(*(buy(web, ann, shares="1", requestId="b") for _ in range(8)))
    assert len({one["id"] for one in both}) == 1
    assert (await stock(web))["supply"] == "11.00"


async def test_many_trade_one_after_the_other(web: Web) -> None:
    await list_stock(web)
    people = [await web.register() for _ in range(4)]
    await asyncio.gather(
        *(
            # In whatever order they come: with more borrowed, who buys last might be sold out.
            buy(web, person, shares="5", leverage=1 + number % 3)
            for person in people
            for number in range(5)
        )
    )
    assert (await stock(web))["supply"] == "100.00"
    for person in people:
        await sell(web, person, shares="25")
    assert (await stock(web))["supply"] == "0.00"
    total = sum(cash(web, person.id) for person in people)
    assert 0 <= cash(web, RESERVE) <= 100
    assert total + cash(web, RESERVE) == 4 * START


BAD: list[tuple[str, dict[str, Any], tuple[int, str, str]]] = [
    ("buy", {"shares": "1", "symbol": "NOPE"}, (400, "VALIDATION_ERROR", "symbol")),
    ("buy", {"shares": "1", "symbol": "orca"}, (400, "VALIDATION_ERROR", "symbol")),
    ("buy", {"shares": "1", "symbol": ""}, (400, "VALIDATION_ERROR", "symbol")),
    ("buy", {"shares": "1", "symbol": 7}, (400, "VALIDATION_ERROR", "symbol")),
    ("buy", {"shares": "0"}, (400, "VALIDATION_ERROR", "shares")),
    ("buy", {"shares": "-1"}, (400, "VALIDATION_ERROR", "shares")),
    ("buy", {"shares": "0.001"}, (400, "VALIDATION_ERROR", "shares")),
    ("buy", {"shares": "NaN"}, (400, "VALIDATION_ERROR", "shares")),
    ("buy", {"shares": "1e3"}, (400, "VALIDATION_ERROR", "shares")),
    ("buy", {"shares": "100000001"}, (400, "VALIDATION_ERROR", "shares")),
    ("buy", {"shares": "100000000"}, (422, "SUPPLY_EXHAUSTED", "shares")),
    ("buy", {"amount": "0"}, (400, "VALIDATION_ERROR", "amount")),
    ("buy", {"amount": "-5"}, (400, "VALIDATION_ERROR", "amount")),
    ("buy", {"amount": "NaN"}, (400, "VALIDATION_ERROR", "amount")),
    ("buy", {"amount": "0.000001"}, (422, "AMOUNT_TOO_SMALL", "amount")),
    ("buy", {"amount": "1000000001"}, (400, "VALIDATION_ERROR", "amount")),
    ("buy", {"amount": "1000.5"}, (422, "INSUFFICIENT_BALANCE", "amount")),
    ("buy", {"amount": "1000000000", "leverage": 5}, (422, "SUPPLY_EXHAUSTED", "amount")),
    ("sell", {"amount": "1"}, (422, "INSUFFICIENT_SHARES", "amount")),
    ("buy", {}, (400, "VALIDATION_ERROR", "shares")),
    ("buy", {"shares": "1", "amount": "1"}, (400, "VALIDATION_ERROR", "shares")),
    ("buy", {"shares": "1", "leverage": 0}, (400, "VALIDATION_ERROR", "leverage")),
    ("buy", {"shares": "1", "leverage": 6}, (400, "VALIDATION_ERROR", "leverage")),
    ("buy", {"shares": "1", "leverage": 1.5}, (400, "VALIDATION_ERROR", "leverage")),
    ("buy", {"shares": "1", "leverage": "5"}, (400, "VALIDATION_ERROR", "leverage")),
    ("buy", {"shares": "10", "maxPrice": "1.04"}, (422, "PRICE_MOVED", "maxPrice")),
    ("buy", {"shares": "10", "maxPrice": "0"}, (400, "VALIDATION_ERROR", "maxPrice")),
    ("buy", {"shares": "10", "minPrice": "1"}, (400, "VALIDATION_ERROR", "minPrice")),
    ("buy", {"shares": "10", "requestId": "ä"}, (400, "VALIDATION_ERROR", "requestId")),
    ("sell", {"shares": "1"}, (422, "INSUFFICIENT_SHARES", "shares")),
    ("sell", {"shares": "1", "leverage": 2}, (400, "VALIDATION_ERROR", "leverage")),
    ("sell", {"shares": "0"}, (400, "VALIDATION_ERROR", "shares")),
    ("sell", {"shares": "1", "symbol": "NOPE"}, (400, "VALIDATION_ERROR", "symbol")),
]


async def test_bad_input_names_its_field_and_moves_nothing(web: Web) -> None:
    await list_stock(web)
    ann = await web.register()
    told = [(side, body, await refused(web, ann, side, **body)) for side, body, _ in BAD]
    assert told == BAD
    assert cash(web, ann.id) == START
    assert await pending(web) == 0
    assert (await stock(web))["supply"] == "0.00"
    # Whatever was refused, the stock goes on.
    assert (await buy(web, ann, shares="10", maxPrice="1.05"))["total"] == "10.500000"
    assert await refused(web, ann, "sell", shares="10", minPrice="1.051") == (
        422,
        "PRICE_MOVED",
        "minPrice",
    )
    assert (await sell(web, ann, shares="10", minPrice="1.05"))["total"] == "10.500000"


async def test_what_the_engine_refuses_changes_nothing(web: Web) -> None:
    await list_stock(web)
    ann, ben = await web.register(), await web.register()
    # 400 + 800 are more than the 1000 that she has.
    poor = 422, "INSUFFICIENT_BALANCE", "shares"
    assert await refused(web, ann, shares="400", requestId="a") == poor
    web.engine.run(CreditAccount(ann.id, START, "late"))
    # It has used its id up.
    assert await refused(web, ann, shares="400", requestId="a") == poor
    assert (await buy(web, ben, shares="1"))["price"] == "1.010000"
    assert await portfolio(web, ann) == []


async def test_what_was_not_taken_is_taken_back(web: Web) -> None:
    await list_stock(web)
    ann = await web.register()
    web.engine.is_open = False
    assert (await refused(web, ann, shares="1", requestId="a"))[0] == 503
    web.engine.is_open = True
    assert await moved(web) == []
    assert (await buy(web, ann, shares="1", requestId="a"))["shares"] == "1.00"


async def test_what_has_no_answer_yet_is_seen_through_first(
    web: Web, monkeypatch: pytest.MonkeyPatch
) -> None:
    await list_stock(web)
    ann, ben = await web.register(), await web.register()
    with monkeypatch.context() as patch:
        lose_commits(patch, Intents, "add")
        assert (await refused(web, ann, shares="100", requestId="a"))[:2] == (
            504,
            "UNKNOWN_OUTCOME",
        )
    assert await pending(web) == 1
    # Ben's is decided on what Ann's came to.
    assert (await buy(web, ben, shares="1"))["price"] == "2.010000"
    assert await pending(web) == 0
    assert (await buy(web, ann, shares="100", requestId="a"))["replayed"] is True
    assert await sweep(web) == 0
    assert (await stock(web))["supply"] == "101.00"


async def test_lists_go_on_by_cursor(web: Web) -> None:
    ann = await web.register()
    admin = await web.register(admin=True)
    for symbol in ("ABE", "BEA", "CAL"):
        await data(web, "POST", "/admin/stocks", admin, ORCA | {"symbol": symbol})
        await buy(web, ann, symbol=symbol, shares="1")
    for path, name in (
        ("/economy/stocks", "symbol"),
        ("/economy/portfolio", "symbol"),
        ("/economy/transactions", "symbol"),
    ):
        found: list[str] = []
        cursor: str | None = ""
        while cursor is not None:
            query = f"?limit=2{cursor and f'&cursor={cursor}'}"
            answer = (await call(web, "GET", f"{path}{query}", ann)).json()
            found += [one[name] for one in answer["data"]]
            cursor = answer["nextCursor"]
        assert sorted(found) == ["ABE", "BEA", "CAL"], path
    assert [one["symbol"] for one in await history(web, ann, "?symbol=BEA")] == ["BEA"]
    assert (await call(web, "GET", "/economy/transactions?symbol=b", ann)).status_code == 400


async def test_no_more_wait_than_may(web: Web, monkeypatch: pytest.MonkeyPatch) -> None:
    await list_stock(web)
    ann = await web.register()
    with monkeypatch.context() as patch:
        patch.setattr(desk, "WAITING_MAX", 0)
        assert (await refused(web, ann, shares="1"))[:2] == (503, "UNAVAILABLE")
    assert (await buy(web, ann, shares="1"))["shares"] == "1.00"


async def test_an_id_stands_for_an_order_of_one_stock(web: Web) -> None:
    await list_stock(web)
    await list_stock(web, symbol="LYNX")
    ann = await web.register()
    for number in range(5):
        answers = await asyncio.gather(
            *(
                call(
                    web,
                    "POST",
                    "/economy/buy",
                    ann,
                    {"symbol": symbol, "shares": "1", "requestId": f"r{number}"},
                )
                for symbol in ("ORCA", "LYNX")
            )
        )
        assert sorted(answer.status_code for answer in answers) == [200, 409]
