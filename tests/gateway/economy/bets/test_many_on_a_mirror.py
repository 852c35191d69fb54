"""Many bets at once on a mirror whose house can take some: just these are placed, none at a worse
price than was said, and none at a stale one.
"""

import asyncio
import io
from collections import Counter
from typing import Any, cast

from prometheus_client import CollectorRegistry

from exchange.model.system_accounts import HOUSE
from gateway.economy.mirrors.figures import MirrorMetrics
from gateway.economy.mirrors.house import House
from gateway.feeds.api.reading import Known
from gateway.feeds.live.followed import Followed
from gateway.feeds.model import VenueBook
from gateway.observability.logs import configure_logs
from persistence.clock import now_us
from tests.gateway.conftest import MakeWeb, Person
from tests.gateway.economy.bets.stories import bet, code
from tests.gateway.economy.mirrors.house_stage import FollowingFake
from tests.gateway.economy.mirrors.mirror_stories import Stage, set_stage, source
from tests.lengths import length

BETS = length(300, long=1_000)
PEOPLE = 8
TAKEN = BETS * 3 // 10
"""Bets of 10 credits, 25 shares at 0.40 each, that the source of the mirror bears."""


class QuotingHouse:
    """The house, looking at one source that a test moves, when it is told to."""

    def __init__(self, stage: Stage, followed: Followed) -> None:
        parts, self._followed = stage.web.parts, followed
        following = FollowingFake()
        following.known["fake", "M1"] = followed
        self.later_us = 0
        self.looks = House(
            stage.rows,
            cast("Any", following),
            stage.web.engine,
            stage.web.engine.view,
            parts.settings.mirrors,
            MirrorMetrics(CollectorRegistry()),
            configure_logs("error", io.StringIO()),
            lambda: now_us() + self.later_us,
        )

    async def hear(self, ask: int, shares: int) -> None:
        """Let its source say so, and the house see it."""
        book = VenueBook(
            platform="fake", external_id="M1", bids=((3_000, 10_000),), asks=((ask, shares * 100),)
        )
        self._followed.show(book, now_us())
        for _ in range(3):
            await self.looks._tick()


async def test_exactly_what_the_house_can_take_is_bet(make_web: MakeWeb) -> None:
    stage = await set_stage(
        make_web,
        source(1, best_bid=3_000, best_ask=3_900),
        RATE_LIMIT_USER_MAX_REQUESTS="1000000",
        RATE_LIMIT_MAX_REQUESTS="1000000",
        STARTING_CREDITS="100000",
    )
    stage.fund("100000")
    web, shares = stage.web, TAKEN * 25
    await stage.mirror(1, spread="0.01", size=str(shares), exposure="100000")
    row = await stage.web.parts.feeds.markets.find("fake", "M1")
    assert row is not None
    house = QuotingHouse(stage, Followed(Known(row, source(1), now_us()), 1, 0.0))
    await house.hear(3_900, shares)
    people: list[Person] = [await web.register() for _ in range(PEOPLE)]

    async def one(number: int) -> tuple[int, str]:
        who = people[number % PEOPLE]
        more = {"amount": "10", "maxPrice": "0.45", "clientBetId": f"bet-{number}"}
        answer = await bet(web, who, marketId="fake:M1", **more)
        while answer.status_code in {503, 504}:
            # So many at once may wait too long for a connection; asked again it is the same bet.
            answer = await bet(web, who, marketId="fake:M1", **more)
        if answer.status_code == 201:
            data = answer.json()["data"]
            assert (data["averagePrice"], data["cost"]) == ("0.4000", "10.000000")
            return 201, ""
        return code(answer)

    answers = Counter(await asyncio.gather(*(one(number) for number in range(BETS))))
    print(f"{BETS} bets at once on a mirror whose house can take {TAKEN}:", dict(answers))
    assert answers == {(201, ""): TAKEN, (422, "NO_LIQUIDITY"): BETS - TAKEN}
    ours = stage.ours(await stage.row())
    assert {one.price for one in web.engine.history.tape} == {4_000}
    assert ours.positions[HOUSE].no.quantity == shares * 100
    # Nor is there more of it, however often the house looks, until the source moves.
    await house.hear(3_900, shares)
    assert await one(BETS) == (422, "NO_LIQUIDITY")
    await house.hear(4_300, shares)
    at_once = {"amount": "10", "maxPrice": "0.45"}
    moved = await bet(web, people[0], marketId="fake:M1", **at_once)
    assert moved.json()["data"]["averagePrice"] == "0.4400"
    # What it knows of the source is too old: nothing of it stands any more.
    house.later_us = web.parts.settings.mirrors.stale * 1_000_000
    await house.looks._tick()
    stale = await bet(web, people[0], marketId="fake:M1", **at_once)
    assert code(stale) == (422, "NO_LIQUIDITY")
    web.engine.check()
