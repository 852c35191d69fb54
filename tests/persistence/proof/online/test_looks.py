"""The checker finds nothing in what the engine wrote, and whatever was changed since."""

import asyncpg
import pytest

from persistence.clock import MICROSECONDS
from persistence.postgres.database import Connection, connect
from persistence.proof.online import commands
from persistence.proof.online import look as looks
from persistence.proof.online.balances import Balances
from persistence.proof.online.course import Mark, Piece
from persistence.proof.online.look import LOCK, LOOK, Order, courses, look
from persistence.repositories.audit import AuditLog
from persistence.repositories.checks.findings import (
    OPEN_MAX,
    Finding,
    Findings,
    Reached,
    read_courses,
    store_course,
    store_findings,
)
from tests.persistence.proof.online.days import a_day, executed, findings, one_look
from tests.persistence.proof.test_audit_chain import force
from tests.persistence.proof.test_verification import results
from tests.persistence.running import ANN, limit, running

OF_OPEN = "WHERE id = (SELECT max(id) FROM orders WHERE status < 3 AND side = 1)"
OF_JOURNAL = "first_seq = (SELECT max(first_seq) FROM journal WHERE first_seq <= 9)"


async def test_an_empty_exchange_has_nothing_to_be_found(database_url: str) -> None:
    looked = await one_look(database_url)
    assert (looked.seq, looked.found, looked.new) == (0, 0, 0)


async def test_a_day_has_nothing_to_be_found_and_each_course_comes_to_its_end(
    database_url: str,
) -> None:
    await a_day(database_url)
    looked = await one_look(database_url)
    assert (looked.found, await findings(database_url)) == (0, [])
    connection = await connect(database_url)
    stand = {one.name: one for one in await read_courses(connection)}
    head = await connection.fetchrow("SELECT last_seq, chain_hash FROM engine_state")
    await connection.close()
    assert head is not None
    assert stand.keys() == {"look", *(one.name for one in courses(None))}
    assert all(one.ended_at >= one.began_at > 0 for one in stand.values())
    new = stand["new-commands"]
    assert (new.reached, new.hash) == (head["last_seq"], head["chain_hash"])
    assert stand["look"].reached == looked.seq == head["last_seq"]
    # Rounds begin again.
    assert stand["commands"].reached == stand["balances"].reached == 0


@pytest.mark.parametrize(
    ("name", "market_id", "tampering"),
    [
        # The journal.
        (
            "journal",
            0,
            ("UPDATE journal SET payload = set_byte(payload, 20, get_byte(payload, 20) # 1)"
            f" WHERE {OF_JOURNAL}"),
        ),
        ("journal", 0, f"UPDATE journal SET at = at + 1 WHERE {OF_JOURNAL}"),
        ("journal", 0, f"UPDATE journal SET epoch = epoch + 1 WHERE {OF_JOURNAL}"),
        ("journal", 0, f"UPDATE journal SET hash = sha256(hash) WHERE {OF_JOURNAL}"),
        ("journal", 0, f"DELETE FROM journal WHERE {OF_JOURNAL}"),
        ("journal", 0, "UPDATE engine_state SET chain_hash = sha256(chain_hash)"),
        # Balances.
        ("balance", 0, "UPDATE accounts SET available = available + 1 WHERE id = 1"),
        ("money", 0, "UPDATE accounts SET available = available + 1 WHERE id = 1"),
        (
            "balance",
            0,
            ("UPDATE accounts SET available = available + (CASE id WHEN 1 THEN 1 ELSE -1 END)"
            " WHERE id IN (1, 2)"),
        ),
        ("locked-cash", 0, "UPDATE accounts SET locked = locked + 1 WHERE id = 2"),
        ("balance", 1, "UPDATE markets SET collateral = collateral + 1 WHERE id = 1"),
        ("supply", 1, "UPDATE markets SET collateral = collateral + 1 WHERE id = 1"),
        ("supply", 2, ("UPDATE markets SET status = 2 WHERE id = 2; UPDATE positions SET yes_free"
         " = yes_free + 1 WHERE market_id = 2 AND account_id = 1")),
        ("money", 0, "UPDATE engine_state SET issued = issued + 1"),
        ("balance", 0, "UPDATE engine_state SET fees = fees - 1, issued = issued - 1"),
        ("supply", 1, ("UPDATE positions SET no_free = no_free + 1 WHERE account_id = 2"
         " AND market_id = 1")),
        ("locked-shares", 1, ("UPDATE positions SET yes_free = yes_free - 1,"
         " yes_locked = yes_locked + 1 WHERE account_id = 1 AND market_id = 1")),
        ("orders", 1, f"UPDATE orders SET price = price + 1 {OF_OPEN}"),
        ("orders", 1, f"UPDATE orders SET outcome = 9 {OF_OPEN}"),
        ("locked-cash", 0, f"UPDATE orders SET locked = locked + 1 {OF_OPEN}"),
        ("open-orders", 1, "UPDATE open_orders SET bits = set_bit(bits, 2, 1)"),
        # The ledger.
        ("ledger", 0, ("UPDATE ledger SET available = available + 1 WHERE command_seq = 6"
         " AND entry_no = 0")),
        ("ledger", 0, ("UPDATE ledger SET available_after = available_after + 1"
         " WHERE command_seq = 6 AND entry_no = 0")),
        ("ledger", 0, ("UPDATE ledger SET locked_after = locked_after + 1 WHERE command_seq = 6"
         " AND entry_no = 0")),
        ("ledger", 0, "UPDATE ledger SET kind = 2 WHERE kind = 1 AND owner_id = 1"),
        ("ledger", 0, "UPDATE ledger SET at = at + 1 WHERE command_seq = 6 AND entry_no = 0"),
        ("ledger", 0, "DELETE FROM ledger WHERE command_seq = 6 AND entry_no = 0"),
        ("ledger", 0, ("INSERT INTO ledger SELECT owner_id, command_seq, 0, 0, 0, 0, 0, 0, 0, at,"
         " 99, owner, kind FROM ledger WHERE command_seq = 6 AND entry_no = 0")),
        # What else a command stores.
        ("trades", 1, ("UPDATE trades SET quantity = quantity + 1 WHERE market_id = 1"
         " AND trade_no = 2")),
        ("settlements", 2, "UPDATE settlements SET payout = payout + 1 WHERE account_id = 1"),
        ("credits", 0, "UPDATE credits SET reason = 'a gift' WHERE account_id = 1"),
        ("ids", 0, ("UPDATE idempotency SET fingerprint = sha256(fingerprint)"
         " WHERE client_id = 'a'")),
        # Bets.
        ("bets", 1, "UPDATE bets SET bought = bought + 1"),
        ("bets", 1, "UPDATE bets SET cost = cost + 1"),
        ("bets", 1, "UPDATE bets SET fee = fee + 1"),
        ("bets", 1, "UPDATE bets SET side = 'NO'"),
        ("bets", 1, "UPDATE bets SET account_id = 1"),
        ("bets", 1, "UPDATE bet_sales SET brought = brought + 1"),
        ("bets", 1, "UPDATE bet_states SET shares = shares - 1"),
        ("bets", 1, "UPDATE bet_states SET brought = brought + 1"),
        ("bets", 1, "UPDATE bet_exits SET fee = fee + 1"),
    ],
)  # fmt: skip
async def test_what_was_changed_is_found(
    database_url: str, name: str, market_id: int, tampering: str
) -> None:
    await a_day(database_url)
    # Whether or not it has looked at it before.
    if len(tampering) % 2:
        assert (await one_look(database_url)).found == 0
    await executed(database_url, *tampering.split("; "))
    looked = await one_look(database_url)
    found = await findings(database_url)
    assert (name, market_id) in {(one.name, one.market_id) for one in found}, found
    assert looked.found >= looked.new == len(found)
    assert all(one.halts and one.expected and one.seen for one in found)
    assert not all(result.passed for result in await results(database_url))


@pytest.mark.parametrize(
    ("statement", "said"),
    [
        ("UPDATE audit_log SET outcome = 'no' WHERE id = 3", "line 3 isn't as it was written"),
        ("UPDATE audit_log SET at = at + 1 WHERE id = 5", "line 5 isn't as it was written"),
        ("DELETE FROM audit_log WHERE id = 2", "line 2 is missing"),
        ("DELETE FROM audit_log WHERE id = 5", "line 5 is missing, and all up to 5"),
    ],
)
async def test_a_line_of_the_audit_log_that_was_changed_is_found_and_halts_nothing(
    database_url: str, statement: str, said: str
) -> None:
    await a_day(database_url)
    connection = await connect(database_url)
    await force(connection, statement)
    await connection.close()
    await one_look(database_url)
    found = [(one.name, one.market_id, one.halts) for one in await findings(database_url)]
    assert found[0] == ("audit", 0, False)
    assert said in [one.seen for one in await findings(database_url)]
    assert [one.name for one in await results(database_url) if not one.passed] == ["audit"]


async def test_a_finding_stays_until_it_is_acknowledged_and_comes_again(database_url: str) -> None:
    await a_day(database_url)
    more = "UPDATE positions SET no_free = no_free + 1 WHERE account_id = 2 AND market_id = 1"
    await executed(database_url, more)
    assert (await one_look(database_url)).new == 1
    again = await one_look(database_url)
    assert (again.found, again.new) == (1, 0)
    (one,) = await findings(database_url)
    assert (one.times, one.subject, one.market_id) == (2, "market 1", 1)
    # Put right, it stays all the same.
    await executed(database_url, more.replace("+", "-"))
    assert (await one_look(database_url)).found == 0
    assert [open_.id for open_ in await findings(database_url)] == [one.id]
    async with running(database_url) as engine:
        rows = Findings(engine.pool)
        assert await rows.acknowledge(one.id, "put right by hand", 7)
        assert not await rows.acknowledge(one.id, "again", 8)
        assert await rows.open() == []
        lines, _ = await AuditLog(engine.pool).page(100)
    assert [(line.action, line.target, line.outcome) for line in lines[:1]] == [
        ("check.finding", "market:1 supply: market 1", "failed")
    ]
    await executed(database_url, more)
    assert (await one_look(database_url)).new == 1


async def test_what_is_new_is_looked_at_first_and_all_of_it_in_a_round(database_url: str) -> None:
    await a_day(database_url)
    await one_look(database_url, round_s=10**9)
    async with running(database_url) as engine:
        await engine.send(limit(ANN, 3, 1))
    last = "(SELECT max(command_seq) FROM ledger)"
    await executed(database_url, f"UPDATE ledger SET at = at + 1 WHERE command_seq = {last}")
    await executed(database_url, "UPDATE ledger SET at = at + 1 WHERE command_seq = 6")
    # A round of thirty years has not come back to command 6; what is new has been looked at.
    await one_look(database_url, round_s=10**9)
    first = [one.subject for one in await findings(database_url)]
    assert len(first) == 1
    assert first != ["command 6"]
    # To the end of this round, and once through.
    await one_look(database_url)
    await one_look(database_url)
    assert "command 6" in [one.subject for one in await findings(database_url)]


async def test_fees_that_nobody_knows_are_found_and_keep_nothing_from_being_looked_at(
    database_url: str,
) -> None:
    await a_day(database_url)
    await executed(database_url, "UPDATE markets SET fee_model = 9 WHERE id = 1")
    await one_look(database_url)
    assert {(one.name, one.market_id) for one in await findings(database_url)} == {("orders", 1)}
    connection = await connect(database_url)
    assert LOOK in {one.name for one in await read_courses(connection)}
    await connection.close()


async def test_a_part_that_fails_keeps_nothing_else_from_being_looked_at(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    await a_day(database_url)

    async def too_long(connection: Connection, _seq: int) -> list[Finding]:
        async with connection.transaction():
            await connection.execute("SET LOCAL statement_timeout = 1")
            await connection.execute("SELECT pg_sleep(60)")
        return []

    async def unreadable(_self: Balances, _connection: Connection, _mark: Mark, _seq: int) -> Piece:
        raise ValueError("a row that nobody can read")

    monkeypatch.setattr(looks, "standing_findings", too_long)
    monkeypatch.setattr(Balances, "piece", unreadable)
    await executed(database_url, "UPDATE bets SET cost = cost + 1")
    with pytest.raises(asyncpg.QueryCanceledError):
        await one_look(database_url)
    assert ("bets", 1) in {(one.name, one.market_id) for one in await findings(database_url)}
    connection = await connect(database_url)
    stood = {one.name: one for one in await read_courses(connection)}
    await connection.close()
    # It counts as no look, so it is seen that none comes to its end.
    assert stood.keys() == {one.name for one in courses(None)} - {"balances"}
    assert all(one.ended_at for one in stood.values())


async def test_a_round_is_no_later_for_looks_that_take_long(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    await a_day(database_url)
    monkeypatch.setattr(commands, "BYTES_AT_ONCE", 1)
    began_s, every_s, took_s = 1_000, 60, 50
    connection = await connect(database_url)
    before = Reached(LOOK, 0, None, began_s * MICROSECONDS, (began_s + took_s) * MICROSECONDS)
    await store_course(connection, before)
    now = (began_s + every_s) * MICROSECONDS
    # As much as a look in each minute has to do.
    assert await look(Order(database_url, None, every_s, 60.0), lambda: now) is not None
    through = {one.name: one.ended_at for one in await read_courses(connection)}
    await connection.close()
    assert through["commands"] == now


async def test_what_must_halt_is_kept_however_much_else_is_open(database_url: str) -> None:
    connection = await connect(database_url)
    await connection.execute(
        "INSERT INTO check_findings"
        " (name, market_id, subject, expected, seen, halts, seq, found_at, seen_at)"
        " SELECT 'audit', 0, 'line ' || i, '', '', false, 0, 0, 0 FROM generate_series(1, $1) AS i",
        OPEN_MAX,
    )
    stored = [
        await store_findings(connection, [Finding(name, market, subject, "", "", 0, halts)], 7)
        for name, market, subject, halts in (
            ("audit", 0, "line 0", False),
            ("supply", 2, "market 2", True),
            ("bets", 2, "bet 7", True),
            ("money", 0, "sum", True),
            ("supply", 3, "market 3", True),
        )
    ]
    await connection.close()
    # One a market, and one of the exchange: behind that all stands still.
    assert stored == [0, 1, 0, 1, 0]


async def test_of_two_looks_at_once_one_does_nothing(database_url: str) -> None:
    connection = await connect(database_url)
    await connection.execute("SELECT pg_advisory_lock($1)", LOCK)
    assert await look(Order(database_url, None, 1, 1.0)) is None
    await connection.close()
