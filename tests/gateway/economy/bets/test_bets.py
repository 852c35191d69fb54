"""Betting and selling bets over REST, around the real rules and a real database."""

import asyncio

import pytest

from exchange.messages.bounds import MONEY_SCALE
from exchange.messages.commands import PlaceOrder, ResolveMarket, SetMarketStatus
from exchange.messages.terms import (
    BUY,
    GTC,
    LIMIT,
    NO,
    YES,
    MarketStatus,
    Resolution,
)
from persistence.repositories.economy.bets import Bets
from tests.gateway.conftest import Web
from tests.gateway.economy.bets.stories import (
    MAKER,
    START,
    bet,
    cash,
    code,
    get,
    list_market,
    placed,
    project,
    sell,
    shown,
)
from tests.gateway.economy.stories import lose_commits, moved, pending, sweep

CREDIT = MONEY_SCALE


async def test_a_bet_and_what_is_told_of_it(web: Web) -> None:
    ann = await web.register()
    data = await placed(web, ann, clientBetId="b-1", maxPrice="0.455")
    assert data.pop("balance") == {
        "available": "960.000000",
        "locked": "0.000000",
        "total": "960.000000",
    }
    assert data == {
        "id": "1",
        "clientBetId": "b-1",
        "marketId": "1",
        "slug": "rain",
        "question": "Will it rain?",
        "side": "THIS",
        "outcome": "YES",
        "amount": "40.000000",
        "maxPrice": "0.4550",
        "status": "OPEN",
        "shares": "100.00",
        "openShares": "100.00",
        "averagePrice": "0.4000",
        "cost": "40.000000",
        "fee": "0.000000",
        "potentialPayout": "100.000000",
        "proceeds": "0.000000",
        "profit": None,
        "reason": None,
        "reference": f"bet:{ann.id}:1",
        "createdAt": data["createdAt"],
        "placedAt": data["placedAt"],
        "endedAt": None,
    }
    told = await shown(web, ann, "1")
    assert told == data | {"exits": []}
    (order,) = [one for one in web.engine.submitted if isinstance(one, PlaceOrder)]
    assert order.conditions is not None
    # Never more than was said: the market's prices are whole cents.
    assert order.conditions.worst_price == 4_500
    again = await placed(web, ann, clientBetId="b-1", maxPrice="0.4550")
    assert (again["id"], again["replayed"]) == ("1", True)
    again = await placed(web, ann, clientBetId="b-1", maxPrice="0.455", side="YES", marketId="rain")
    assert (again["id"], again["side"]) == ("1", "THIS")
    assert cash(web, ann) == START - 40 * CREDIT
    assert code(await bet(web, ann, clientBetId="b-1", amount="41")) == (409, "CONFLICT")
    lines = [line for line in await audit(web) if line[0] == "economy.bet"]
    assert lines == [("economy.bet", f"user:{ann.id} 0.000000 bet:{ann.id}:1", "ok")]


async def audit(web: Web) -> list[tuple[str, str, str]]:
    rows = await web.parts.pool.fetch("SELECT action, target, outcome FROM audit_log ORDER BY id")
    return [tuple(row.values()) for row in rows]


@pytest.mark.parametrize(
    ("side", "outcome", "price"),
    [("THIS", YES, "0.4000"), ("YES", YES, "0.4000"), ("THAT", NO, "0.6500"), ("NO", NO, "0.6500")],
)
async def test_sides(web: Web, side: str, outcome: object, price: str) -> None:
    ann = await web.register()
    data = await placed(web, ann, side=side, marketId="rain")
    assert (data["outcome"], data["averagePrice"]) == (outcome.value, price)  # type: ignore[attr-defined]


async def test_only_what_somebody_offers_is_bet(web: Web) -> None:
    ann = await web.register()
    list_market(web, "snow", shares=10)
    data = await placed(web, ann, marketId="snow", amount="100")
    assert (data["cost"], data["shares"], data["reason"]) == ("4.000000", "10.00", "NO_LIQUIDITY")
    assert code(await bet(web, ann, marketId="snow")) == (422, "NO_LIQUIDITY")
    assert code(await bet(web, ann, maxPrice="0.39")) == (422, "WORST_PRICE")
    assert cash(web, ann) == START - 4 * CREDIT
    listed = (await get(web, ann, "/me")).json()["data"]
    assert [(one["status"], one["reason"]) for one in listed] == [
        ("REFUSED", "WORST_PRICE"),
        ("REFUSED", "NO_LIQUIDITY"),
        ("OPEN", "NO_LIQUIDITY"),
    ]


async def test_what_is_refused_is_refused_again(web: Web) -> None:
    ann = await web.register()
    for number in range(2):
        answer = await bet(web, ann, amount="1001", clientBetId="b")
        assert code(answer) == (422, "INSUFFICIENT_BALANCE")
        assert answer.json()["error"].get("replayed", False) is bool(number)
    for number in range(2):
        answer = await bet(web, ann, maxPrice="0.1", clientBetId="c")
        assert code(answer) == (422, "WORST_PRICE")
        assert answer.json()["error"].get("replayed", False) is bool(number)
    assert [status for _, status in await moved(web)] == ["REFUSED", "DONE"]
    listed = (await get(web, ann, "/me?status=REFUSED")).json()["data"]
    assert [one["reason"] for one in listed] == ["WORST_PRICE", "INSUFFICIENT_BALANCE"]


async def test_fifty_at_once_under_one_id_are_one(web: Web) -> None:
    ann = await web.register()
    answers = await asyncio.gather(*(bet(web, ann, clientBetId="b") for _ in range(50)))
    assert {answer.status_code for answer in answers} == {201}
    assert len(await moved(web)) == 1
    assert cash(web, ann) == START - 40 * CREDIT


@pytest.mark.parametrize(
    ("outcome", "yes", "no"),
    [
        (Resolution.YES, ("WON", "60.000000"), ("LOST", "-65.000000")),
        (Resolution.NO, ("LOST", "-40.000000"), ("WON", "35.000000")),
        (Resolution.VOID, ("VOID", "10.000000"), ("VOID", "-15.000000")),
    ],
)
async def test_how_bets_end(
    web: Web, outcome: Resolution, yes: tuple[str, str], no: tuple[str, str]
) -> None:
    ann, ben = await web.register(), await web.register()
    first = (await placed(web, ann))["id"]
    second = (await placed(web, ben, side="NO", amount="65"))["id"]
    web.engine.run(ResolveMarket(1, outcome, None, "seen"))
    for person, number, expected in ((ann, first, yes), (ben, second, no)):
        told = await shown(web, person, number)
        assert (told["status"], told["profit"]) == expected
        assert told["endedAt"]
        assert code(await sell(web, person, number)) == (422, "BET_ENDED")
    assert code(await bet(web, ann)) == (422, "MARKET_NOT_OPEN")


async def test_lists(web: Web) -> None:
    ann = await web.register()
    list_market(web, "snow")
    for market in ("rain", "snow", "rain"):
        await placed(web, ann, marketId=market)
    await sell(web, ann, "1")
    await project(web)

    async def listed(query: str) -> list[str]:
        answer = await get(web, ann, f"/me{query}")
        assert answer.status_code == 200, answer.text
        return [one["id"] for one in answer.json()["data"]]

    assert await listed("") == ["3", "2", "1"]
    assert await listed("?status=OPEN") == ["3", "2"]
    assert await listed("?status=SOLD,WON") == ["1"]
    for there in ("market=rain", "marketId=1", "slug=rain"):
        assert await listed(f"?{there}") == ["3", "1"]
    assert await listed("?limit=2") == ["3", "2"]
    assert await listed("?limit=2&cursor=2") == ["1"]
    ben = await web.register()
    assert (await get(web, ben, "/me")).json()["data"] == []


async def test_anothers_bet_is_none(web: Web) -> None:
    ann, ben = await web.register(), await web.register()
    number = (await placed(web, ann))["id"]
    for path in (f"/{number}", f"/{number}/sell/quote", "/999", "/999/sell/quote", "/0"):
        assert code(await get(web, ben, path)) == (404, "NOT_FOUND")
    for number_ in (number, "999", "abc"):
        assert code(await sell(web, ben, number_)) == (404, "NOT_FOUND")


async def test_a_halted_market_takes_no_bets(web: Web) -> None:
    ann = await web.register()
    number = (await placed(web, ann))["id"]
    web.engine.run(SetMarketStatus(1, MarketStatus.HALTED))
    assert code(await bet(web, ann)) == (422, "MARKET_NOT_OPEN")
    assert code(await sell(web, ann, number)) == (422, "MARKET_NOT_OPEN")
    assert code(await get(web, ann, "/quote?marketId=rain&side=YES&amount=10")) == (
        *(422, "MARKET_NOT_OPEN"),
    )
    # What was refused locks nothing: the bet may be sold once the market opens again.
    web.engine.run(SetMarketStatus(1, MarketStatus.OPEN))
    assert (await sell(web, ann, number, shares="50")).status_code == 200
    web.engine.run(SetMarketStatus(1, MarketStatus.CLOSED))
    assert code(await bet(web, ann)) == (422, "MARKET_NOT_OPEN")
    assert code(await sell(web, ann, number)) == (422, "MARKET_NOT_OPEN")
    assert code(await get(web, ann, f"/{number}/sell/quote")) == (422, "MARKET_NOT_OPEN")


async def test_fees_are_of_the_amount(web: Web) -> None:
    ann = await web.register()
    list_market(web, "hail", fee=200)
    data = await placed(web, ann, marketId="hail", amount="40.8", maxPrice="0.4")
    told = data["cost"], data["fee"], data["shares"], data["reason"]
    assert told == ("40.000000", "0.800000", "100.00", None)
    quote = (await get(web, ann, f"/{data['id']}/sell/quote")).json()["data"]
    assert (quote["proceeds"], quote["fee"]) == ("34.300000", "0.700000")
    assert quote["minProceedsMax"] == "34.300000"
    assert (await sell(web, ann, data["id"], minProceeds="34.3")).status_code == 200
    assert (await shown(web, ann, data["id"]))["profit"] == "-6.500000"
    assert cash(web, ann) == START - 6_500_000


async def test_quotes_change_nothing(web: Web) -> None:
    ann = await web.register()
    web.engine.run(PlaceOrder(MAKER, 1, BUY, NO, LIMIT, 6_200, 5_000, GTC))
    before = web.engine.state_hash()
    answer = await get(web, ann, "/quote?marketId=1&side=THIS&amount=40&maxPrice=0.405")
    assert answer.json()["data"] == {
        "marketId": "1",
        "slug": "rain",
        "outcome": "YES",
        "amount": "40.000000",
        "shares": "102.50",
        "averagePrice": "0.3902",
        "worstPrice": "0.4000",
        "cost": "40.000000",
        "fee": "0.000000",
        "payout": "102.500000",
        "profit": "62.500000",
        "reason": None,
    }
    assert web.engine.state_hash() == before
    assert await moved(web) == []
    data = await placed(web, ann)
    assert (data["shares"], data["averagePrice"]) == ("102.50", "0.3902")


async def test_a_quote_is_refused_as_the_bet_would_be(web: Web) -> None:
    ann = await web.register()
    for query, expected in (
        ("marketId=rain&side=YES&amount=1001", (422, "INSUFFICIENT_BALANCE")),
        ("marketId=rain&side=YES&amount=10&maxPrice=0.1", (422, "WORST_PRICE")),
        ("marketId=nowhere&side=YES&amount=10", (404, "MARKET_NOT_FOUND")),
        ("marketId=kalshi:A&side=YES&amount=10", (404, "NOT_FOUND")),
    ):
        assert code(await get(web, ann, f"/quote?{query}")) == expected


async def test_another_platforms_market_that_nobody_knows(web: Web) -> None:
    ann = await web.register()
    assert code(await bet(web, ann, marketId="kalshi:A")) == (404, "NOT_FOUND")
    assert code(await bet(web, ann, marketId="nowhere")) == (404, "MARKET_NOT_FOUND")


async def test_an_engine_that_is_away_means_no_bet(web: Web) -> None:
    ann = await web.register()
    web.engine.is_open = False
    assert code(await bet(web, ann, clientBetId="b")) == (503, "UNAVAILABLE")
    assert await moved(web) == []
    web.engine.is_open = True
    assert (await placed(web, ann, clientBetId="b")).get("replayed") is None


async def test_an_answer_that_is_lost_is_told_later(web: Web) -> None:
    ann = await web.register()
    web.engine.loses_answers = True
    assert code(await bet(web, ann, clientBetId="b")) == (504, "UNKNOWN_OUTCOME")
    listed = (await get(web, ann, "/me?status=PENDING")).json()["data"]
    assert [one["shares"] for one in listed] == ["0.00"]
    assert await pending(web) == 1
    web.engine.loses_answers = False
    assert await sweep(web) == 1
    data = await placed(web, ann, clientBetId="b")
    assert (data["replayed"], data["shares"]) == (True, "100.00")
    web.engine.loses_answers = True
    assert code(await sell(web, ann, data["id"])) == (504, "UNKNOWN_OUTCOME")
    # What is being sold is sold by nobody else.
    web.engine.loses_answers = False
    assert code(await sell(web, ann, data["id"])) == (422, "BET_ENDED")
    assert await sweep(web) == 1
    assert (await shown(web, ann, data["id"]))["status"] == "SOLD"
    assert cash(web, ann) == START - 5 * CREDIT


async def test_nobody_is_told_that_nothing_happened_where_it_may_have(
    web: Web, monkeypatch: pytest.MonkeyPatch
) -> None:
    ann = await web.register()
    with monkeypatch.context() as patch:
        lose_commits(patch, Bets, "add")
        assert code(await bet(web, ann, clientBetId="b")) == (504, "UNKNOWN_OUTCOME")
    assert await sweep(web) == 1
    assert (await placed(web, ann, clientBetId="b"))["replayed"] is True
    assert cash(web, ann) == START - 40 * CREDIT
