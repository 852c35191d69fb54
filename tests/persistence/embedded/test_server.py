"""The embedded server's life: start, find again, stop, and every way a process can die between."""

import asyncio
import contextlib
import os
import pwd
import shutil
import signal
import socket
import stat
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import asyncpg
import psutil
import pytest

from persistence.embedded import postmaster
from persistence.embedded.server import EmbeddedPostgres, find_binaries, running_url
from persistence.errors import DatabaseUnavailable, DataFolderBusy, EmbeddedPostgresError
from persistence.postgres.database import connect
from persistence.postgres.durability import assert_durable

# A Probity of its own: says which server it has and waits to be killed.
_HOLDER = """
import asyncio, pathlib, sys
from persistence.embedded.server import EmbeddedPostgres

async def main():
    server = await EmbeddedPostgres.start(pathlib.Path(sys.argv[1]))
    print(server.pid, flush=True)
    await asyncio.Event().wait()

asyncio.run(main())
"""


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    yield tmp_path / "data"
    # A test that failed half-way leaves no server to the tests after it.
    cluster = (tmp_path / "data" / "postgres").resolve()
    if found := postmaster.find(cluster):
        postmaster.stop(found.process, cluster)


@contextlib.asynccontextmanager
async def running(folder: Path) -> AsyncIterator[EmbeddedPostgres]:
    server = await EmbeddedPostgres.start(folder)
    try:
        yield server
    finally:
        await server.stop()


@contextlib.contextmanager
def holder(folder: Path) -> Iterator[tuple[subprocess.Popen[str], int]]:
    """Another process that holds the folder, and the pid of its server."""
    command = [sys.executable, "-W", "error", "-c", _HOLDER, str(folder)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield process, int(process.stdout.readline())
        finally:
            process.kill()


async def write(server: EmbeddedPostgres, value: int) -> None:
    connection = await connect(server.url)
    await connection.execute("CREATE TABLE IF NOT EXISTS kept (value int)")
    await connection.execute("INSERT INTO kept VALUES ($1)", value)
    await connection.close()


async def kept(server: EmbeddedPostgres) -> list[int]:
    connection = await connect(server.url)
    rows = await connection.fetch("SELECT value FROM kept ORDER BY value")
    await connection.close()
    return [row["value"] for row in rows]


def processes_in(folder: Path) -> list[psutil.Process]:
    return list(postmaster._processes_in(folder / "postgres"))


async def test_starts_durable_and_private(folder: Path) -> None:
    async with running(folder) as server:
        connection = await connect(server.url)
        await assert_durable(connection)
        assert await connection.fetchval("SHOW listen_addresses") == ""
        assert await connection.fetchval("SHOW data_checksums") == "on"
        assert await connection.fetchval("SELECT current_setting('is_superuser')") == "off"
        await connection.execute("CREATE TABLE ours ()")
        await connection.close()
        for private in ("run", "postgres"):
            assert stat.S_IMODE((folder / private).stat().st_mode) == 0o700


async def test_stop_leaves_no_process_and_is_harmless_twice(folder: Path) -> None:
    server = await EmbeddedPostgres.start(folder)
    assert len(processes_in(folder)) > 1
    await server.stop()
    await server.stop()
    assert processes_in(folder) == []
    assert list((folder / "run").iterdir()) == []
    assert running_url(folder) is None


async def test_stop_does_not_wait_for_clients(folder: Path) -> None:
    server = await EmbeddedPostgres.start(folder)
    connection = await connect(server.url)
    await connection.execute("BEGIN; CREATE TABLE never ();")
    async with asyncio.timeout(30):
        await server.stop()
    assert processes_in(folder) == []
    connection.terminate()


async def test_a_second_start_finds_everything_as_it_was(folder: Path) -> None:
    for value in range(3):
        async with running(folder) as server:
            await write(server, value)
            assert await kept(server) == list(range(value + 1))


async def test_sql_cannot_switch_durability_off(folder: Path) -> None:
    async with running(folder) as server:
        connection = await connect(server.superuser_url)
        with pytest.raises(asyncpg.PostgresError, match="ALTER SYSTEM is not allowed"):
            await connection.execute("ALTER SYSTEM SET fsync = off")
        await connection.close()


async def test_recovers_when_the_server_is_killed(folder: Path) -> None:
    server = await EmbeddedPostgres.start(folder)
    await write(server, 1)
    os.kill(server.pid, signal.SIGKILL)
    await server.stop()
    assert processes_in(folder) == []
    async with running(folder) as again:
        assert await kept(again) == [1]


async def test_finds_its_server_again_after_being_killed(folder: Path) -> None:
    with holder(folder) as (process, server_pid):
        process.kill()
        process.wait()
    async with running(folder) as server:
        assert server.pid == server_pid
        await write(server, 1)
    assert processes_in(folder) == []


async def test_recovers_when_both_are_killed(folder: Path) -> None:
    async with running(folder) as server:
        await write(server, 1)
    with holder(folder) as (process, server_pid):
        os.kill(server_pid, signal.SIGKILL)
        process.kill()
        process.wait()
    async with running(folder) as server:
        assert server.pid != server_pid
        assert await kept(server) == [1]


async def test_does_not_attach_to_a_server_that_was_just_killed(folder: Path) -> None:
    with holder(folder) as (process, server_pid):
        process.send_signal(signal.SIGSTOP)  # so that nobody buries the dead server: a zombie
        os.kill(server_pid, signal.SIGKILL)
        found = postmaster.await_status(folder / "postgres", lambda server: server is None, 10)
        assert found is None
        assert postmaster._still_alive([dead := psutil.Process(server_pid)], 10) == []
        assert dead.status() == psutil.STATUS_ZOMBIE
        process.kill()
        process.wait()
    async with running(folder) as server:
        assert server.pid != server_pid


async def test_replaces_a_server_whose_socket_is_gone(folder: Path) -> None:
    with holder(folder) as (process, server_pid):
        process.kill()
        process.wait()
    for name in (folder / "run").iterdir():
        name.unlink()
    async with running(folder) as server:
        assert server.pid != server_pid
        await write(server, 1)


async def test_a_stale_pid_that_now_belongs_to_another_process_is_seen_through(
    folder: Path,
) -> None:
    async with running(folder) as server:
        await write(server, 1)
    stale = f"{os.getpid()}\n{folder / 'postgres'}\n1\n5432\n{folder / 'run'}\n\n0 0\nready   \n"
    (folder / "postgres" / "postmaster.pid").write_text(stale)
    (folder / "run" / ".s.PGSQL.5432.lock").write_text(stale)
    assert running_url(folder) is None
    async with running(folder) as server:
        assert await kept(server) == [1]


async def test_leftovers_of_a_dead_server_are_ended_before_the_next_starts(folder: Path) -> None:
    server = await EmbeddedPostgres.start(folder)
    await write(server, 1)
    connection = await connect(server.url)
    backend = psutil.Process(connection.get_server_pid())
    backend.suspend()  # deaf to its parent's death, as one deep in a query is
    os.kill(server.pid, signal.SIGKILL)
    await server.stop()
    assert not postmaster._is_alive(backend)
    connection.terminate()
    async with running(folder) as again:
        assert await kept(again) == [1]


async def test_one_process_works_in_a_folder(folder: Path) -> None:
    async with running(folder) as server:
        with pytest.raises(DataFolderBusy, match=rf"process {os.getpid()}\) works in .*/data: "):
            await EmbeddedPostgres.start(folder)
        assert running_url(folder) == server.url
        connection = await connect(running_url(folder) or "")
        await connection.close()
    async with running(folder):
        pass


def test_of_processes_that_start_together_one_wins(folder: Path) -> None:
    command = [sys.executable, "-W", "error", "-c", _HOLDER, str(folder)]
    with contextlib.ExitStack() as stack:
        rivals = [
            stack.enter_context(
                subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
            )
            for _ in range(3)
        ]
        for rival in rivals:
            stack.callback(rival.kill)
        # A line from each: the winner says its server's pid, a loser why it lost.
        said = [rival.stdout.readline() for rival in rivals if rival.stdout]
        lost = [rival for rival, line in zip(rivals, said, strict=True) if not line]
        assert len(lost) == 2
        for rival in lost:
            assert rival.stderr is not None
            assert "DataFolderBusy: another Probity" in rival.stderr.read()


async def test_a_long_path_gets_its_socket_elsewhere(tmp_path: Path) -> None:
    folder = tmp_path / ("deep" * 20) / "data"
    async with running(folder) as server:
        await write(server, 1)
        connection = await connect(server.superuser_url)
        place = Path(await connection.fetchval("SHOW unix_socket_directories"))
        await connection.close()
        assert not place.is_relative_to(folder)
        assert stat.S_IMODE(place.stat().st_mode) == 0o700
    assert not place.exists()


async def test_a_socket_folder_put_there_by_somebody_else_is_refused(folder: Path) -> None:
    folder.mkdir()
    elsewhere = folder.parent / "elsewhere"
    elsewhere.mkdir()
    (folder / "run").symlink_to(elsewhere)
    with pytest.raises(EmbeddedPostgresError, match="run is not ours"):
        await EmbeddedPostgres.start(folder)
    (folder / "run").unlink()
    async with running(folder):
        pass


async def test_only_our_account_is_let_in(folder: Path) -> None:
    async with running(folder) as server:
        connection = await connect(server.superuser_url)
        await connection.execute("CREATE ROLE mallory LOGIN SUPERUSER")
        await connection.close()
        with pytest.raises(DatabaseUnavailable, match="Peer authentication failed"):
            await connect(server.url.replace("//probity@", "//mallory@"))


async def test_opens_no_folder_above_its_own(tmp_path: Path) -> None:
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    above = [closed, *closed.parents]
    before = [path.stat().st_mode for path in above]
    async with running(closed / "data") as server:
        await write(server, 1)
        assert psutil.Process(server.pid).uids().real != 0
    assert [path.stat().st_mode for path in above] == before


async def test_runs_from_an_installation_in_a_closed_folder(tmp_path: Path, folder: Path) -> None:
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    wheel = find_binaries().parent.parent
    for part in (f"{wheel.name}/pginstall18", f"{wheel.name}.libs"):
        if (wheel.parent / part).exists():
            shutil.copytree(wheel.parent / part, closed / part, symlinks=True)
    server = await EmbeddedPostgres.start(
        folder, binaries=closed / wheel.name / "pginstall18" / "bin"
    )
    await write(server, 1)
    assert psutil.Process(server.pid).exe().startswith(str(closed))
    await server.stop()
    assert stat.S_IMODE(closed.stat().st_mode) == 0o700


async def test_says_that_a_folder_cannot_be_used(folder: Path) -> None:
    folder.write_text("a file in its place")
    with pytest.raises(EmbeddedPostgresError, match=r"can't work in .*/data: \[Errno 17\]"):
        await EmbeddedPostgres.start(folder)


async def test_says_that_the_account_has_no_name(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with running(folder):
        pass

    def unknown(uid: int) -> pwd.struct_passwd:
        raise KeyError(uid)

    monkeypatch.setattr(pwd, "getpwuid", unknown)
    with pytest.raises(EmbeddedPostgresError, match="has no name on this machine"):
        await EmbeddedPostgres.start(folder)


async def test_half_a_cluster_is_never_used(folder: Path) -> None:
    (folder / "postgres.new" / "base").mkdir(parents=True)
    async with running(folder) as server:
        await write(server, 1)
    assert not (folder / "postgres.new").exists()


async def test_refuses_the_cluster_of_another_version(folder: Path) -> None:
    async with running(folder):
        pass
    (folder / "postgres" / "PG_VERSION").write_text("16\n")
    with pytest.raises(EmbeddedPostgresError, match="made by PostgreSQL 16, this is 18"):
        await EmbeddedPostgres.start(folder)
    (folder / "postgres" / "PG_VERSION").write_text("18\n")
    async with running(folder):
        pass


async def test_says_why_the_server_does_not_start(folder: Path) -> None:
    async with running(folder):
        pass
    (folder / "postgres" / "global" / "pg_control").write_bytes(b"")
    with pytest.raises(EmbeddedPostgresError, match=r"did not start: .*pg_control.*log") as caught:
        await EmbeddedPostgres.start(folder)
    assert "\n" not in str(caught.value)
    assert processes_in(folder) == []


async def test_says_in_one_line_why_no_cluster_is_made(folder: Path, tmp_path: Path) -> None:
    programs = tmp_path / "bin"
    programs.mkdir(mode=0o755)
    for name, body in (
        ("postgres", "echo 'postgres (PostgreSQL) 18.4'"),
        ("initdb", "echo 'creating files ...'; printf 'initdb: error: no\\n  room\\n' >&2; exit 1"),
    ):
        (programs / name).write_text(f"#!/bin/sh\n{body}\n")
        (programs / name).chmod(0o755)
    with pytest.raises(EmbeddedPostgresError) as caught:
        await EmbeddedPostgres.start(folder, binaries=programs)
    assert str(caught.value) == "initdb failed: initdb: error: no / room"


async def test_a_cancelled_start_leaves_nothing_running(folder: Path) -> None:
    starting = asyncio.create_task(EmbeddedPostgres.start(folder))
    await asyncio.sleep(0)  # its thread has begun
    starting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await starting
    assert processes_in(folder) == []
    async with running(folder):
        pass


async def test_the_callers_variables_do_not_move_the_server(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        monkeypatch.setenv("PGPORT", str(free.getsockname()[1]))
    monkeypatch.setenv("PGDATA", "/nowhere")
    monkeypatch.setenv("PGHOST", "/nowhere")
    monkeypatch.setenv("PGUSER", "nobody-we-know")
    async with running(folder) as server:
        await write(server, 1)
