"""`probity verify`: passes what the engine wrote, and finds every value that was changed since."""

import os
from collections.abc import Callable
from random import Random

import pytest

from exchange.engine import RULES_VERSION
from exchange.messages.commands import OpenAccount
from exchange.messages.errors import InvariantViolated
from exchange.messages.execution import Execution
from exchange.messages.terms import NO
from persistence.journal.reader import stream
from persistence.journal.rows import chain, encode_execution, join_payload
from persistence.journal.tables import read_head
from persistence.journal.tip import Tip
from persistence.postgres.database import connect
from persistence.proof import rerun
from persistence.proof.verification import CheckResult, verify
from tests.lengths import length
from tests.persistence.random_orders import commands, opening
from tests.persistence.running import (
    ANN,
    BOB,
    CASH,
    CEM,
    cancel,
    limit,
    open_for_trade,
    running,
)

CHECKS = [
    "journal",
    "events",
    "commands",
    "sums",
    "ledger",
    "trades",
    "orders",
    "ids",
    "settlements",
    "credits",
    "state",
    "laws",
    "intents",
    "bets",
    "stocks",
    "mirrors",
    "audit",
]


async def results(url: str, tip: Tip | None = None) -> list[CheckResult]:
    connection = await connect(url)
    try:
        return [result async for result in verify(connection, tip)]
    finally:
        await connection.close()


async def a_day(url: str) -> None:
    """Trades with fees, a cancelled order, an open one, ids."""
    async with running(url) as engine:
        await open_for_trade(engine, maker_fee=20, taker_fee=100)
        await engine.send_all(limit(ANN, 60, 10, id="a"), limit(BOB, 40, 4, NO, id="b"))
        await engine.send_all(limit(CEM, 40, 6, NO), limit(ANN, 30, 1), limit(ANN, 31, 1))
        await engine.send(cancel(ANN, 4))


async def test_an_empty_exchange_verifies(database_url: str) -> None:
    assert [(r.name, r.passed) for r in await results(database_url)] == [(n, True) for n in CHECKS]


async def test_any_past_verifies_while_the_engine_runs(database_url: str) -> None:
    seed = int(os.environ.get("SEED", Random().randrange(2**32)))
    print(f"SEED={seed}")
    async with running(database_url) as engine:
        await engine.send_all(*opening())
        for part in range(4):
            await engine.send_all(*commands(seed + part, length(250, long=6_000)))
        tip = Tip(engine.recovered.journal.last_seq, engine.recovered.journal.chain_hash)
        found = await results(database_url, tip)
    expected = [(name, True) for name in (*CHECKS[:-1], "tip", "audit")]
    assert [(r.name, r.passed) for r in found] == expected, found[-1]
    details = {r.name: r.detail for r in found}
    # The engine may have given itself commands meanwhile.
    assert int(details["commands"].split()[0]) >= tip.seq


@pytest.mark.parametrize(
    ("check", "tampering"),
    [
        (
            "journal",
            (
                "UPDATE journal SET payload = set_byte(payload, 20, get_byte(payload, 20) # 1)"
                " WHERE first_seq = 1"
            ),
        ),
        ("journal", "UPDATE journal SET at = at + 1 WHERE first_seq = 1"),
        ("journal", "UPDATE journal SET epoch = 7"),
        ("journal", "UPDATE journal SET rules_version = 0"),
        ("journal", "UPDATE journal SET hash = sha256(hash)"),
        ("journal", "DELETE FROM journal WHERE first_seq = 1"),
        ("journal", "DELETE FROM journal WHERE first_seq = (SELECT max(first_seq) FROM journal)"),
        ("journal", "UPDATE engine_state SET last_seq = last_seq + 1"),
        ("journal", "UPDATE engine_state SET chain_hash = sha256(chain_hash)"),
        ("sums", "UPDATE accounts SET available = available + 1 WHERE id = 1"),
        ("sums", "UPDATE accounts SET available = available + 1, locked = locked - 1 WHERE id = 1"),
        ("orders", "UPDATE orders SET status = 99 WHERE id = 4"),
        ("state", "UPDATE markets SET status = 99"),
        ("state", "UPDATE orders SET outcome = 99 WHERE status = 1"),
        ("sums", "UPDATE markets SET collateral = collateral + 1"),
        ("sums", "UPDATE engine_state SET fees = fees + 1"),
        ("sums", "UPDATE engine_state SET issued = issued + 1"),
        ("sums", "DELETE FROM accounts WHERE id = 3"),
        (
            "sums",
            (
                "UPDATE ledger SET available = available + 1 WHERE owner_id = 1 AND entry_no = 0"
                " AND command_seq = 2"
            ),
        ),
        ("sums", "DELETE FROM ledger WHERE command_seq = 7"),
        ("ledger", "UPDATE ledger SET available_after = available_after + 1"),
        ("ledger", "UPDATE ledger SET kind = 2 WHERE kind = 1"),
        ("ledger", "UPDATE ledger SET at = at + 1 WHERE command_seq = 5"),
        ("ledger", "UPDATE ledger SET order_id = order_id + 1 WHERE command_seq = 5"),
        (
            "ledger",
            (
                "INSERT INTO ledger SELECT owner_id, command_seq, 0, 0, 0, 0, 0, 0, 0, at, 99,"
                " owner, kind FROM ledger WHERE command_seq = 5"
            ),
        ),
        ("trades", "UPDATE trades SET quantity = quantity + 1 WHERE trade_no = 2"),
        ("trades", "UPDATE trades SET taker_fee = taker_fee + 1 WHERE trade_no = 2"),
        ("trades", "DELETE FROM trades WHERE trade_no = 2"),
        (
            "trades",
            (
                "INSERT INTO trades SELECT market_id, 3, command_seq, market_seq, quantity,"
                " taker_order_id, taker_account_id, taker_fee, maker_order_id, maker_account_id,"
                " maker_fee, at, price, yes_price, kind, side, outcome FROM trades"
                " WHERE trade_no = 2"
            ),
        ),
        ("orders", "UPDATE orders SET filled_cash = filled_cash + 1 WHERE id = 1"),
        ("orders", "UPDATE orders SET status = 4 WHERE id = 2"),
        ("state", "UPDATE open_orders SET bits = set_bit(bits, 2, 1)"),
        ("state", "UPDATE open_orders SET bits = set_bit(bits, 511, 1)"),
        ("state", "UPDATE open_orders SET bits = 0::bit(512)"),
        ("state", "INSERT INTO open_orders VALUES (7, 1::bit(512))"),
        ("state", "DELETE FROM open_orders"),
        ("orders", "DELETE FROM orders WHERE id = 4"),
        ("orders", "DELETE FROM orders WHERE id = 5"),
        ("ids", "UPDATE idempotency SET fingerprint = sha256(fingerprint) WHERE client_id = 'a'"),
        ("ids", "UPDATE idempotency SET order_id = 2 WHERE client_id = 'a'"),
        ("ids", "DELETE FROM idempotency WHERE client_id = 'b'"),
        ("credits", "UPDATE credits SET reason = 'a gift' WHERE account_id = 1"),
        ("credits", "DELETE FROM credits WHERE account_id = 2"),
        ("ids", "INSERT INTO idempotency VALUES (1, 99, 0, 0, 'forged', '')"),
        ("state", "UPDATE orders SET price = 3200 WHERE id = 5"),
        ("state", "UPDATE positions SET yes_free = yes_free + 100 WHERE account_id = 1"),
        ("state", "UPDATE positions SET realised = realised + 1 WHERE account_id = 2"),
        ("state", "DELETE FROM positions WHERE account_id = 2"),
        ("state", "UPDATE markets SET question = 'Will it snow?'"),
        ("state", "UPDATE markets SET taker_fee = 0"),
        ("state", "UPDATE accounts SET seq = seq + 1 WHERE id = 1"),
        ("state", "UPDATE engine_state SET now = now + 1"),
        ("state", "UPDATE engine_state SET mode = 4"),
    ],
)
async def test_what_was_changed_is_found(database_url: str, check: str, tampering: str) -> None:
    await a_day(database_url)
    connection = await connect(database_url)
    done = await connection.execute(tampering)
    await connection.close()
    assert not done.endswith(" 0"), "nothing was tampered with"
    found = await results(database_url)
    assert [r.name for r in found if not r.passed] == [check]
    assert [r.name for r in found] == CHECKS[: CHECKS.index(check) + 1]


async def forge(url: str, change: Callable[[list[Execution]], list[Execution] | bytes]) -> None:
    """Change every batch and chain the journal anew, as only somebody with all rights can."""
    connection = await connect(url)
    async with connection.transaction():
        rows = [row async for row in stream(connection)]
    hash_ = bytes(32)
    for row in rows:
        changed = change(row.executions())
        if not isinstance(changed, bytes):
            changed = join_payload([encode_execution(execution) for execution in changed])
        new = chain(hash_, row.first_seq, row.last_seq, row.epoch, row.at, RULES_VERSION, changed)
        await connection.execute(
            "UPDATE journal SET payload = $2, previous_hash = $3, hash = $4 WHERE first_seq = $1",
            row.first_seq,
            changed,
            hash_,
            new,
        )
        hash_ = new
    await connection.execute("UPDATE engine_state SET chain_hash = $1", hash_)
    await connection.close()


def _richer(executions: list[Execution]) -> list[Execution]:
    """Give whoever opens an account a credit more than the events say."""
    return [
        Execution(e.seq, e.at, OpenAccount(e.command.account_id, CASH + 1), e.events)
        if isinstance(e.command, OpenAccount)
        else e
        for e in executions
    ]


def _renumbered(executions: list[Execution]) -> list[Execution]:
    return [Execution(e.seq + 1, e.at, e.command, e.events) for e in executions]


def _timeless(executions: list[Execution]) -> list[Execution]:
    return [Execution(e.seq, -e.at, e.command, e.events) for e in executions]


def _without_accounts(executions: list[Execution]) -> list[Execution]:
    """Leave the events out that open accounts, so that what follows fits nothing."""
    return [
        Execution(e.seq, e.at, e.command, e.events[1:]) if isinstance(e.command, OpenAccount) else e
        for e in executions
    ]


@pytest.mark.parametrize(
    ("check", "change", "said"),
    [
        ("commands", _richer, "gives other events"),
        ("events", _renumbered, "holds other commands than it says"),
        ("events", _timeless, "runs back in time"),
        ("events", _without_accounts, "don't fit"),
        ("events", lambda _executions: b"\xc1", "can't be read"),
    ],
)
async def test_a_journal_forged_with_its_chain_is_found_by_running_it(
    database_url: str,
    check: str,
    change: Callable[[list[Execution]], list[Execution] | bytes],
    said: str,
) -> None:
    await a_day(database_url)
    await forge(database_url, change)
    found = await results(database_url)
    assert [r.name for r in found if not r.passed] == [check]
    assert said in found[-1].detail


async def test_commands_that_no_longer_run_are_found(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    await a_day(database_url)

    def fail(*_asked: object) -> None:
        raise InvariantViolated("a rule is broken")

    monkeypatch.setattr("persistence.proof.rerun.Engine.execute", fail)
    last = (await results(database_url))[-1]
    assert (last.name, last.passed) == ("commands", False)
    assert "fails when run again" in last.detail


async def test_rows_of_older_rules_are_applied_and_not_run_again(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    await a_day(database_url)
    monkeypatch.setattr(rerun, "RULES_VERSION", RULES_VERSION + 1)
    found = await results(database_url)
    assert all(result.passed for result in found)
    assert {r.name: r.detail for r in found}["commands"].startswith("0 ")


async def test_a_database_behind_the_tip_is_found(database_url: str) -> None:
    await a_day(database_url)
    connection = await connect(database_url)
    head = await read_head(connection)
    await connection.close()
    assert (await results(database_url, Tip(head.last_seq, head.chain_hash)))[-1].passed
    for tip in (Tip(head.last_seq + 1, bytes(32)), Tip(head.last_seq, bytes(32))):
        last = (await results(database_url, tip))[-1]
        assert (last.name, last.passed) == ("tip", False)
