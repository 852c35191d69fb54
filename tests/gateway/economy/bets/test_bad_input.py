"""What is wrong with a bet, a quote or a sale is told by the field, and nothing is stored."""

import pytest

from exchange.messages.bounds import MONEY_SCALE
from tests.gateway.conftest import Web
from tests.gateway.economy.bets.stories import (
    PATH,
    bet,
    code,
    get,
    placed,
    sell,
)
from tests.gateway.economy.stories import moved

CREDIT = MONEY_SCALE


BODIES = [
    ({"amount": "0"}, "amount"),
    ({"amount": "9.99"}, "amount"),
    ({"amount": "10000.01"}, "amount"),
    ({"amount": "NaN"}, "amount"),
    ({"amount": "-10"}, "amount"),
    ({"amount": "1e2"}, "amount"),
    ({"amount": "10.0000001"}, "amount"),
    ({"amount": None}, "amount"),
    ({"side": "MAYBE"}, "side"),
    ({"side": None}, "side"),
    ({"maxPrice": "0"}, "maxPrice"),
    ({"maxPrice": "1"}, "maxPrice"),
    ({"maxPrice": "0.00001"}, "maxPrice"),
    ({"maxPrice": "0.0099"}, "maxPrice"),
    ({"maxPrice": "NaN"}, "maxPrice"),
    ({"clientBetId": ""}, "clientBetId"),
    ({"clientBetId": "a b"}, "clientBetId"),
    ({"clientBetId": "x" * 65}, "clientBetId"),
    ({"marketId": None}, "marketId"),
    ({"market": "rain"}, "market"),
    ({"price": "0.5"}, "price"),
]


@pytest.mark.parametrize(("body", "field"), BODIES)
async def test_a_bad_bet_names_the_field(web: Web, body: dict[str, object], field: str) -> None:
    ann = await web.register()
    answer = await bet(web, ann, **body)
    assert code(answer) == (400, "VALIDATION_ERROR")
    assert [detail["field"] for detail in answer.json()["error"]["details"]] == [field]
    assert await moved(web) == []


@pytest.mark.parametrize("amount", ["0", "9.99", "10000.01", "1000000000001"])
async def test_a_stake_beyond_the_bounds_is_told_them(web: Web, amount: str) -> None:
    ann = await web.register()
    by_body = await bet(web, ann, amount=amount)
    by_query = await get(web, ann, f"/quote?marketId=rain&side=YES&amount={amount}")
    for answer in (by_body, by_query):
        [detail] = answer.json()["error"]["details"]
        assert detail["message"] == "must lie between 10.000000 and 10000.000000"


@pytest.mark.parametrize("market", ["nothing", "99"])
async def test_a_market_that_is_not_there_is_named_by_its_field(web: Web, market: str) -> None:
    ann = await web.register()
    quoted = await get(web, ann, f"/quote?marketId={market}&side=YES&amount=10")
    for answer in (await bet(web, ann, marketId=market), quoted):
        assert code(answer)[1] == "MARKET_NOT_FOUND"
        assert [detail["field"] for detail in answer.json()["error"]["details"]] == ["marketId"]


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("marketId=rain&side=YES&amount=0", "amount"),
        ("marketId=rain&side=YES&amount=9.99", "amount"),
        ("marketId=rain&side=YES&amount=10000.01", "amount"),
        ("marketId=rain&side=YES&amount=NaN", "amount"),
        ("marketId=rain&side=YES&amount=-10", "amount"),
        ("marketId=rain&side=YES", "amount"),
        ("marketId=rain&amount=10", "side"),
        ("marketId=rain&side=MAYBE&amount=10", "side"),
        ("side=YES&amount=10", "marketId"),
        ("marketId=rain&side=YES&amount=10&maxPrice=1", "maxPrice"),
        ("marketId=rain&side=YES&amount=10&maxPrice=0.001", "maxPrice"),
        ("marketId=rain&side=YES&amount=10&stake=1", "stake"),
    ],
)
async def test_a_bad_quote_names_the_field(web: Web, query: str, field: str) -> None:
    ann = await web.register()
    answer = await get(web, ann, f"/quote?{query}")
    assert code(answer) == (400, "VALIDATION_ERROR")
    assert [detail["field"] for detail in answer.json()["error"]["details"]] == [field]


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"shares": "0"}, "shares"),
        ({"shares": "-1"}, "shares"),
        ({"shares": "NaN"}, "shares"),
        ({"shares": "0.001"}, "shares"),
        ({"minProceeds": "0"}, "minProceeds"),
        ({"minProceeds": "-1"}, "minProceeds"),
        ({"minProceeds": "1000"}, "minProceeds"),
        ({"requestId": "a b"}, "requestId"),
        ({"requestId": "x" * 65}, "requestId"),
        ({"amount": "1"}, "amount"),
    ],
)
async def test_a_bad_sale_names_the_field(web: Web, body: dict[str, object], field: str) -> None:
    ann = await web.register()
    number = (await placed(web, ann))["id"]
    answer = await sell(web, ann, number, **body)
    assert code(answer) == (400, "VALIDATION_ERROR")
    assert [detail["field"] for detail in answer.json()["error"]["details"]] == [field]
    assert len(await moved(web)) == 1


@pytest.mark.parametrize("query", ["?shares=0", "?shares=NaN", "?shares=0.001", "?share=1"])
async def test_a_bad_sale_quote_is_refused(web: Web, query: str) -> None:
    ann = await web.register()
    number = (await placed(web, ann))["id"]
    assert code(await get(web, ann, f"/{number}/sell/quote{query}")) == (400, "VALIDATION_ERROR")


async def test_more_shares_than_the_bet_has(web: Web) -> None:
    ann = await web.register()
    number = (await placed(web, ann))["id"]
    assert code(await sell(web, ann, number, shares="100.01")) == (422, "BET_SHARES")
    assert code(await get(web, ann, f"/{number}/sell/quote?shares=101")) == (422, "BET_SHARES")


@pytest.mark.parametrize("path", ["", "/me", "/quote?marketId=rain&side=YES&amount=10", "/1"])
async def test_nobody_bets_without_an_account(web: Web, path: str) -> None:
    call = web.client.get if path else web.client.post
    assert (await call(f"{PATH}{path}")).status_code == 401
