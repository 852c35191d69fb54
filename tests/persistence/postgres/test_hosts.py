"""Several hosts in one URL: the one that answers is found, however long the others are silent."""

import asyncio
import time
from pathlib import Path

import asyncpg
import pytest

from persistence.errors import DatabaseUnavailable
from persistence.postgres.database import connect, create_pool
from persistence.postgres.hosts import each_host
from tests.faults.failover.replicas import Server
from tests.measured import tries
from tests.server_process import free_port

_ENTERED_S = 1.0


@pytest.mark.parametrize(
    ("url", "hosts"),
    [
        ("postgresql://a@one/x", ["postgresql://a@one/x"]),
        ("postgresql://a@/x?host=/run&port=1", ["postgresql://a@/x?host=/run&port=1"]),
        (
            "postgresql://a:b@one:1,two:2/x?target_session_attrs=read-write",
            [
                "postgresql://a:b@one:1/x?target_session_attrs=read-write",
                "postgresql://a:b@two:2/x?target_session_attrs=read-write",
            ],
        ),
    ],
)
def test_a_url_is_one_for_each_host(url: str, hosts: list[str]) -> None:
    assert each_host(url) == hosts


async def _hang(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Take what comes and say nothing, as a machine that vanished."""
    await reader.read()
    writer.close()


async def test_a_host_that_says_nothing_keeps_nobody_waiting(tmp_path: Path) -> None:
    server = Server(tmp_path / "server")
    tmp_path.chmod(0o755)
    try:
        await asyncio.to_thread(server.make)
        await asyncio.to_thread(server.start)
        silent = await asyncio.start_server(_hang, "127.0.0.1", 0)
        dead = silent.sockets[0].getsockname()[1]
        url = f"postgresql://postgres@127.0.0.1:{dead},127.0.0.1:{server.port}/postgres"
        for attempt in tries():
            started = time.monotonic()
            connection = await connect(f"{url}?target_session_attrs=read-write")
            took = time.monotonic() - started
            assert await connection.fetchval("SELECT 1") == 1
            await connection.close()
            attempt.takes("let in, s", took, _ENTERED_S)
        pool = await create_pool(url, size=2)
        assert await pool.fetchval("SELECT 2") == 2
        await pool.close()
        nobody = f"postgresql://postgres@127.0.0.1:{free_port()},127.0.0.1:{server.port}/nothing"
        with pytest.raises(DatabaseUnavailable, match="does not exist"):
            await connect(nobody)
        async with server.session("postgres") as admin:
            await admin.execute("ALTER SYSTEM SET default_transaction_read_only = on")
            await admin.execute("SELECT pg_reload_conf()")
        both = f"postgresql://postgres@127.0.0.1:{server.port},localhost:{server.port}/postgres"
        with pytest.raises(DatabaseUnavailable, match="target attribute"):
            await connect(f"{both}?target_session_attrs=read-write")
        silent.close()
    finally:
        server.clean_up()


async def test_who_is_told_what_the_last_one_said(tmp_path: Path) -> None:
    ports = free_port(), free_port()
    url = f"postgresql://a@127.0.0.1:{ports[0]},127.0.0.1:{ports[1]}/x"
    with pytest.raises(DatabaseUnavailable, match="can't be reached"):
        await connect(url)
    with pytest.raises(OSError, match="Connect call failed"):
        await asyncpg.connect(url)
