"""Dead-man switches and leases over a real database: carried out once, through restarts too."""

import msgspec
import pytest

from exchange.messages.bounds import LEASE_US
from exchange.messages.commands import (
    AmendOrder,
    EndSession,
    PlaceOrder,
    RenewLease,
    SetDeadMan,
    SetExchangeMode,
)
from exchange.messages.conditions import OrderConditions
from exchange.messages.events import CommandReplayed, OrderCancelled
from exchange.messages.terms import CancelReason, ExchangeMode, OrderStatus
from exchange.proof import invariants
from persistence.errors import SchemaError
from persistence.postgres import migrate
from persistence.repositories.history import History
from tests.persistence.proof.test_verification import CHECKS, results
from tests.persistence.running import (
    ANN,
    BOB,
    CASH,
    CEM,
    Running,
    cancel,
    hashes,
    limit,
    open_for_trade,
    running,
    until,
)

GATEWAY = 2**48 - 1
SECOND = 1_000_000


def tied(account: int, session: int, price: int = 50, id_: str | None = None) -> PlaceOrder:
    """An order of one share that ends with its session."""
    terms = OrderConditions(session=(GATEWAY, session))
    return msgspec.structs.replace(limit(account, price, 1, id=id_), conditions=terms)


def ended(engine: Running) -> list[tuple[int, CancelReason]]:
    """Which orders were heard to end, and why, in their order."""
    events = [event for done in engine.heard.executions for event in done.events]
    return [(e.order_id, e.reason) for e in events if isinstance(e, OrderCancelled)]


async def proved(url: str) -> None:
    checks = [(check.name, check.passed) for check in await results(url)]
    assert checks == [(name, True) for name in CHECKS]


@pytest.mark.parametrize("killed", [False, True])
async def test_deadlines_outlive_a_restart(database_url: str, *, killed: bool) -> None:
    async with running(database_url) as engine:
        await open_for_trade(engine)
        at = engine.clock.fixed = engine.live.now
        await engine.send_all(
            limit(ANN, 50, 1), SetDeadMan(ANN, 5_000), limit(BOB, 50, 1), SetDeadMan(BOB, 60_000)
        )
        await engine.send_all(SetDeadMan(BOB, 0), SetDeadMan(CEM, 60_000))
        await engine.send_all(tied(BOB, 1), tied(CEM, 2), tied(CEM, 1), cancel(BOB, 2))
        await engine.send(RenewLease(GATEWAY))
        await engine.send(SetExchangeMode(ExchangeMode.HALTED))
        before = hashes(engine)
        if killed:
            engine.crash()
    async with running(database_url) as engine:
        engine.clock.fixed = at
        assert hashes(engine) == before
        assert [engine.live.accounts[who].dead_man for who in (ANN, BOB, CEM)] == [
            at + 5 * SECOND,
            None,
            at + 60 * SECOND,
        ]
        assert engine.live.leases == {GATEWAY: at + LEASE_US}
        invariants.check(engine.live)
        engine.clock.fixed = at + 5 * SECOND
        await until(lambda: len(ended(engine)) == 1)
        engine.clock.fixed = at + LEASE_US
        await until(lambda: not engine.view.orders)
        assert ended(engine) == [
            (1, CancelReason.DEAD_MAN),
            *((number, CancelReason.DISCONNECTED) for number in (3, 5, 4)),
        ]
        assert engine.view.accounts[ANN].available == CASH
        order = await History(engine.pool).order(5)
        assert order is not None
        assert (order.status, order.cancel_reason) == (
            OrderStatus.CANCELLED,
            CancelReason.DISCONNECTED,
        )
        assert order.conditions == OrderConditions(session=(GATEWAY, 1))
        assert (engine.live.leases, engine.live.tied) == ({}, {})
        before = hashes(engine)
    async with running(database_url) as engine:
        assert hashes(engine) == before
    await proved(database_url)


async def test_what_is_set_and_ended_within_a_batch_is_stored_as_it_stands(
    database_url: str,
) -> None:
    async with running(database_url) as engine:
        await open_for_trade(engine)
        engine.clock.fixed = engine.live.now
        await engine.send_all(
            *(SetDeadMan(ANN, timeout) for timeout in (1_000, 0, 2_000)),
            tied(ANN, 1),
            EndSession(ANN, GATEWAY, 1),
            tied(ANN, 2),
            AmendOrder(ANN, 2, price=5_100),
        )
        assert engine.live.accounts[ANN].dead_man == engine.live.now + 2 * SECOND
        before = hashes(engine)
        engine.crash()
    async with running(database_url) as engine:
        assert hashes(engine) == before
        assert engine.live.tied == {GATEWAY: {(2, ANN): {2: engine.live.orders[2]}}}
    await proved(database_url)


async def test_an_old_id_gets_its_first_answer_over_another_session(database_url: str) -> None:
    async with running(database_url) as engine:
        await open_for_trade(engine)
        engine.clock.fixed = engine.live.now
        first = await engine.send(tied(ANN, 1, id_="quote-1"))
    async with running(database_url) as engine:
        engine.clock.fixed = engine.live.now
        await engine.send(EndSession(ANN, GATEWAY, 1))
        engine.live.recent_ids.__init__()  # type: ignore[misc]
        again = await engine.send(tied(ANN, 9, id_="quote-1"))
        assert (again.replayed, again.events) == (True, list(first.events))
        assert isinstance(engine.heard.executions[-1].events[0], CommandReplayed)


async def test_nobody_who_counts_on_a_deadline_is_left_by_going_back(database_url: str) -> None:
    async with running(database_url) as engine:
        await open_for_trade(engine)
        engine.clock.fixed = at = engine.live.now
        await engine.send(SetDeadMan(ANN, 60_000))
    with pytest.raises(SchemaError, match="orders wait for a deadline"):
        await migrate.downgrade(database_url, "0013")
    async with running(database_url) as engine:
        engine.clock.fixed = at
        await engine.send_all(SetDeadMan(ANN, 0), limit(ANN, 50, 1))
        before = hashes(engine)
    await migrate.downgrade(database_url, "0012")
    await migrate.upgrade(database_url)
    async with running(database_url) as engine:
        assert hashes(engine) == before
    await proved(database_url)
