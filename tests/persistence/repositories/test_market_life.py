"""Markets' lives from the table and the journal, against what the engine said as it happened."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from exchange.messages.admin.commands import EditMarket
from exchange.messages.commands import (
    CreditAccount,
    PayHolders,
    PlaceOrder,
    ResolveMarket,
    SetMarketStatus,
)
from exchange.messages.events import MarketStatusChanged
from exchange.messages.execution import Execution
from exchange.messages.limit_commands import SetMarketLimits
from exchange.messages.limits import MarketLimits, VolatilityHalt
from exchange.messages.terms import BUY, GTC, LIMIT, NO, MarketStatus, Resolution
from exchange.model.state import State
from exchange.projections.lifecycle import life_changes
from exchange.transitions import transitions
from persistence.journal import marked
from persistence.postgres.database import Connection, connect
from persistence.projection.lifecycle import LifecycleProjection
from persistence.projection.process import projections
from persistence.projection.projector import Projector
from persistence.repositories.market_life import LifeMoment, MarketLives
from tests.persistence.running import (
    ANN,
    BOB,
    HOUR,
    Running,
    cancel,
    limit,
    listing,
    open_for_trade,
    running,
    until,
)

S = 1_000_000


@asynccontextmanager
async def connected(url: str) -> AsyncIterator[Connection]:
    """A session of its own, as the projector has."""
    connection = await connect(url)
    try:
        yield connection
    finally:
        await connection.close()


async def live_on(engine: Running) -> None:
    """Three markets: one that halts, comes back and is resolved, one that closes, one drafted."""
    start = engine.live.now + HOUR // 2
    engine.clock.fixed = start
    await open_for_trade(engine)
    await engine.send_all(listing("snow", close_in=HOUR), listing("hail", draft=True))
    await engine.send(EditMarket(3, question="Will it hail?", min_quantity=5))
    halt = VolatilityHalt(move=500, window=60, halted=30, post_only=10)
    await engine.send(SetMarketLimits(1, MarketLimits(order_quantity=50_000, volatility_halt=halt)))
    await engine.send_all(limit(ANN, 50, 1), limit(BOB, 50, 1, NO), limit(ANN, 60, 1))
    await engine.send(PlaceOrder(BOB, 1, BUY, NO, LIMIT, 4_000, 100, GTC))
    for second in (31, 42):
        engine.clock.fixed = start + second * S
        await engine.send(cancel(ANN, 0))
    await engine.send(SetMarketStatus(3, MarketStatus.OPEN))
    engine.clock.fixed = engine.live.markets[2].close_time
    await engine.send(CreditAccount(ANN, 5, "gift", None))
    await engine.send(SetMarketLimits(2, None))
    await engine.send(ResolveMarket(1, Resolution.SPLIT, 2_500, "https://example.org/rain"))
    await engine.send(ResolveMarket(2, Resolution.VOID, None, ""))


def happened(engine: Running, market_id: int) -> list[LifeMoment]:
    """Return what the engine said, with the seqs that the view had."""
    return [
        LifeMoment(done.seq, number, done.at, None, change)
        for done in engine.heard.executions
        for number, change in enumerate(life_changes(done))
        if change.market_id == market_id
    ]


async def whole(lives: MarketLives, market_id: int, last: int, limit: int) -> list[LifeMoment]:
    found: list[LifeMoment] = []
    place = None
    while True:
        part, further = await lives.part(market_id, place, last, limit)
        assert len(part) <= limit
        found += part
        if further is None:
            return found
        assert place is None or further > place
        place = further


def seqs_of(engine: Running, moments: list[LifeMoment]) -> list[int]:
    """Return a market's seqs right after what happened to it, run through again with the state."""
    wanted = {one.seq: one.change.market_id for one in moments}
    state, found = State(), {}
    for done in engine.heard.executions:
        transitions.begin(state, done.seq, done.at)
        for event in done.events:
            transitions.apply(state, event)
        if done.seq in wanted:
            found[done.seq] = state.markets[wanted[done.seq]].seq
    return [found[one.seq] for one in moments]


def without_seqs(moments: list[LifeMoment]) -> list[tuple[object, ...]]:
    return [(one.seq, one.number, one.at, one.change) for one in moments]


@pytest.mark.parametrize("bounded", [False, True])
async def test_a_life_is_whole_wherever_the_projector_stands(
    database_url: str, monkeypatch: pytest.MonkeyPatch, bounded: bool
) -> None:
    if bounded:
        monkeypatch.setattr(marked, "ROWS_LOOKED_THROUGH", 3)
        monkeypatch.setattr(marked, "ROWS_READ", 1)
    monkeypatch.setattr("persistence.projection.projector.COMMANDS_AT_ONCE", 3)
    async with connected(database_url) as connection, running(database_url) as engine:
        await live_on(engine)
        last = engine.view.seq
        await until(lambda: engine.view.seq == engine.live.seq)
        lives = MarketLives(engine.pool)
        projector = Projector(connection, projections())
        assert await projector.lead()
        stands = [0]
        while True:
            for market_id in (1, 2, 3):
                said = happened(engine, market_id)
                for limit_ in (1, 2, 100):
                    found = await whole(lives, market_id, last, limit_)
                    assert without_seqs(found) == without_seqs(said), (stands, market_id)
                    stored = [one for one in found if one.seq <= projector.last_seq]
                    assert [one.market_seq for one in stored] == seqs_of(engine, stored)
                    assert all(one.market_seq is None for one in found[len(stored) :])
            if not await projector.step():
                break
            stands.append(projector.last_seq)
        assert len(stands) > 4
        assert projector.last_seq == last
        ends = {n: (await whole(lives, n, last, 9))[-1].market_seq for n in (1, 2)}
        assert ends == {n: engine.view.markets[n].seq for n in (1, 2)}


async def test_what_is_told_of_a_life(database_url: str) -> None:
    async with running(database_url) as engine:
        await live_on(engine)
        lives = MarketLives(engine.pool)
        told = [
            (one.change.kind, one.change.by, one.change.reason, one.change.status)
            for one in await whole(lives, 1, engine.view.seq, 50)
        ]
        status = MarketStatus
        assert told == [
            ("CREATED", "ADMIN", None, status.OPEN),
            ("LIMITS", "ADMIN", None, None),
            ("STATUS", "ENGINE", "VOLATILITY", status.HALTED),
            ("STATUS", "ENGINE", "HALT_OVER", status.POST_ONLY),
            ("STATUS", "ENGINE", "POST_ONLY_OVER", status.OPEN),
            ("STATUS", "ENGINE", "CLOSING_TIME", status.CLOSED),
            ("RESOLVED", "ADMIN", None, status.RESOLVED),
        ]
        snow = await whole(lives, 2, engine.view.seq, 50)
        assert [one.change.kind for one in snow] == ["CREATED", "STATUS", "LIMITS", "RESOLVED"]
        assert (snow[-1].change.status, snow[-1].change.yes_payout) == (status.VOID, 5_000)
        assert snow[2].change.limits is None
        # What the read is asked for ends where it is told to.
        assert await whole(lives, 2, snow[1].seq, 50) == snow[:2]


async def test_a_projector_that_fails_stores_each_change_once(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("persistence.projection.projector.COMMANDS_AT_ONCE", 3)
    async with connected(database_url) as connection, running(database_url) as engine:
        await live_on(engine)
        last = engine.view.seq
        projector = Projector(connection, projections())
        assert await projector.lead()
        stored = LifecycleProjection.store
        fails = True

        async def store(projection: LifecycleProjection, on: Connection) -> None:
            nonlocal fails
            fails = not fails
            await stored(projection, on)
            if fails:
                raise ConnectionError("lost")

        monkeypatch.setattr(LifecycleProjection, "store", store)
        failures = 0
        while projector.last_seq < last:
            try:
                await projector.step()
            except ConnectionError:
                failures += 1
        found = await whole(MarketLives(engine.pool), 1, last, 50)
        assert without_seqs(found) == without_seqs(happened(engine, 1))
        assert failures > 1
        assert [one.market_seq for one in found] == seqs_of(engine, found)


def test_a_resolution_in_slices_ends_with_its_last_payout() -> None:
    """The engine's last payout is what makes a RESOLVING market RESOLVED."""
    done = Execution(9, 77, PayHolders(1), [MarketStatusChanged(1, MarketStatus.RESOLVED)])
    (change,) = life_changes(done)
    assert (change.by, change.reason, change.status) == (
        "ENGINE",
        "HOLDERS_PAID",
        MarketStatus.RESOLVED,
    )
