"""The audit log is one chain whoever writes, nobody changes it, and what was changed by force is
found with its number.
"""

import asyncio
import sys
from urllib.parse import urlsplit

import asyncpg
import pytest

from persistence.errors import DatabaseUnavailable
from persistence.journal.tip import Tip
from persistence.postgres import migrate
from persistence.postgres.database import Connection, connect, create_pool
from persistence.proof.audit_chain import audit_problem
from persistence.proof.verification import verify
from persistence.repositories import audit
from persistence.repositories.audit import AuditFilter, AuditLog
from tests.conftest import Postgres

LINES = 6
_WRITERS = """
import asyncio, sys
from persistence.postgres.database import create_pool
from persistence.repositories.audit import AuditLog

async def main():
    pool = await create_pool(sys.argv[1], size=8)
    logs = [AuditLog(pool) for _ in range(8)]
    print("ready", flush=True)
    sys.stdin.readline()
    await asyncio.gather(*(
        log.write(n, number, "test.write", f"user:{n} \\u20ac", "ok", sys.argv[2])
        for number, log in enumerate(logs) for n in range(25)))
    await pool.close()

asyncio.run(main())
"""


async def problem(connection: Connection, tip: Tip | None = None) -> str | None:
    async with connection.transaction():
        return (await audit_problem(connection, tip))[0]


async def filled(url: str, lines: int = LINES) -> None:
    pool = await create_pool(url, size=2)
    log = AuditLog(pool)
    for number in range(1, lines + 1):
        target = None if number == 1 else f"user:{number} for öl"
        await log.write(number, None if number == 2 else 7, "user.credit", target, "ok", "r")
    await pool.close()


async def force(connection: Connection, *statements: str) -> None:
    """Do as the tables' owner may who means harm: with the triggers off meanwhile."""
    tables = "audit_log", "audit_head"
    for table in tables:
        await connection.execute(f"ALTER TABLE {table} DISABLE TRIGGER USER")
    for statement in statements:
        await connection.execute(statement)
    for table in tables:
        names = await connection.fetch(
            "SELECT tgname FROM pg_trigger WHERE tgrelid = $1::text::regclass", table
        )
        for row in names:
            await connection.execute(f"ALTER TABLE {table} ENABLE ALWAYS TRIGGER {row['tgname']}")


async def test_writers_of_several_processes_make_one_chain(database_url: str) -> None:
    programs = [
        await asyncio.create_subprocess_exec(
            sys.executable,
            "-c",
            _WRITERS,
            database_url,
            name,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
        )
        for name in ("one", "two")
    ]
    for program in programs:
        assert program.stdout is not None
        assert await program.stdout.readline() == b"ready\n"
    await asyncio.gather(*(program.communicate(b"\n") for program in programs))
    assert [program.returncode for program in programs] == [0, 0]
    connection = await connect(database_url)
    async with connection.transaction():
        assert await audit_problem(connection, None) == (None, 400)
    numbers = [row["id"] for row in await connection.fetch("SELECT id FROM audit_log ORDER BY id")]
    assert numbers == list(range(1, 401))
    written = await connection.fetch("SELECT request_id, count(*) FROM audit_log GROUP BY 1")
    assert {row["request_id"]: row["count"] for row in written} == {"one": 200, "two": 200}
    await connection.close()


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE audit_log SET outcome = 'ok'",
        "UPDATE audit_log SET outcome = 'ok' WHERE false",
        "DELETE FROM audit_log WHERE id = 1",
        "TRUNCATE audit_log",
        "UPDATE audit_head SET last_id = 1",
        "DELETE FROM audit_head",
        "TRUNCATE audit_head",
        "INSERT INTO audit_head VALUES (true, 1, sha256(''))",
        "INSERT INTO audit_head VALUES (true, 1, sha256('')) ON CONFLICT DO NOTHING",
    ],
)
@pytest.mark.parametrize("role", ["origin", "replica"])
async def test_the_database_refuses_whatever_is_no_new_line(
    database_url: str, postgres: Postgres, statement: str, role: str
) -> None:
    """To the exchange's own role, which owns the tables, and to replication as well."""
    await filled(database_url)
    url = database_url
    if role == "replica":
        path = urlsplit(database_url).path
        url = urlsplit(postgres.superuser_url)._replace(path=path).geturl()
    connection = await connect(url)
    if role == "replica":
        await connection.execute("SET session_replication_role = replica")
    with pytest.raises(asyncpg.InsufficientPrivilegeError, match="only ever appended to"):
        await connection.execute(statement)
    assert await problem(connection) is None
    await connection.close()


async def test_a_line_gets_its_place_whatever_it_says_itself(database_url: str) -> None:
    connection = await connect(database_url)
    await connection.execute(
        "INSERT INTO audit_log VALUES (99, 1, 7, 'a', NULL, 'ok', 'r', sha256('x'), sha256('y'))"
    )
    assert await connection.fetchval("SELECT id FROM audit_log") == 1
    assert await problem(connection) is None
    await connection.close()


_PUT_IN = """
INSERT INTO audit_log
SELECT 4, at, actor_id, action, target, outcome, request_id, hash,
       audit_hash(hash, 4, at, actor_id, action, target, outcome, request_id)
  FROM audit_log WHERE id = {before}
"""
_SWAP = """
UPDATE audit_log a SET (at, actor_id, action, target, outcome, request_id, previous_hash, hash) =
    (SELECT b.at, b.actor_id, b.action, b.target, b.outcome, b.request_id, b.previous_hash, b.hash
       FROM audit_log b WHERE b.id = CASE a.id WHEN 3 THEN 5 ELSE 3 END)
 WHERE id IN (3, 5)
"""


@pytest.mark.parametrize(
    ("tampering", "found"),
    [
        (["UPDATE audit_log SET outcome = 'no' WHERE id = 3"], "line 3 isn't as it was written"),
        (["UPDATE audit_log SET at = at + 1 WHERE id = 1"], "line 1 isn't as it was written"),
        (["UPDATE audit_log SET actor_id = 7 WHERE id = 2"], "line 2 isn't as it was written"),
        (["UPDATE audit_log SET target = '' WHERE id = 1"], "line 1 isn't as it was written"),
        (["UPDATE audit_log SET hash = sha256('') WHERE id = 6"], "line 6 isn't as it was"),
        (["DELETE FROM audit_log WHERE id = 1"], "line 1 is missing"),
        (["DELETE FROM audit_log WHERE id = 4"], "line 4 is missing"),
        (["DELETE FROM audit_log WHERE id > 4"], "line 5 is missing, and all up to 6"),
        (["DELETE FROM audit_log"], "line 1 is missing, and all up to 6"),
        (["DELETE FROM audit_head"], "audit_head is empty"),
        ([_SWAP], "line 3 isn't as it was written"),
        (
            ["DELETE FROM audit_log WHERE id = 4", _PUT_IN.format(before=3)],
            "line 4 was put in|line 5 doesn't follow line 4",
        ),
        ([_PUT_IN.format(before=6).replace("4", "7")], "line 7 was put in"),
    ],
)
async def test_what_was_changed_by_force_is_found_with_its_number(
    database_url: str, tampering: list[str], found: str
) -> None:
    await filled(database_url)
    connection = await connect(database_url)
    await force(connection, *tampering)
    said = await problem(connection)
    assert said is not None
    assert any(said.startswith(one) for one in found.split("|")), said
    *_, last = [result async for result in verify(connection)]
    assert (last.name, last.passed, last.detail) == ("audit", False, said)
    await connection.close()


async def test_a_line_between_two_others_is_found_as_put_in(empty_database_url: str) -> None:
    """Numbers from before the chain have gaps, into which a line fits."""
    await migrate.upgrade(empty_database_url, "0031")
    connection = await connect(empty_database_url)
    for number in (1, 2, 5, 6):
        await connection.execute(
            "INSERT INTO audit_log OVERRIDING SYSTEM VALUE VALUES ($1, 1, 7, 'a', 'b', 'ok', 'r')",
            number,
        )
    await migrate.upgrade(empty_database_url)
    assert await problem(connection) is None
    await force(connection, _PUT_IN.format(before=2))
    assert await problem(connection) == "line 4 was put in"
    await connection.close()


async def test_a_log_whose_end_is_gone_with_its_head_is_behind_the_tip(database_url: str) -> None:
    await filled(database_url)
    connection = await connect(database_url)
    last = Tip(*await connection.fetchrow("SELECT last_id, hash FROM audit_head"))  # type: ignore[misc]
    assert await problem(connection, last) is None
    await force(
        connection,
        "DELETE FROM audit_log WHERE id > 4",
        "UPDATE audit_head SET (last_id, hash) = (SELECT id, hash FROM audit_log WHERE id = 4)",
    )
    assert await problem(connection) is None
    assert await problem(connection, last) == "line 5 is missing, and all up to 6 of the tip"
    await connection.close()


async def test_a_log_that_was_rewritten_as_a_whole_is_another_than_the_tip_names(
    database_url: str,
) -> None:
    await filled(database_url)
    connection = await connect(database_url)
    tip = Tip(3, await connection.fetchval("SELECT hash FROM audit_log WHERE id = 3"))
    lines = await connection.fetch(
        "SELECT at, actor_id, action, target, request_id FROM audit_log ORDER BY id"
    )
    await force(
        connection,
        "DELETE FROM audit_log",
        "UPDATE audit_head SET last_id = 0, hash = decode(repeat('00', 32), 'hex')",
    )
    for line in lines:
        await connection.execute(
            "INSERT INTO audit_log (at, actor_id, action, target, request_id, outcome)"
            " VALUES ($1, $2, $3, $4, $5, 'refused')",
            *line,
        )
    assert await problem(connection) is None
    said = await problem(connection, tip)
    assert said == "line 3 is another than the tip names: it was rewritten"
    await connection.close()


async def test_a_log_that_nothing_guards_is_told(database_url: str) -> None:
    connection = await connect(database_url)
    await connection.execute("ALTER TABLE audit_log DISABLE TRIGGER audit_log_stays")
    said = "nothing keeps it from being changed: audit_log_stays is off"
    assert await problem(connection) == said
    await connection.close()


async def test_lines_that_were_there_before_are_chained_and_go_back(
    empty_database_url: str,
) -> None:
    await migrate.upgrade(empty_database_url, "0031")
    connection = await connect(empty_database_url)
    insert = (
        "INSERT INTO audit_log (at, actor_id, action, target, outcome, request_id)"
        " SELECT n, NULL, 'auth.login', 'user:' || n, 'ok', 'r' FROM generate_series(1, $1) n"
    )
    await connection.execute(insert, 1_000)
    await migrate.upgrade(empty_database_url)
    async with connection.transaction():
        assert await audit_problem(connection, None) == (None, 1_000)
    await connection.execute(insert, 2)
    async with connection.transaction():
        assert await audit_problem(connection, None) == (None, 1_002)
    await migrate.downgrade(empty_database_url, "0031")
    await connection.close()
    connection = await connect(empty_database_url)
    await connection.execute(insert, 1)
    assert await connection.fetchval("SELECT max(id) FROM audit_log") == 1_003
    await connection.close()


async def test_a_writer_waits_for_none_that_is_stuck_longer_than_a_statement_may(
    database_url: str,
) -> None:
    stuck = await connect(database_url)
    pool = await create_pool(database_url, size=2, statement_timeout_ms=300)
    log = AuditLog(pool)
    transaction = stuck.transaction()
    await transaction.start()
    await stuck.execute("INSERT INTO audit_log VALUES (0, 1, 7, 'a', NULL, 'ok', 'r')")
    with pytest.raises(asyncpg.QueryCanceledError):
        await log.write(1, 7, "b", None, "ok", "r")
    await transaction.rollback()
    await log.write(1, 7, "b", None, "ok", "r")
    assert (await log.head())[0] == 1
    await pool.close()
    await stuck.close()


async def test_lines_that_wait_are_bounded(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(audit, "WAITING_MAX", 3)
    pool = await create_pool(database_url, size=2)
    log = AuditLog(pool)
    written = await asyncio.gather(
        *(log.write(number, 7, "a", None, "ok", "r") for number in range(5)),
        return_exceptions=True,
    )
    assert [type(one) for one in written] == [type(None)] * 3 + [DatabaseUnavailable] * 2
    await pool.close()


async def test_a_bad_line_spoils_no_other(database_url: str) -> None:
    pool = await create_pool(database_url, size=2)
    log = AuditLog(pool)
    written = await asyncio.gather(
        *(log.write(number, 7, "a", target, "ok", "r") for number, target in enumerate("a\0b")),
        return_exceptions=True,
    )
    assert [isinstance(one, Exception) for one in written] == [False, True, False]
    entries, total = await log.page(10, wanted=AuditFilter(actor_id=7))
    assert ([entry.target for entry in entries], total) == (["b", "a"], 2)
    await pool.close()
