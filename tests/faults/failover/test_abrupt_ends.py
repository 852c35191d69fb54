"""PostgreSQL is ended abruptly, loses its sessions or is put back in time, while a server runs.

What was acknowledged stays, what was unknown is learned by a retry under the same id; and a past
that was put back is never traded on, but named.
"""

import asyncio
import random
import shutil
import signal
import subprocess
import time
from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path
from typing import Final

import httpx
import psutil
import pytest

from persistence.embedded.server import EmbeddedPostgres
from tests.faults.conftest import MakeServer
from tests.faults.test_database_outage import (
    epoch_of,
    settled,
    trade_until_silent,
    until_recovered,
)
from tests.faults.test_kill import open_floor
from tests.faults.trading_load import answered, everybody_trades, some_answers
from tests.lengths import length
from tests.measured import tries
from tests.server_process import ServerProcess, until

ROUNDS: Final = length(2, long=30)
SAID_NO_S: Final = 1.0
BACK_S: Final = 10.0
_END_SESSIONS: Final = (
    "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity"
    " WHERE application_name {} 'probity engine' AND pid <> pg_backend_pid()"
    "   AND datname = current_database() AND backend_type = 'client backend'"
)


class Elsewhere:
    """A PostgreSQL that isn't the server's, in one folder, now and after every end."""

    def __init__(self, folder: Path, running: EmbeddedPostgres) -> None:
        self.folder = folder
        self._running = running

    @property
    def url(self) -> str:
        return self._running.url

    async def end_immediately(self) -> None:
        """End it as `pg_ctl -m immediate` does."""
        psutil.Process(self._running.pid).send_signal(signal.SIGQUIT)

    async def stop(self) -> None:
        await self._running.stop()

    async def start(self) -> None:
        """Start it again, whatever became of it."""
        await self._running.stop()
        self._running = await EmbeddedPostgres.start(self.folder)


@pytest.fixture
async def elsewhere(tmp_path: Path) -> AsyncIterator[Elsewhere]:
    """One that runs, with its folder."""
    made = Elsewhere(tmp_path / "elsewhere", await EmbeddedPostgres.start(tmp_path / "elsewhere"))
    yield made
    await made.stop()


def takes_orders(server: ServerProcess) -> bool:
    """Say whether orders are taken, and not answered with 503, or by nobody."""
    with suppress(httpx.TransportError):
        return httpx.get(f"{server.url}/ready", timeout=10).status_code == 200
    return False


@pytest.mark.slow
@pytest.mark.timeout(600)
async def test_an_immediate_end_of_postgresql_under_load(
    make_server: MakeServer, elsewhere: Elsewhere
) -> None:
    """As `pg_ctl -m immediate`: no session ends orderly, and its log is replayed when it starts."""
    server = make_server(DATABASE_URL=elsewhere.url)
    await asyncio.to_thread(server.start)
    pid = server.pid
    market, traders = await asyncio.to_thread(open_floor, server, random.Random(5))
    rounds = unknown = 0
    for attempt in tries():
        slowest_no = slowest_back = 0.0
        for _ in range(ROUNDS):
            trading = asyncio.create_task(trade_until_silent(traders))
            await some_answers(traders, answered(traders) + 50)
            await elsewhere.end_immediately()
            ended_at = time.monotonic()
            await until(lambda: not takes_orders(server), 30)
            slowest_no = max(slowest_no, time.monotonic() - ended_at)
            await trading
            await elsewhere.start()
            returned_at = time.monotonic()
            await until(server.is_ready)
            slowest_back = max(slowest_back, time.monotonic() - returned_at)
            unknown += await settled(server, market, traders, elsewhere.url)
            rounds += 1
        attempt.takes("503 after s", slowest_no, SAID_NO_S)
        attempt.takes("open again after PostgreSQL's return, s", slowest_back, BACK_S)
    print(f"{rounds} immediate ends, {unknown} unknown answers learned, 0 lost, 0 doubled")
    assert server.pid == pid
    assert (await asyncio.to_thread(server.run, "verify")).returncode == 0
    assert await asyncio.to_thread(server.end) == 0


@pytest.mark.slow
@pytest.mark.timeout(600)
async def test_sessions_that_are_terminated_under_load(server: ServerProcess) -> None:
    """The engine's is found out by a new epoch; the readers' cost nobody more than a 503."""
    market, traders = await asyncio.to_thread(open_floor, server, random.Random(8))
    pid, unknown = server.pid, 0
    for number in range(2 * ROUNDS):
        is_engine = number % 2 == 0
        epoch, stop = epoch_of(server), asyncio.Event()
        trading = asyncio.gather(*everybody_trades(traders, stop))
        await some_answers(traders, answered(traders) + 50)
        async with server.database() as connection:
            ended = await connection.fetchval(_END_SESSIONS.format("=" if is_engine else "<>"))
        assert ended >= 1
        if is_engine:
            await until_recovered(server, epoch)
        else:
            await asyncio.to_thread(server.await_ready)
            assert epoch_of(server) == epoch, "the engine stays up"
        stop.set()
        await trading
        unknown += await settled(server, market, traders)
    print(f"{2 * ROUNDS} times sessions were ended; {unknown} unknown answers learned")
    assert server.pid == pid
    assert await asyncio.to_thread(server.end) == 0


@pytest.mark.slow
@pytest.mark.timeout(300)
async def test_an_older_state_put_under_a_running_server_is_named(
    make_server: MakeServer, elsewhere: Elsewhere, tmp_path: Path
) -> None:
    """The server runs all the while; its database goes away and comes back as it was before."""
    server = make_server(DATABASE_URL=elsewhere.url)
    await asyncio.to_thread(server.start)
    await asyncio.to_thread(server.market, "hail")
    _, token = await asyncio.to_thread(server.trader)
    body = {"side": "BUY", "outcome": "YES", "type": "LIMIT", "price": "0.40", "quantity": "10"}

    async def order() -> None:
        await asyncio.to_thread(server.call, "POST", "/orders/hail", token, body)

    await order()
    epoch = epoch_of(server)
    await elsewhere.stop()
    # With owners: PostgreSQL reads its own account's files only.
    subprocess.run(["cp", "-a", str(elsewhere.folder), str(tmp_path / "old")], check=True)
    await elsewhere.start()
    await until_recovered(server, epoch)
    await order()
    await elsewhere.stop()
    shutil.rmtree(elsewhere.folder)
    (tmp_path / "old").rename(elsewhere.folder)
    await elsewhere.start()
    assert server.process is not None
    assert await asyncio.to_thread(server.process.wait, 60) != 0
    assert "--accept-tip" in server.log.read_text("utf-8")
    await asyncio.to_thread(server.start, "--accept-tip")
    assert server.call("GET", "/markets/hail/orderbook")["bids"] == [["0.4000", "10.00"]]
    await order()
    assert (await asyncio.to_thread(server.run, "verify")).returncode == 0
    assert await asyncio.to_thread(server.end) == 0
