"""Debits, transfers and suspensions over a real database: stored whole, and once."""

import pytest

from exchange.messages.account_events import CashTransferred
from exchange.messages.commands import (
    CloseAccount,
    CreditAccount,
    DebitAccount,
    Leg,
    OpenAccount,
    SuspendAccount,
    TransferCash,
)
from exchange.messages.events import (
    CommandRejected,
)
from exchange.messages.reasons import Reason
from exchange.messages.terms import MoneyKind, Standing
from exchange.model.idempotency import SYSTEM_ID
from persistence.errors import SchemaError
from persistence.postgres import migrate
from persistence.postgres.database import connect
from persistence.repositories.history import History
from tests.persistence.proof.test_verification import CHECKS, results
from tests.persistence.running import (
    ANN,
    BOB,
    CASH,
    CEM,
    hashes,
    limit,
    open_for_trade,
    running,
)

DAN = 4
BET = TransferCash(ANN, (Leg(ANN, BOB, 7), Leg(BOB, CEM, 3)), "won", "bet.1", kind=MoneyKind.BET)


async def test_what_moved_is_in_the_ledger_with_its_reason(database_url: str) -> None:
    async with running(database_url) as engine:
        await open_for_trade(engine)
        await engine.send_all(
            DebitAccount(ANN, 5, "mistake", "d-1"), BET, CreditAccount(CEM, 1, "gift")
        )
        entries = await History(engine.pool).ledger(BOB, None, 10)
        assert [(e.kind, e.available, e.reason) for e in entries[:2]] == [
            (9, -3, "won"),
            (9, 7, "won"),
        ]
        (debited, *_) = (await History(engine.pool).ledger(ANN, None, 10))[1:]
        assert (debited.kind, debited.available, debited.reason) == (8, -5, "mistake")
        cash = [engine.view.accounts[who].available for who in (ANN, BOB, CEM)]
        assert cash == [CASH - 12, CASH + 4, CASH + 4]
        before = hashes(engine)
        engine.crash()
    async with running(database_url) as engine:
        assert hashes(engine) == before
        connection = await connect(database_url)
        kinds = await connection.fetch("SELECT account_id, kind FROM credits WHERE reason = 'won'")
        assert [tuple(row) for row in kinds] == [(ANN, 5), (BOB, 5), (CEM, 5)]
        assert await connection.fetchval("SELECT kind FROM idempotency WHERE client_id = 'bet.1'")
        await connection.close()
    assert [(check.name, check.passed) for check in await results(database_url)] == [
        (name, True) for name in CHECKS
    ]


async def test_an_id_that_only_the_store_remembers_takes_effect_once(database_url: str) -> None:
    async with running(database_url) as engine:
        await open_for_trade(engine)
        first = await engine.send(BET)
        assert isinstance(first.events[0], CashTransferred)
    async with running(database_url) as engine:
        engine.live.recent_ids.__init__()  # type: ignore[misc]
        again = await engine.send(BET)
        assert (again.replayed, again.events) == (True, list(first.events))
        other = await engine.send(TransferCash(ANN, BET.legs, "lost", "bet.1", kind=MoneyKind.BET))
        refusal = other.events[0]
        assert isinstance(refusal, CommandRejected)
        assert refusal.reason is Reason.CONFLICT
        assert engine.view.accounts[ANN].available == CASH - 7
    assert SYSTEM_ID not in (0, 1)


async def test_standings_outlive_a_restart(database_url: str) -> None:
    async with running(database_url) as engine:
        await open_for_trade(engine)
        await engine.send_all(limit(ANN, 50, 1), OpenAccount(DAN, 0), CloseAccount(DAN))
        await engine.send_all(SuspendAccount(ANN, suspended=True))
        await engine.send_all(SuspendAccount(BOB, suspended=True))
        await engine.send_all(SuspendAccount(BOB, suspended=False))
        before = hashes(engine)
        engine.crash()
    async with running(database_url) as engine:
        assert hashes(engine) == before
        standings = [engine.live.accounts[who].standing for who in (ANN, BOB, CEM, DAN)]
        assert standings == [
            Standing.SUSPENDED,
            Standing.ACTIVE,
            Standing.ACTIVE,
            Standing.CLOSED,
        ]
        refusal = (await engine.send(limit(ANN, 50, 1))).events[0]
        assert isinstance(refusal, CommandRejected)
        assert refusal.reason is Reason.ACCOUNT_SUSPENDED
    assert all(check.passed for check in await results(database_url))
    with pytest.raises(SchemaError, match="accounts were suspended or charged"):
        await migrate.downgrade(database_url, "0014")
