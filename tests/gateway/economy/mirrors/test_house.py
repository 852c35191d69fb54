"""The house quotes around its sources, pulls in doubt, and takes what it can: no more."""

import asyncio
from typing import Any

import msgspec
import pytest

from exchange.messages.commands import (
    CancelAll,
    PlaceOrder,
    SetDeadMan,
    SetExchangeMode,
    SetMarketStatus,
)
from exchange.messages.events import CommandRejected
from exchange.messages.terms import GTC, LIMIT, ExchangeMode, MarketStatus, OrderStatus
from exchange.model.accounts import Account
from gateway.economy.mirrors import house
from gateway.economy.mirrors.figures import at_stake
from gateway.feeds.model import ListedStatus
from persistence.repositories.economy.mirrors import Said
from tests.gateway.economy.mirrors.house_stage import (
    ANN,
    BOB,
    BUY,
    CREDIT,
    HOUSE,
    NO,
    SELL,
    YES,
    HouseStage,
    taking,
)

SECOND = 1_000_000


async def test_it_quotes_around_its_source_and_follows_it() -> None:
    stage = HouseStage()
    ours = stage.add(1, spread=100, size=5_000, exposure=1_000 * CREDIT)
    await stage.tick()
    assert stage.quotes(ours) == ([], [])
    stage.best(1, 4_000, 4_200)
    await stage.tick()
    assert stage.quotes(ours) == ([(3_900, 5_000)], [(4_300, 5_000)])
    sent = len(stage.engine.submitted)
    await stage.tick()
    assert len(stage.engine.submitted) == sent
    stage.best(1, 4_100, 4_200)
    await stage.tick()
    assert stage.quotes(ours) == ([(4_000, 5_000)], [(4_300, 5_000)])
    stage.best(1, None, 4_200)
    await stage.tick()
    assert stage.quotes(ours) == ([], [(4_300, 5_000)])


async def test_it_quotes_no_more_than_stands_at_its_source() -> None:
    """Else who bids a share or two there, in earnest, could sell the house hundreds here."""
    stage = HouseStage()
    ours = stage.add(1, spread=100, size=5_000, exposure=1_000 * CREDIT)
    stage.say(1, bids=[(4_000, 9_000)], asks=[(4_200, 9_000)])
    await stage.tick()
    assert stage.quotes(ours) == ([(3_900, 5_000)], [(4_300, 5_000)])
    # What stands within the house's spread of the best counts, what stands further off doesn't.
    stage.say(1, bids=[(6_000, 100), (4_000, 9_000)], asks=[(6_200, 100), (6_300, 2_600)])
    await stage.tick()
    assert stage.quotes(ours) == ([(5_900, 78)], [(6_300, 2_500)])
    # A book that breathes a little has nothing quoted anew.
    sent = len(stage.engine.submitted)
    stage.say(1, bids=[(6_000, 90), (4_000, 9_000)], asks=[(6_200, 100), (6_300, 2_800)])
    await stage.tick()
    assert len(stage.engine.submitted) == sent
    stage.say(1, bids=[(6_000, 9_000)], asks=[(6_200, 9_000)])
    await stage.tick()
    assert stage.quotes(ours) == ([(5_900, 5_000)], [(6_300, 2_500)])


async def test_until_its_source_moves_it_trades_no_more_than_stands_there() -> None:
    """Else a few shares there, which nobody takes, are bought here again and again."""
    stage = HouseStage()
    ours = stage.add(1, spread=100, size=5_000, exposure=1_000 * CREDIT)
    stage.say(1, bids=[(4_000, 400)], asks=[(4_200, 300)])
    bought = []
    for _ in range(5):
        await stage.tick()
        stage.engine.run(taking(ours, ANN, YES, 4_300, 5_000))
        bought.append(ours.positions[ANN].yes.quantity)
    assert bought == [156, 300, 300, 300, 300]
    await stage.tick()
    assert stage.quotes(ours)[1] == []
    # Somebody else goes or comes at the same price: the house's part of it is gone all the same.
    stage.say(1, bids=[(4_000, 400)], asks=[(4_200, 310)])
    await stage.tick()
    assert stage.quotes(ours)[1] == [(4_300, 10)]
    # What it buys back it may sell again.
    stage.engine.run(taking(ours, ANN, YES, 3_900, 100, SELL))
    await stage.tick()
    assert stage.quotes(ours)[1] == [(4_300, 110)]
    stage.say(1, bids=[(4_000, 400)], asks=[(4_300, 300)])
    await stage.tick()
    assert stage.quotes(ours)[1] == [(4_400, 156)]
    # The other way as well: of 400 bid for there, and the 200 that it sold more than it bought.
    for _ in range(9):
        stage.engine.run(taking(ours, BOB, NO, 6_100, 5_000))
        await stage.tick()
    assert ours.positions[BOB].no.quantity == 600
    assert stage.quotes(ours)[0] == []


async def test_what_is_filled_is_made_full_again_up_to_its_bound() -> None:
    stage = HouseStage()
    # It buys NO at 0.50: 100 credits are 200 shares, of which half is for the other side.
    ours = stage.add(1, spread=100, size=6_000, exposure=100 * CREDIT)
    stage.best(1, None, 4_900)
    await stage.tick()
    assert stage.quotes(ours) == ([], [(5_000, 6_000)])
    taken = 0
    for _ in range(20):
        before = stage.engine.view.markets[ours.id].volume
        stage.engine.run(taking(ours, ANN, YES, 5_000, 4_000))
        taken += stage.engine.view.markets[ours.id].volume - before
        await stage.tick()
    assert taken == 20_000
    assert stage.stake_in(ours) == 100 * CREDIT
    assert stage.quotes(ours) == ([], [])
    # What it holds it sells, which gives room again.
    stage.best(1, 4_800, 4_900)
    await stage.tick()
    bids, _ = stage.quotes(ours)
    assert bids == [(4_700, 6_000)]


async def test_a_thousand_at_once_take_what_it_can_take() -> None:
    stage = HouseStage()
    ours = stage.add(1, spread=100, size=100_000, exposure=150 * CREDIT)
    stage.best(1, None, 4_900)
    await stage.tick()
    assert stage.quotes(ours) == ([], [(5_000, 30_000)])
    answers = [
        stage.engine.run(taking(ours, (ANN, BOB)[number % 2], YES, 5_000, 100))
        for number in range(1_000)
    ]
    assert len(answers) == 1_000
    filled = sum(ours.positions[who].yes.quantity for who in (ANN, BOB))
    assert filled == 30_000
    await stage.settle()
    assert stage.stake_in(ours) == 150 * CREDIT
    assert stage.quotes(ours)[1] == []


@pytest.mark.parametrize(
    "doubt",
    ["silent", "source closed", "near its end", "crossed", "paused", "disputed", "said", "halted",
     "post-only exchange"],
)  # fmt: skip
async def test_in_doubt_nothing_stands(doubt: str) -> None:
    stage = HouseStage()
    ours = stage.add(1, spread=100, size=5_000, exposure=1_000 * CREDIT)
    stage.best(1, 4_000, 4_200)
    await stage.tick()
    followed = stage.following.known["fake", "M1"]
    known: dict[str, Any] = {}
    match doubt:
        case "silent":
            stage.silence(1)
            for _ in range(stage.settings.stale - 8):
                stage.engine.now += SECOND
                await stage.tick()
                assert stage.quotes(ours) != ([], [])
            stage.engine.now += SECOND
        case "source closed":
            known["status"] = ListedStatus.CLOSED
        case "near its end":
            known["close_time"] = stage.engine.now + stage.settings.stops_before * SECOND
        case "crossed":
            stage.best(1, 4_500, 4_200)
        case "paused":
            stage.rows.change(1, quotes=False)
        case "disputed":
            stage.rows.change(1, disputed="it says two things")
        case "said":
            said = Said(outcome="YES", payout=None, at=1, source_at=None, confirmed_at=1)
            stage.rows.change(1, said=said)
        case "halted":
            stage.engine.run(SetMarketStatus(ours.id, MarketStatus.HALTED))
        case _:
            stage.engine.run(SetExchangeMode(ExchangeMode.POST_ONLY))
    if known:
        followed.market = msgspec.structs.replace(followed.market, **known)
    await stage.tick()
    assert stage.quotes(ours) == ([], [])


async def test_a_line_that_says_nothing_of_any_market_is_silent() -> None:
    """One that is cut is found out later than a price is stale."""
    stage = HouseStage()
    ours = stage.add(1, spread=100, size=5_000, exposure=1_000 * CREDIT)
    stage.add(2, spread=100, size=5_000, exposure=1_000 * CREDIT)
    stage.best(1, 4_000, 4_200)
    for _ in range(60):
        stage.engine.now += SECOND
        # Another market of the venue moves, so the line lives.
        stage.best(2, 4_000, 4_200)
        await stage.tick()
        assert stage.quotes(ours) != ([], [])
    stood = 0
    while stage.quotes(ours) != ([], []):
        stood += 1
        stage.engine.now += SECOND
        await stage.tick()
    assert stood == stage.settings.stale - 7


async def test_a_fill_that_it_does_not_know_of_refuses_the_batch() -> None:
    """Between the look and the engine the whole bid is bought: nothing is put on top of that."""
    stage = HouseStage()
    ours = stage.add(1, spread=100, size=5_000, exposure=20 * CREDIT)
    most: list[int] = []
    stage.engine.checks.append(lambda: most.append(stage.stake_in(ours)))
    stage.best(1, 4_100, None)
    await stage.tick()
    assert stage.quotes(ours) == ([(4_000, 5_000)], [])
    stage.best(1, 4_200, None)
    # NO at 0.60 takes the bid at 0.40.
    stage.engine.before_batch = [taking(ours, ANN, NO, 6_000, 2_000)]
    await stage.tick()
    assert max(most) == 20 * CREDIT
    refused = [a for a in stage.engine.history.executions if type(a.events[0]) is CommandRejected]
    assert len(refused) == 1
    await stage.settle()
    bids, _ = stage.quotes(ours)
    assert bids == [(4_100, (20 * CREDIT - 2_000 * 4_000) // 4_100)]
    assert max(most) == 20 * CREDIT


async def test_it_sells_to_whoever_bids_more() -> None:
    """Its price is a limit: what stands at a better one is taken at that."""
    stage = HouseStage()
    ours = stage.add(1, spread=100, size=5_000, exposure=1_000 * CREDIT)
    stage.engine.run(PlaceOrder(ANN, ours.id, BUY, YES, LIMIT, 6_000, 1_000, GTC))
    stage.best(1, 4_000, 4_200)
    await stage.settle()
    assert stage.engine.view.markets[ours.id].last_price == 6_000
    assert stage.quotes(ours)[1] == [(4_300, 5_000)] or stage.quotes(ours)[1][0][0] == 4_300


async def test_its_cash_bounds_it_too() -> None:
    stage = HouseStage(cash=10)
    ours = stage.add(1, spread=100, size=500_000, exposure=1_000_000 * CREDIT)
    stage.best(1, 5_100, 4_900 + 200)
    await stage.settle()
    stage.best(1, 4_900, 5_100)
    await stage.settle()
    assert stage.engine.view.accounts[HOUSE].available >= 0
    assert stage.stake_in(ours) <= 10 * CREDIT
    assert stage.quotes(ours)[0]
    assert stage.quotes(ours)[1]


async def test_all_mirrors_share_one_bound() -> None:
    stage = HouseStage(exposure_of_all=30 * CREDIT)
    markets = [stage.add(n, spread=100, size=5_000, exposure=20 * CREDIT) for n in (1, 2, 3)]
    for number in (1, 2, 3):
        stage.best(number, 4_100, None)
    await stage.settle()
    assert [stage.stake_in(one) // CREDIT for one in markets] == [20, 10, 0]
    assert stage.stake == 30 * CREDIT


async def test_what_stood_before_it_began_goes_first() -> None:
    stage = HouseStage()
    ours = stage.add(1, spread=100, size=5_000, exposure=1_000 * CREDIT)
    stage.engine.run(PlaceOrder(HOUSE, ours.id, BUY, YES, LIMIT, 9_000, 1_000, GTC))
    task = asyncio.create_task(stage.house.run(lambda: None))
    async with asyncio.timeout(30):
        while not any(isinstance(one, CancelAll) for one in stage.engine.submitted):  # noqa: ASYNC110
            await asyncio.sleep(0.01)
    assert stage.quotes(ours) == ([], [])
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    assert stage.engine.submitted[-1] == CancelAll(HOUSE, None)


async def test_quotes_of_a_house_that_is_gone_end() -> None:
    stage = HouseStage()
    ours = stage.add(1, spread=100, size=5_000, exposure=1_000 * CREDIT)
    stage.best(1, 4_000, 4_200)
    await stage.tick()
    assert SetDeadMan(HOUSE, 6_000) in stage.engine.submitted
    stage.engine.now += 7 * SECOND
    done = stage.engine.run(taking(ours, ANN, YES, 9_000, 100))
    assert stage.quotes(ours) == ([], [])
    order = stage.engine.history.placed[max(stage.engine.history.placed)]
    assert (order.status, order.filled) == (OrderStatus.CANCELLED, 0), done


async def test_moves_between_looks_are_followed_at_once() -> None:
    stage = HouseStage()
    ours = stage.add(1, spread=100, size=5_000, exposure=1_000 * CREDIT)
    stage.best(1, 4_000, 4_200)
    task = asyncio.create_task(stage.house.run(lambda: None))
    try:
        async with asyncio.timeout(30):
            while not stage.quotes(ours)[0]:  # noqa: ASYNC110
                await asyncio.sleep(0.01)
        stage.best(1, 4_500, 4_700)
        for hear in stage.following.hearers:
            hear(stage.following.known["fake", "M1"], None)
        async with asyncio.timeout(0.9):
            while stage.quotes(ours)[0] != [(4_400, 5_000)]:  # noqa: ASYNC110
                await asyncio.sleep(0.01)
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def test_a_look_counts_what_is_at_stake_once_however_many_mirrors_there_are(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    stage = HouseStage()
    for number in range(1, 6):
        stage.add(number, spread=100, size=5_000, exposure=1_000 * CREDIT)
        stage.best(number, 4_000, 4_200)
    counted: list[int] = []

    def count(account: Account) -> int:
        counted.append(account.id)
        return at_stake(account)

    monkeypatch.setattr(house, "at_stake", count)
    await stage.tick()
    assert counted == [HOUSE]
    assert stage.stake > 0
