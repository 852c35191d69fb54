"""Selling bets again: by themselves, by an order, by a bet on the other side."""

import asyncio

from exchange.messages.bounds import MONEY_SCALE
from exchange.messages.commands import CancelAll, PlaceOrder
from exchange.messages.terms import GTC, IOC, LIMIT, MARKET, SELL, YES
from tests.gateway.conftest import Web
from tests.gateway.economy.bets.stories import (
    MAKER,
    START,
    cash,
    code,
    get,
    offer,
    placed,
    sell,
    shown,
)

CREDIT = MONEY_SCALE


async def test_a_bet_sold_again(web: Web) -> None:
    ann = await web.register()
    number = (await placed(web, ann))["id"]
    quote = (await get(web, ann, f"/{number}/sell/quote?shares=30")).json()["data"]
    assert quote == {
        "betId": number,
        "shares": "30.00",
        "sold": "30.00",
        "averagePrice": "0.3500",
        "worstPrice": "0.3500",
        "proceeds": "10.500000",
        "fee": "0.000000",
        "minProceedsMax": "10.500000",
        "reason": None,
    }
    answer = await sell(web, ann, number, shares="30", minProceeds="10.5", requestId="s")
    data = answer.json()["data"]
    assert data.pop("balance")["available"] == "970.500000"
    assert data == {
        "id": "1",
        "betId": number,
        "requestId": "s",
        "shares": "30.00",
        "sold": "30.00",
        "averagePrice": "0.3500",
        "proceeds": "10.500000",
        "fee": "0.000000",
        "reason": None,
        "reference": f"sale:{ann.id}:{number}:1",
        "createdAt": data["createdAt"],
    }
    again = (await sell(web, ann, number, shares="30", minProceeds="10.5", requestId="s")).json()
    assert again["data"]["replayed"] is True
    assert code(await sell(web, ann, number, shares="31", requestId="s")) == (409, "CONFLICT")
    told = await shown(web, ann, number)
    assert (told["status"], told["openShares"], told["proceeds"]) == ("OPEN", "70.00", "10.500000")
    assert told["profit"] is None
    assert (await sell(web, ann, number)).status_code == 200
    told = await shown(web, ann, number)
    assert (told["status"], told["openShares"], told["profit"]) == ("SOLD", "0.00", "-5.000000")
    assert [one["shares"] for one in told["exits"]] == ["70.00", "30.00"]
    assert code(await sell(web, ann, number)) == (422, "BET_ENDED")
    assert code(await get(web, ann, f"/{number}/sell/quote")) == (422, "BET_ENDED")


async def test_twenty_sales_at_once_sell_no_more_than_the_bet(web: Web) -> None:
    """Before the projector has come to any of them, and with another bet that could be sold."""
    ann = await web.register()
    number, other = (await placed(web, ann))["id"], (await placed(web, ann))["id"]
    answers = await asyncio.gather(*(sell(web, ann, number, shares="30") for _ in range(20)))
    assert sorted(answer.status_code for answer in answers) == [200] * 3 + [422] * 17
    assert {code(one)[1] for one in answers if one.status_code == 422} == {"BET_SHARES"}
    told = await shown(web, ann, number)
    assert told["openShares"] == "10.00"
    assert (await shown(web, ann, other))["openShares"] == "100.00"


async def test_fifty_sales_at_once_under_one_id_are_one(web: Web) -> None:
    ann = await web.register()
    number = (await placed(web, ann))["id"]
    sales = (sell(web, ann, number, shares="1", requestId="s") for _ in range(50))
    answers = await asyncio.gather(*sales)
    assert {answer.status_code for answer in answers} == {200}
    assert (await shown(web, ann, number))["openShares"] == "99.00"


async def test_a_sale_brings_what_was_asked_or_nothing(web: Web) -> None:
    ann = await web.register()
    number = (await placed(web, ann))["id"]
    assert code(await sell(web, ann, number, minProceeds="35.01")) == (422, "FOK_NOT_FILLABLE")
    assert code(await sell(web, ann, number, minProceeds="100")) == (400, "VALIDATION_ERROR")
    assert cash(web, ann) == START - 40 * CREDIT
    assert (await sell(web, ann, number, minProceeds="35")).status_code == 200
    assert cash(web, ann) == START - 5 * CREDIT


async def test_what_nobody_buys_stays(web: Web) -> None:
    ann = await web.register()
    number = (await placed(web, ann))["id"]
    web.engine.run(CancelAll(MAKER, None))
    for _ in range(2):
        assert code(await sell(web, ann, number)) == (422, "NO_LIQUIDITY")
        assert code(await get(web, ann, f"/{number}/sell/quote")) == (422, "NO_LIQUIDITY")
    offer(web, YES, 5_000, 4_000)
    assert (await sell(web, ann, number)).json()["data"]["reason"] == "NO_LIQUIDITY"
    assert (await shown(web, ann, number))["openShares"] == "60.00"


async def test_an_order_sells_the_oldest_bet(web: Web) -> None:
    ann = await web.register()
    first, second = [(await placed(web, ann))["id"] for _ in range(2)]
    web.engine.run(PlaceOrder(ann.id, 1, SELL, YES, MARKET, None, 15_000, IOC))
    assert (await shown(web, ann, first))["status"] == "SOLD"
    assert (await shown(web, ann, second))["openShares"] == "50.00"


async def test_shares_that_an_order_locks_are_not_sold(web: Web) -> None:
    ann = await web.register()
    number = (await placed(web, ann))["id"]
    web.engine.run(PlaceOrder(ann.id, 1, SELL, YES, LIMIT, 9_000, 10_000, GTC))
    assert code(await sell(web, ann, number)) == (422, "INSUFFICIENT_SHARES")


async def test_the_other_side_closes_the_earlier_bet(web: Web) -> None:
    ann = await web.register()
    first = (await placed(web, ann))["id"]
    second = (await placed(web, ann, side="THAT", amount="65"))["id"]
    told = await shown(web, ann, first)
    assert (told["status"], told["proceeds"], told["profit"]) == ("SOLD", "35.000000", "-5.000000")
    assert told["exits"] == [
        {
            "kind": "NETTING",
            "shares": "100.00",
            "averagePrice": "0.3500",
            "proceeds": "35.000000",
            "fee": "0.000000",
            "closedBy": second,
            "at": told["endedAt"],
        }
    ]
    told = await shown(web, ann, second)
    assert (told["status"], told["profit"]) == ("SOLD", "0.000000")
    assert cash(web, ann) == START - 5 * CREDIT
