"""Connections, their deadlines, and the refusal of databases that lose what they promised."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import asyncpg
import psutil
import pytest

from persistence.embedded.server import EmbeddedPostgres
from persistence.errors import (
    DatabaseNotDurable,
    DatabaseNotUtf8,
    DatabaseTooOld,
    DatabaseUnavailable,
    DataFolderBusy,
    EmbeddedPostgresError,
    FenceLost,
    OutcomeUnknown,
    SchemaError,
)
from persistence.postgres.database import (
    OUTAGES,
    assert_durable,
    connect,
    create_pool,
    is_absence,
    verb_of,
)

# The oldest version we support is tried where the machine has it.
_OLDEST = Path("/usr/lib/postgresql/15/bin")
_BINARIES = [None, *([_OLDEST] if _OLDEST.is_dir() else [])]


class OldServer:
    """Answers the check's one question as a server would that we can't install here."""

    def __init__(self, **differences: object) -> None:
        self._row = {
            "version": 180_004,
            "version_name": "18.4",
            "encoding": "UTF8",
            "fsync": "on",
            "full_page_writes": "on",
            "synchronous_commit": "on",
        } | differences

    async def fetchrow(self, query: str, /) -> dict[str, object]:
        return self._row


@pytest.fixture(params=_BINARIES, ids=lambda binaries: "wheel" if binaries is None else "oldest")
def own_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    server = asyncio.run(EmbeddedPostgres.start(tmp_path / "data", binaries=request.param))
    yield server.superuser_url
    asyncio.run(server.stop())


async def test_accepts_a_durable_server(own_url: str) -> None:
    connection = await connect(own_url)
    await assert_durable(connection)
    await connection.close()


@pytest.mark.parametrize("setting", ["fsync", "full_page_writes"])
async def test_refuses_a_server_that_skips_the_disk(own_url: str, setting: str) -> None:
    connection = await connect(own_url)
    folder = Path(await connection.fetchval("SHOW data_directory"))
    with (folder / "postgresql.conf").open("a", encoding="utf-8") as settings:
        settings.write(f"{setting} = off\n")
    await connection.execute("SELECT pg_reload_conf()")
    async with asyncio.timeout(30):
        while await connection.fetchval(f"SHOW {setting}") == "on":
            pass  # the question itself lets the server take the new setting in
    with pytest.raises(DatabaseNotDurable, match=f"the database has {setting} off"):
        await assert_durable(connection)
    await connection.close()


async def test_refuses_a_database_that_answers_before_the_disk_does(own_url: str) -> None:
    connection = await connect(own_url)
    await connection.execute("ALTER DATABASE postgres SET synchronous_commit = off")
    await connection.close()
    connection = await connect(own_url)
    with pytest.raises(DatabaseNotDurable, match="synchronous_commit off"):
        await assert_durable(connection)
    await connection.close()


async def test_refuses_another_encoding(own_url: str) -> None:
    connection = await connect(own_url)
    await connection.execute(
        "CREATE DATABASE latin ENCODING 'LATIN1' LOCALE_PROVIDER libc LOCALE 'C' TEMPLATE template0"
    )
    await connection.close()
    connection = await connect(own_url.replace("/postgres?", "/latin?"))
    with pytest.raises(DatabaseNotUtf8, match="LATIN1"):
        await assert_durable(connection)
    await connection.close()


async def test_refuses_an_old_server() -> None:
    with pytest.raises(DatabaseTooOld, match=r"PostgreSQL 14\.9: 15 or later"):
        await assert_durable(OldServer(version=140_009, version_name="14.9"))


async def test_names_everything_that_is_off() -> None:
    with pytest.raises(DatabaseNotDurable, match="fsync, synchronous_commit off"):
        await assert_durable(OldServer(fsync="off", synchronous_commit="off"))


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

    # Two of them wait for an answer, the others for a connection: whatever they are at, they end.
    begun = [asyncio.create_task(go_on()) for _ in range(4)]
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
