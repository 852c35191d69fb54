"""Volatility halts over a real database: nothing comes between a command and the halt it caused,
and a halt goes on after a restart.
"""

import pytest

from exchange import engine as core
from exchange.messages.bounds import PAYOUT_PAUSE
from exchange.messages.commands import ResolveMarket, SetMarketStatus
from exchange.messages.limit_commands import BeginPostOnly, HaltMarket, SetMarketLimits
from exchange.messages.limits import MarketLimits, VolatilityHalt
from exchange.messages.terms import NO, ExchangeMode, MarketStatus, Resolution
from exchange.proof import invariants
from exchange.rules import settlement
from persistence.loop import sequencer
from tests.conftest import SetBound
from tests.persistence.loop.test_triggers import all_is_well, open_with_shares, stop, triggered
from tests.persistence.running import (
    BOB,
    CEM,
    Running,
    commits_held,
    hashes,
    limit,
    listing,
    running,
    until,
)

SECOND = 1_000_000
LIMITS = MarketLimits(volatility_halt=VolatilityHalt(move=400, window=60, halted=30, post_only=10))


async def fall(engine: Running, price: int) -> None:
    """Let one share trade at so many cents."""
    await engine.send_all(limit(CEM, price, 1), limit(BOB, 100 - price, 1, NO))


def status(engine: Running) -> MarketStatus:
    return engine.view.markets[1].status


async def test_a_halt_comes_right_after_its_command_and_before_whatever_waits(
    database_url: str,
) -> None:
    async with running(database_url) as engine:
        await open_with_shares(engine)
        await engine.send_all(SetMarketLimits(1, LIMITS), stop(1, 46), limit(CEM, 40, 9))
        await fall(engine, 50)
        async with commits_held(database_url):
            futures = [engine.sequencer.submit(limit(BOB, 10, 1, NO))]
            await until(lambda: engine.sequencer._in_flight is not None)
            commands = (limit(CEM, 45, 1), limit(BOB, 55, 1, NO), *[limit(BOB, 9, 1)] * 3)
            futures += [engine.sequencer.submit(command) for command in commands]
        for future in futures:
            await future
        kinds = [type(execution.command).__name__ for execution in engine.heard.executions]
        assert kinds[-5:] == ["PlaceOrder", "HaltMarket", *["PlaceOrder"] * 3]
        assert triggered(engine) == []
        assert not engine.live.due
    await all_is_well(database_url)


async def test_a_payout_that_is_left_over_waits_for_a_halt(
    database_url: str, set_bound: SetBound, monkeypatch: pytest.MonkeyPatch
) -> None:
    set_bound(settlement, "PAYOUT_HOLDERS", 1)
    async with running(database_url) as engine:
        await open_with_shares(engine)
        await engine.send_all(listing("snow"), SetMarketLimits(1, LIMITS))
        await engine.send_all(limit(CEM, 50, 1, market=2), limit(BOB, 50, 1, NO, market=2))
        await fall(engine, 50)
        at = engine.clock.fixed = engine.live.now
        await engine.send(ResolveMarket(2, Resolution.YES, None, "gauge", in_slices=True))
        await until(lambda: engine.live.markets[2].next_payout == at + PAYOUT_PAUSE)
        await engine.send(limit(CEM, 45, 1))
        # A turn of the event loop has time for one slice of commands and no more.
        monkeypatch.setattr(sequencer, "TURN_S", 0.0)
        falls = engine.sequencer.submit(limit(BOB, 55, 1, NO))
        engine.clock.fixed = at + PAYOUT_PAUSE
        await falls
        await until(lambda: engine.view.markets[2].status is MarketStatus.RESOLVED)
        await until(lambda: status(engine) is MarketStatus.HALTED)
        commands = [execution.command for execution in engine.heard.executions]
        assert isinstance(commands[commands.index(limit(BOB, 55, 1, NO)) + 1], HaltMarket)
    await all_is_well(database_url)


@pytest.mark.parametrize("killed", [False, True])
async def test_each_step_of_a_halt_survives_a_restart(database_url: str, *, killed: bool) -> None:
    async with running(database_url) as engine:
        await open_with_shares(engine)
        await engine.send(SetMarketLimits(1, LIMITS))
        at = engine.clock.fixed = engine.live.now
        await fall(engine, 50)
        await fall(engine, 45)
        await until(lambda: status(engine) is MarketStatus.HALTED)
        before = hashes(engine)
        if killed:
            engine.crash()
    steps = ((30, MarketStatus.POST_ONLY), (40, MarketStatus.OPEN))
    for seconds, follows in steps:
        async with running(database_url) as engine:
            engine.clock.fixed = at + seconds * SECOND - 1
            assert hashes(engine) == before
            assert engine.live.markets[1].resumes_at == at + seconds * SECOND
            invariants.check(engine.live)
            engine.clock.fixed = at + seconds * SECOND
            # Without any command from outside.
            await until(lambda follows=follows: status(engine) is follows)  # type: ignore[misc]
            before = hashes(engine)
            if killed:
                engine.crash()
    async with running(database_url) as engine:
        assert hashes(engine) == before
        assert engine.live.markets[1].resumes_at is None
        assert engine.live.markets[1].extremes == ()
    await all_is_well(database_url)


async def test_a_crash_between_a_command_and_its_halt_loses_nothing(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with running(database_url) as engine:
        await open_with_shares(engine)
        await engine.send_all(SetMarketLimits(1, LIMITS), stop(1, 45), limit(CEM, 40, 9))
        await fall(engine, 50)
        with monkeypatch.context() as patch:
            patch.setattr(core.Engine, "run_halts", lambda *_: [])
            patch.setattr(core.Engine, "run_triggers", lambda *_: [])
            await engine.sequencer.submit(limit(CEM, 45, 1))
            await engine.sequencer.submit(limit(BOB, 55, 1, NO))
            engine.crash()
    async with running(database_url) as engine:
        await until(lambda: status(engine) is MarketStatus.HALTED)
        # First of all: what was due before the crash isn't triggered by a price of before the halt.
        assert isinstance(engine.heard.executions[0].command, HaltMarket)
        assert triggered(engine) == []
        assert not engine.live.due
        await engine.send(SetMarketStatus(1, MarketStatus.OPEN))
        await until(lambda: len(triggered(engine)) == 1)
        before = hashes(engine)
        engine.crash()
    async with running(database_url) as engine:
        assert hashes(engine) == before
    await all_is_well(database_url)


async def test_the_window_is_stored_and_goes_on(database_url: str) -> None:
    async with running(database_url) as engine:
        await open_with_shares(engine)
        await engine.send(SetMarketLimits(1, LIMITS))
        await fall(engine, 50)
        await fall(engine, 47)
        window = engine.live.markets[1].extremes
        assert [(low, high) for _, low, high in window][-1][0] == 4_700
        before = hashes(engine)
        engine.crash()
    async with running(database_url) as engine:
        assert hashes(engine) == before
        assert engine.live.markets[1].extremes == window
        # Together with what was traded before the restart it moved too far.
        await engine.send_all(limit(BOB, 45, 1, NO), limit(CEM, 55, 1))
        await until(lambda: status(engine) is MarketStatus.HALTED)
        assert engine.view.markets[1].extremes == ()
    await all_is_well(database_url)


async def test_the_period_after_a_restart_survives_another_one(database_url: str) -> None:
    async with running(database_url) as engine:
        await open_with_shares(engine)
        at = engine.clock.fixed = engine.live.now
        await engine.send(BeginPostOnly(30))
        before = hashes(engine)
        engine.crash()
    async with running(database_url) as engine:
        engine.clock.fixed = at
        assert hashes(engine) == before
        state = engine.live
        assert (state.mode, state.mode_since, state.post_only_until) == (
            *(ExchangeMode.POST_ONLY, at, at + 30 * SECOND),
        )
        assert (engine.view.mode_since, engine.view.post_only_until) == (*(at, at + 30 * SECOND),)
        invariants.check(state)
        engine.clock.fixed = at + 30 * SECOND
        await until(lambda: engine.view.mode is ExchangeMode.OPEN)
        assert engine.view.post_only_until is None
        before = hashes(engine)
        engine.crash()
    async with running(database_url) as engine:
        assert hashes(engine) == before
        assert engine.live.mode_since == at + 30 * SECOND
    await all_is_well(database_url)
