"""Payouts in slices over a real database: everybody once, restarts between slices included."""

import time
from itertools import pairwise
from typing import Any

import pytest

from exchange.messages.bounds import MONEY_SCALE, PAYOUT_PAUSE, PAYOUT_SLICE
from exchange.messages.commands import OpenAccount, PayHolders, ResolveMarket
from exchange.messages.events import Event, HoldersPaid, PositionSettled
from exchange.messages.terms import NO, MarketStatus, Resolution
from exchange.proof import invariants
from exchange.rules import settlement
from persistence.journal.codes import MARKET_STATUS
from persistence.postgres.database import connect
from tests.conftest import SetBound
from tests.lengths import length
from tests.persistence.proof.test_verification import CHECKS, results
from tests.persistence.running import (
    ANN,
    BOB,
    CASH,
    Running,
    hashes,
    limit,
    listing,
    open_for_trade,
    running,
    until,
)

HOLDERS = 7
SLICE = 2


async def with_holders(engine: Running, holders: int) -> None:
    """Let so many accounts buy a share of NO each from ann, who has all the YES."""
    await open_for_trade(engine)
    await engine.send(listing("snow"))
    others = range(BOB, BOB + holders - 1)
    await engine.send_all(*(OpenAccount(account, 10 * MONEY_SCALE) for account in others))
    await engine.send(limit(ANN, 60, holders - 1))
    await engine.send_all(*(limit(account, 40, 1, NO) for account in others))
    assert len(engine.live.markets[1].holders()) == holders


def paid(engine: Running) -> list[int]:
    """Whom this engine was heard to pay, in their order."""
    events: list[Event] = [event for done in engine.heard.executions for event in done.events]
    return [event.account_id for event in events if isinstance(event, PositionSettled)]


def slices(engine: Running) -> int:
    """How many slices this engine has worked off."""
    return sum(isinstance(done.command, PayHolders) for done in engine.heard.executions)


@pytest.mark.parametrize("killed", [False, True])
async def test_a_stop_between_slices_goes_on_after_the_restart(
    database_url: str, set_bound: SetBound, *, killed: bool
) -> None:
    set_bound(settlement, "PAYOUT_HOLDERS", SLICE)
    heard: list[int] = []
    at = 0
    async with running(database_url) as engine:
        await with_holders(engine, HOLDERS)
        at = engine.clock.fixed = engine.live.now
        answer = await engine.send(ResolveMarket(1, Resolution.NO, None, "gauge", in_slices=True))
        assert engine.view.markets[1].status is MarketStatus.RESOLVING
        await until(lambda: len(paid(engine)) == SLICE)
        # Others trade while the rest wait.
        assert (await engine.send(limit(BOB, 50, 1, market=2))).seq > answer.seq
        heard += paid(engine)
        before = hashes(engine)
        if killed:
            engine.crash()
    for number in range(1, HOLDERS // SLICE + 1):
        async with running(database_url) as engine:
            engine.clock.fixed = at
            assert hashes(engine) == before
            assert engine.live.markets[1].next_payout == at + number * PAYOUT_PAUSE
            invariants.check(engine.live)
            engine.clock.fixed = at + number * PAYOUT_PAUSE
            await until(lambda: len(paid(engine)) > 0)
            heard += paid(engine)
            before = hashes(engine)
            if killed:
                engine.crash()
    assert heard == list(range(1, HOLDERS + 1))
    assert [(check.name, check.passed) for check in await results(database_url)] == [
        (name, True) for name in CHECKS
    ]
    connection = await connect(database_url)
    ended = await connection.fetchrow(
        "SELECT status, collateral, next_payout FROM markets WHERE id = 1"
    )
    assert ended is not None
    assert tuple(ended) == (MARKET_STATUS[MarketStatus.RESOLVED], 0, 0)
    assert await connection.fetchval("SELECT count(*) FROM settlements") == HOLDERS
    assert await connection.fetchval("SELECT available FROM accounts WHERE id = 1") == (
        CASH - (HOLDERS - 1) * 60 * MONEY_SCALE // 100
    )
    await connection.close()


async def test_more_holders_than_a_slice_are_paid_by_commands_of_its_size(
    database_url: str,
) -> None:
    holders = length(1_200, long=20_000)
    async with running(database_url) as engine:
        await with_holders(engine, holders)
        await engine.send(ResolveMarket(1, Resolution.VOID, None, "", in_slices=True))
        await until(lambda: engine.view.markets[1].status is MarketStatus.VOID)
        slices = [e for e in engine.heard.executions if isinstance(e.command, PayHolders)]
        sizes = [len(e.events) - 1 for e in slices]
        assert sum(sizes) == holders
        assert sizes[:-1] == [PAYOUT_SLICE] * (len(sizes) - 1)
        pauses = [one.at - other.at for other, one in pairwise(slices)]
        assert min(pauses) >= PAYOUT_PAUSE
        assert sum(isinstance(e.events[-1], HoldersPaid) for e in slices) == len(slices) - 1
        assert paid(engine) == list(range(1, holders + 1))
        before = hashes(engine)
    async with running(database_url) as engine:
        assert hashes(engine) == before
    assert all(check.passed for check in await results(database_url))


async def test_commands_at_hand_go_before_slices_however_long_those_take(
    database_url: str, set_bound: SetBound, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On a machine where a slice takes longer than its pause the queue is served all the same."""
    set_bound(settlement, "PAYOUT_HOLDERS", 1)
    pay = settlement._pay

    def slowly(*arguments: Any) -> None:
        time.sleep(0.1)
        pay(*arguments)

    async with running(database_url) as engine:
        await with_holders(engine, HOLDERS)
        monkeypatch.setattr(settlement, "_pay", slowly)
        await engine.send(ResolveMarket(1, Resolution.NO, None, "", in_slices=True))
        met = []
        while engine.view.markets[1].status is MarketStatus.RESOLVING:
            before = slices(engine)
            await engine.send(limit(BOB, 50, 1, market=2))
            met.append(slices(engine) - before)
        assert paid(engine) == list(range(1, HOLDERS + 1))
        # Each slice keeps one of them waiting, none two, and between two slices there is one.
        print(f"{len(met)} commands, {sum(met)} met a slice")
        assert max(met) <= 1
        assert len(met) >= HOLDERS
    assert all(check.passed for check in await results(database_url))
