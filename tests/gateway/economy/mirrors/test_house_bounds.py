"""Whatever sources and traders do, also between the house's look and its orders: what it has at
stake stays within its bounds, no quote of it is worse than the rule, none stands on a stale price.
"""

import asyncio
from random import Random

from hypothesis import given, settings
from hypothesis import strategies as st

from exchange.messages.commands import Command
from exchange.messages.terms import NO, SELL, YES
from exchange.model.market import Market
from tests.gateway.economy.mirrors.house_stage import (
    ANN,
    BOB,
    CREDIT,
    HOUSE,
    MUCH,
    HouseStage,
    taking,
)

SECOND = 1_000_000
STEPS = 60


class Elsewhere:
    """One source's random walk, and what the house knows of it."""

    def __init__(self, ours: Market, number: int) -> None:
        self.ours = ours
        self.number = number
        self.bid: int | None = None
        self.ask: int | None = None
        self.stands = MUCH
        self.silent_since: int | None = 0


def trade(stage: HouseStage, ours: Market, rng: Random) -> Command:
    who, outcome = rng.choice((ANN, BOB)), rng.choice((YES, NO))
    quantity = rng.choice((1, 7, 100, 900, 5_000))
    position = ours.positions.get(who)
    if position is not None and rng.random() < 0.4:
        free = position.holding(outcome).free
        if free:
            return taking(ours, who, outcome, 100, min(free, quantity), SELL)
    return taking(ours, who, outcome, rng.choice((3_000, 6_000, 9_900)), quantity)


async def play(seed: int, all_of_them: int, cash: int) -> int:
    """Play some minutes; return how much was traded."""
    rng = Random(seed)
    stage = HouseStage(cash=cash, exposure_of_all=all_of_them * CREDIT)
    sources = []
    for number in (1, 2, 3):
        spread, size = rng.choice((1, 50, 100, 700)), rng.choice((100, 2_000, 50_000))
        bound = rng.choice((1, 10, 200)) * CREDIT
        tick = rng.choice((1, 10, 100))
        ours = stage.add(number, spread=spread, size=size, exposure=bound, tick=tick)
        sources.append(Elsewhere(ours, number))

    def look() -> None:
        assert stage.stake <= all_of_them * CREDIT, seed
        for one in sources:
            assert stage.stake_in(one.ours) <= stage.rows.mirrors[one.number].exposure, seed

    stage.engine.checks.append(look)
    for _ in range(STEPS):
        for one in sources:
            move(stage, one, rng)
        market = rng.choice(sources).ours
        commands = [trade(stage, market, rng) for _ in range(rng.randrange(6))]
        if rng.random() < 0.5:
            stage.engine.before_batch = commands
        else:
            for command in commands:
                stage.engine.run(command)
        await stage.tick()
        # What came in between is known now, and all that was to go is gone.
        stage.engine.before_batch = []
        await stage.settle()
        for one in sources:
            check(stage, one, seed)
    stage.engine.checks.clear()
    account = stage.engine.view.accounts[HOUSE]
    assert account.available >= 0
    return sum(one.ours.volume for one in sources)


def move(stage: HouseStage, one: Elsewhere, rng: Random) -> None:
    what = rng.random()
    stage.engine.now += rng.choice((0, 100_000, 3 * SECOND))
    if what < 0.5:
        middle = rng.randrange(200, 9_800)
        gap = rng.randrange(1, 400)
        one.bid = None if rng.random() < 0.1 else max(1, middle - gap)
        one.ask = None if rng.random() < 0.1 else min(9_999, middle + gap)
        one.stands = rng.choice((30, 2_000, MUCH))
        stage.say(
            one.number,
            [] if one.bid is None else [(one.bid, one.stands)],
            [] if one.ask is None else [(one.ask, one.stands)],
        )
        one.silent_since = None
    elif what < 0.65 and one.silent_since is None:
        stage.silence(one.number)
        one.silent_since = stage.engine.now


def check(stage: HouseStage, one: Elsewhere, seed: int) -> None:
    bids, asks = stage.quotes(one.ours)
    spread = stage.rows.mirrors[one.number].spread
    if one.silent_since is not None:
        limit = stage.settings.stale * SECOND
        if stage.engine.now - one.silent_since >= limit:
            assert (bids, asks) == ([], []), seed
    assert sum(quantity for _, quantity in bids) <= one.stands, seed
    assert sum(quantity for _, quantity in asks) <= one.stands, seed
    for price, _ in bids:
        assert one.bid is not None, seed
        assert price <= one.bid - spread, seed
    for price, _ in asks:
        assert one.ask is not None, seed
        assert price >= one.ask + spread, seed


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 2**32), st.sampled_from([5, 60, 1_000]), st.sampled_from([0, 20, 100_000]))
def test_whatever_happens(seed: int, all_of_them: int, cash: int) -> None:
    if cash:
        asyncio.run(play(seed, all_of_them, cash))


def test_it_does_trade() -> None:
    assert sum(asyncio.run(play(seed, 1_000, 100_000)) for seed in range(3)) > 10_000
