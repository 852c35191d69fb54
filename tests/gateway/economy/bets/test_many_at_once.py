"""Many bets at once on a house that can take some: just these are placed, none at a worse price."""

import asyncio
from collections import Counter

from exchange.messages.bounds import MONEY_SCALE
from exchange.messages.commands import OpenAccount
from exchange.messages.terms import NO
from exchange.model.system_accounts import HOUSE
from tests.gateway.conftest import MakeWeb, Person
from tests.gateway.economy.bets.stories import bet, list_market, offer, project
from tests.lengths import length

BETS = length(300, long=1_000)
PEOPLE = 8
TAKEN = BETS * 3 // 10
"""Bets of 10 credits that the house can take at 0.40, and as many again at 0.50."""


async def test_exactly_what_the_house_can_take_is_bet(make_web: MakeWeb) -> None:
    web = await make_web(
        RATE_LIMIT_USER_MAX_REQUESTS="1000000",
        RATE_LIMIT_MAX_REQUESTS="1000000",
        STARTING_CREDITS="100000",
    )
    list_market(web, shares=0)
    web.engine.run(OpenAccount(HOUSE, 10**6 * MONEY_SCALE))
    offer(web, NO, 6_000, TAKEN * 2_500, account_id=HOUSE)
    offer(web, NO, 5_000, TAKEN * 2_000, account_id=HOUSE)
    people: list[Person] = [await web.register() for _ in range(PEOPLE)]

    async def one(number: int) -> tuple[int, str]:
        answer = await bet(
            web,
            people[number % PEOPLE],
            amount="10",
            maxPrice="0.45",
            clientBetId=f"bet-{number}",
        )
        data = answer.json()
        if answer.status_code == 201:
            assert data["data"]["averagePrice"] == "0.4000"
            assert data["data"]["cost"] == "10.000000"
            return 201, ""
        return answer.status_code, data["error"]["code"]

    answers = Counter(await asyncio.gather(*(one(number) for number in range(BETS))))
    assert answers == {(201, ""): TAKEN, (422, "WORST_PRICE"): BETS - TAKEN}
    await project(web)
    row = await web.parts.pool.fetchrow(
        "SELECT count(*), sum(cost)::bigint, sum(shares)::bigint FROM bet_states"
    )
    assert row is not None
    assert tuple(row.values()) == (TAKEN, TAKEN * 10 * MONEY_SCALE, TAKEN * 2_500)
    prices = {one.price for one in web.engine.history.tape}
    assert prices == {4_000}
    web.engine.check()
