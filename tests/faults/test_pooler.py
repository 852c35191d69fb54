"""DATABASE_URL leads through a real PgBouncer: nothing fails, and nothing is kept in a session."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import asyncpg
import httpx
import pytest

from persistence.embedded.server import EmbeddedPostgres
from persistence.errors import DatabasePooled, DatabaseUnavailable
from persistence.loop.recovery import Lead
from persistence.postgres import migrate
from persistence.postgres.database import DeadlinePool, connect, create_pool
from tests.faults.conftest import MakeServer
from tests.faults.pooler_process import SERVERS, pooler
from tests.lengths import length
from tests.server_process import ServerProcess

AT_ONCE = 30
ROUNDS = length(5, long=200)
FORGETFUL = "ignore_startup_parameters = " + ",".join(
    (
        *("tcp_keepalives_idle", "tcp_keepalives_interval", "tcp_keepalives_count"),
        "tcp_user_timeout",
        *("plan_cache_mode", "enable_hashjoin", "enable_mergejoin", "enable_seqscan"),
        *("enable_bitmapscan", "jit", "idle_in_transaction_session_timeout"),
        *("statement_timeout", "client_min_messages"),
    )
)
"""What makes it take every setting and keep none."""


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[EmbeddedPostgres]:
    server = await EmbeddedPostgres.start(tmp_path / "elsewhere")
    try:
        yield server
    finally:
        await server.stop()


async def traded(server: ServerProcess) -> list[int]:
    """Place, read and cancel, many at once; return every status."""
    server.market("rain")
    _, token = await asyncio.to_thread(server.trader)
    headers = {"authorization": f"Bearer {token}"}
    limits = httpx.Limits(max_connections=AT_ONCE)
    statuses = []
    async with httpx.AsyncClient(
        base_url=f"{server.url}/api/v1", headers=headers, timeout=30, limits=limits
    ) as client:
        for number in range(ROUNDS):
            order = {"side": "BUY", "outcome": "YES", "type": "LIMIT", "price": "0.01"}
            order |= {"quantity": "0.01"}
            requests = [
                client.post("/orders/rain", json=order | {"clientOrderId": f"{number}-{one}"})
                for one in range(AT_ONCE // 3)
            ]
            for path in ("/orders", "/user/ledger", "/markets/rain/trades", "/auth/me"):
                requests += [client.get(path) for _ in range(AT_ONCE // 6)]
            statuses += [answer.status_code for answer in await asyncio.gather(*requests)]
    return statuses


@pytest.mark.parametrize("mode", ["transaction", "session"])
async def test_reads_and_orders_go_through_it(
    mode: str, database: EmbeddedPostgres, make_server: MakeServer, tmp_path: Path
) -> None:
    async with pooler(database, tmp_path, mode) as url:
        server = make_server(DATABASE_URL=url, DIRECT_URL=database.url)
        await asyncio.to_thread(server.start)
        statuses = await traded(server)
        assert set(statuses) <= {200, 201}, statuses
        assert 201 in statuses
        looked = await asyncio.to_thread(server.run, "doctor")
        assert "DATABASE_URL: leads through a pooler" in looked.stdout + looked.stderr
        assert (await asyncio.to_thread(server.run, "verify")).returncode == 0
        assert await asyncio.to_thread(server.end) == 0


async def test_without_a_way_past_it_the_start_says_what_to_set(
    database: EmbeddedPostgres, make_server: MakeServer, tmp_path: Path
) -> None:
    async with pooler(database, tmp_path, "transaction") as url:
        # No wait makes it another one: a start that waited so long would not end here.
        server = make_server(DATABASE_URL=url, DATABASE_WAIT_SECONDS="600")
        done = await asyncio.to_thread(server.run, "serve")
        assert done.returncode == 1
        assert "set DIRECT_URL to the database's own address" in done.stderr
        looked = await asyncio.to_thread(server.run, "doctor")
        assert looked.returncode == 1
        assert "set DIRECT_URL" in looked.stdout + looked.stderr


async def test_one_that_takes_settings_and_forgets_them_is_no_place_for_an_engine(
    database: EmbeddedPostgres, tmp_path: Path
) -> None:
    await migrate.upgrade(database.url)
    async with pooler(database, tmp_path, "transaction", FORGETFUL) as url:
        with pytest.raises(DatabasePooled, match="DIRECT_URL"):
            await Lead.take(url)
    async with pooler(database, tmp_path, "session") as url:
        with pytest.raises(DatabaseUnavailable, match="DIRECT_URL"):
            await connect(url)


async def failing(pool: DeadlinePool) -> None:
    """Begin something that fails."""
    async with pool.transaction() as connection:
        await connection.execute("INSERT INTO kept VALUES (1)")
        await connection.execute("SELECT 1 / 0")


@pytest.mark.parametrize("mode", ["transaction", "session"])
async def test_deadlines_hold_and_stay_in_their_transaction(
    mode: str, database: EmbeddedPostgres, tmp_path: Path
) -> None:
    async with pooler(database, tmp_path, mode) as url:
        pool = await create_pool(url, size=AT_ONCE, statement_timeout_ms=200)
        try:
            assert await pool.fetchval("SHOW statement_timeout") == "200ms"
            pids = await asyncio.gather(
                *(pool.fetchval("SELECT pg_backend_pid()") for _ in range(AT_ONCE))
            )
            assert mode == "session" or len(set(pids)) <= SERVERS
            slept = [pool.fetch("SELECT pg_sleep(60)") for _ in range(SERVERS)]
            for error in await asyncio.gather(*slept, return_exceptions=True):
                assert isinstance(error, asyncpg.QueryCanceledError)
            async with pool.transaction() as connection:
                await connection.execute("CREATE TABLE kept (n int)")
            with pytest.raises(asyncpg.DivisionByZeroError):
                await failing(pool)
            assert await pool.fetchval("SELECT count(*) FROM kept") == 0
        finally:
            await pool.close()
        direct = await connect(database.url)
        left = "SELECT count(*) FROM pg_stat_activity WHERE state LIKE 'idle in transaction%'"
        assert await direct.fetchval(left) == 0
        await direct.close()
