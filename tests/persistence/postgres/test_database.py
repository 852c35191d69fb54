"""Connections, and their deadlines."""

import asyncio
from pathlib import Path

import asyncpg
import psutil
import pytest

from persistence.embedded.server import EmbeddedPostgres
from persistence.errors import (
    DatabaseUnavailable,
    DataFolderBusy,
    EmbeddedPostgresError,
    FenceLost,
    OutcomeUnknown,
    SchemaError,
)
from persistence.postgres.apart import apart
from persistence.postgres.database import (
    OUTAGES,
    Connection,
    connect,
    create_pool,
    is_absence,
    verb_of,
)


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://probity:secret@127.0.0.1:1/probity",
        "postgresql://probity:secret@/probity?host=/nowhere",
        "mysql://probity:secret@localhost/probity",
        "not a url",
    ],
)
async def test_says_that_a_database_cannot_be_reached_without_its_password(url: str) -> None:
    with pytest.raises(DatabaseUnavailable, match="can't be reached") as of_one:
        await connect(url)
    with pytest.raises(DatabaseUnavailable, match="can't be reached") as of_pool:
        await create_pool(url)
    assert "secret" not in str(of_one.value) + str(of_pool.value)


async def test_refuses_an_unknown_database(database_url: str) -> None:
    with pytest.raises(DatabaseUnavailable, match="does not exist"):
        await connect(database_url.replace("probity_test_", "no_such_"))


async def test_a_statement_of_the_pool_has_an_end(database_url: str) -> None:
    pool = await create_pool(database_url, size=1, statement_timeout_ms=50)
    with pytest.raises(asyncpg.QueryCanceledError):
        await pool.fetch("SELECT pg_sleep(60)")
    assert await pool.fetchval("SELECT 1") == 1
    await pool.close()


async def test_waiting_for_the_pool_has_an_end(database_url: str) -> None:
    pool = await create_pool(database_url, size=1)
    pool.wait_s = 0.05
    async with pool.acquire():
        with pytest.raises(TimeoutError):
            await pool.fetch("SELECT 1")
    assert await pool.fetchval("SELECT 1") == 1
    await pool.close()


async def test_whoever_is_to_end_ends_though_the_database_stands_still(tmp_path: Path) -> None:
    server = await EmbeddedPostgres.start(tmp_path / "data")
    pool = await create_pool(server.superuser_url, size=2)
    pool.wait_s = 0.3

    async def go_on() -> None:
        while True:
            try:
                await pool.fetch("SELECT pg_sleep(0.01)")
            except OUTAGES:
                continue

    async def work(connection: Connection) -> None:
        async with connection.transaction():
            while True:
                await connection.execute("SELECT pg_sleep(0.01)")

    # Two of them wait for an answer, two for a connection, one has its own: whatever they are at,
    # they end.
    begun = [asyncio.create_task(go_on()) for _ in range(4)]
    begun.append(asyncio.create_task(apart(server.superuser_url, {}, work)))
    await asyncio.sleep(0.1)
    postmaster = psutil.Process(server.pid)
    stopped = [postmaster, *postmaster.children()]
    for process in stopped:
        process.suspend()
    try:
        await asyncio.sleep(0.1)
        for task in begun:
            task.cancel()
        _, never_ended = await asyncio.wait(begun, timeout=5)
    finally:
        for process in reversed(stopped):
            process.resume()
        for task in begun:
            task.cancel()
        ended = await asyncio.gather(*begun, return_exceptions=True)
        await pool.close()
        await server.stop()
    assert never_ended == set()
    assert {type(end) for end in ended} == {asyncio.CancelledError}


async def test_a_writer_has_no_deadline_but_the_settings_it_asks_for(database_url: str) -> None:
    connection = await connect(database_url, settings={"lock_timeout": "1500"})
    assert await connection.fetchval("SHOW statement_timeout") == "0"
    assert await connection.fetchval("SHOW lock_timeout") == "1500ms"
    assert await connection.fetchval("SHOW timezone") == "UTC"
    await connection.close()


async def test_pool_tells_of_every_statement(database_url: str) -> None:
    told: list[tuple[str, float]] = []
    pool = await create_pool(database_url, size=1, on_query=lambda *what: told.append(what))
    try:
        for statement in ("SELECT 1", "  update users SET role = role WHERE false", "SHOW fsync"):
            await pool.fetch(statement)
        await asyncio.sleep(0)
    finally:
        await pool.close()
    assert [verb for verb, _ in told if verb != "OTHER"] == ["SELECT", "UPDATE"]
    assert "OTHER" in [verb for verb, _ in told]
    assert all(0 < seconds < 60 for _, seconds in told)


@pytest.mark.parametrize(
    ("query", "verb"),
    [("", "OTHER"), (" \n", "OTHER"), ("\nselect\n1", "SELECT"), ("VACUUM", "OTHER")],
)
def test_a_statement_is_named_by_its_verb(query: str, verb: str) -> None:
    assert verb_of(query) == verb


async def test_a_transaction_whose_connection_is_lost_is_an_outage(database_url: str) -> None:
    pool = await create_pool(database_url, size=2)

    async def lose() -> None:
        async with pool.transaction() as connection:
            pid = await connection.fetchval("SELECT pg_backend_pid()")
            await pool.execute("SELECT pg_terminate_backend($1, 5000)", pid)
            await connection.execute("SELECT 1")

    async def misuse() -> None:
        async with pool.transaction() as connection:
            await connection.execute("SELECT 1", "too much")

    try:
        with pytest.raises(DatabaseUnavailable, match="closed"):
            await lose()
        with pytest.raises(asyncpg.InterfaceError):
            await misuse()
        assert await pool.fetchval("SELECT 1") == 1
    finally:
        await pool.close()


def caused(error: Exception, cause: Exception) -> Exception:
    error.__cause__ = cause
    return error


@pytest.mark.parametrize(
    ("error", "is_away"),
    [
        (DatabaseUnavailable("away"), True),
        (EmbeddedPostgresError("did not start: no space left on device"), True),
        (DataFolderBusy("another Probity"), False),
        (ConnectionRefusedError(), True),
        (TimeoutError(), True),
        (asyncpg.DiskFullError("no space"), True),
        (asyncpg.CannotConnectNowError("starting up"), True),
        (asyncpg.CrashShutdownError("terminating"), True),
        (asyncpg.ConnectionDoesNotExistError("closed"), True),
        (asyncpg.InterfaceError("connection is closed"), True),
        (asyncpg.DataError("invalid input for query argument"), False),
        (asyncpg.UniqueViolationError("twice"), False),
        (asyncpg.InternalServerError("broken"), False),
        (OutcomeUnknown("the database ended the engine's session"), True),
        (caused(OutcomeUnknown("in a commit"), asyncpg.DiskFullError("no space")), True),
        (caused(OutcomeUnknown("in a commit"), asyncpg.InternalServerError("broken")), False),
        (caused(SchemaError("can't be changed"), asyncpg.DiskFullError("no space")), True),
        (SchemaError("can't be changed"), False),
        (FenceLost("another engine leads"), False),
    ],
)
def test_absence_is_told_from_faults(error: Exception, is_away: bool) -> None:
    assert is_absence(error) is is_away
