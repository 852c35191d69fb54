"""The database dies, fills up or is taken away under the server: it says "unknown", and recovers.

What was acknowledged stays; what was unknown is learned by a retry under the same id.
"""

import asyncio
import contextlib
import itertools
import random
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from persistence.embedded.server import EmbeddedPostgres
from persistence.postgres.database import connect
from tests.faults import told_history
from tests.faults.conftest import MakeServer
from tests.faults.test_kill import open_floor
from tests.faults.trading_load import Told, Trader, everybody_trades, some_answers
from tests.lengths import length
from tests.measured import Try, slowness, tries
from tests.server_process import ServerProcess, until

RECOVERS_SECONDS = 60.0
BACK_SECONDS = 3.0
AWAY_SECONDS = length(5, long=120)
FULL_SECONDS = length(5, long=60)
DISK_BYTES = 200 << 20


async def settled(
    server: ServerProcess, market: dict[str, object], traders: list[Trader], url: str = ""
) -> int:
    """Learn what happened to everything without an answer; everything fits together then.

    `url` leads to the database if it isn't the server's own.
    """
    async with httpx.AsyncClient(base_url=f"{server.url}/api/v1", timeout=30) as client:
        unknown = sum([await trader.settle(client) for trader in traders])
        connection = await connect(url or server.database_url())
        try:
            await told_history.compare_stored(connection, traders)
        finally:
            await connection.close()
        await told_history.compare_shown(client, told_history.replay(market, traders), traders)
    return unknown


def _refusing(table: str, condition: str, error: str) -> str:
    """Return SQL that makes the database fail to store some rows of a table."""
    return f"""
        CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            IF {condition} THEN RAISE EXCEPTION USING ERRCODE = '{error}'; END IF;
            RETURN new;
        END $$;
        CREATE TRIGGER refuse BEFORE INSERT ON {table} FOR EACH ROW EXECUTE FUNCTION refuse();
    """


async def until_recovered(server: ServerProcess, epoch: int) -> float:
    """Wait until the server is open under a later epoch; return how long it took."""
    started, headers = time.monotonic(), {"authorization": f"Bearer {server.admin()}"}
    while True:
        assert server.process is not None
        assert server.process.poll() is None, server.words()
        assert time.monotonic() - started < RECOVERS_SECONDS, server.words()
        # The old process may still answer, or break off in the middle.
        with contextlib.suppress(httpx.TransportError):
            answer = await asyncio.to_thread(
                httpx.get, f"{server.url}/api/v1/admin/stats", headers=headers
            )
            if answer.is_success and answer.json()["data"]["epoch"] > epoch:
                return time.monotonic() - started
        await asyncio.sleep(0.02)


def epoch_of(server: ServerProcess) -> int:
    return int(server.call("GET", "/admin/stats", server.admin())["epoch"])


async def trade_until_silent(traders: list[Trader]) -> None:
    """Let everybody trade until nobody gets an answer any more."""
    await asyncio.gather(*everybody_trades(traders, asyncio.Event()))


async def test_a_database_killed_under_the_server_is_started_again(server: ServerProcess) -> None:
    market, traders = await asyncio.to_thread(open_floor, server, random.Random(1))
    epoch, pid = epoch_of(server), server.pid
    trading = asyncio.create_task(trade_until_silent(traders))
    await some_answers(traders, 100)
    server.kill_database()
    took = await until_recovered(server, epoch)
    await trading
    unknown = await settled(server, market, traders)
    print(f"open again after {took:.2f} s; {unknown} unknown answers learned")
    assert server.pid == pid
    assert await asyncio.to_thread(server.end) == 0


async def test_a_full_disk_ends_in_unknown_and_recovery(server: ServerProcess) -> None:
    market, traders = await asyncio.to_thread(open_floor, server, random.Random(2))
    epoch = epoch_of(server)
    trading = asyncio.create_task(trade_until_silent(traders))
    await some_answers(traders, 100)
    async with server.database() as connection:
        await connection.execute(_refusing("journal", "true", "disk_full"))
    took = await until_recovered(server, epoch)
    await trading
    async with server.database() as connection:
        await connection.execute("DROP TRIGGER refuse ON journal")
    unknown = await settled(server, market, traders)
    print(f"open again after {took:.2f} s; {unknown} unknown answers learned")
    assert await asyncio.to_thread(server.end) == 0


async def test_an_order_that_can_t_be_stored_is_refused_alone(server: ServerProcess) -> None:
    market, traders = await asyncio.to_thread(open_floor, server, random.Random(4))
    epoch, refused = epoch_of(server), traders[0]
    async with server.database() as connection:
        await connection.execute(
            _refusing("orders", "new.client_order_id = 'poison'", "check_violation")
        )
    stop = asyncio.Event()
    tasks = list(everybody_trades(traders, stop))
    await some_answers(traders, 50)
    async with httpx.AsyncClient(base_url=f"{server.url}/api/v1") as client:
        body = {"side": "BUY", "outcome": "YES", "type": "LIMIT", "price": "0.01"}
        body |= {"quantity": "1", "clientOrderId": "poison"}
        told = [await refused.post(client, body) for _ in range(2)]
    await some_answers(traders, 200)
    stop.set()
    await asyncio.gather(*tasks)
    assert told[0] is not None
    assert told[0].content["code"] == "NOT_STORED"
    assert told[1] == Told(ok=False, content=told[0].content, replayed=True)
    assert await settled(server, market, traders) == 0
    assert epoch_of(server) == epoch, "the engine stays up"
    assert await asyncio.to_thread(server.end) == 0


async def test_a_lost_fence_ends_the_engine_which_comes_back_later(server: ServerProcess) -> None:
    market, traders = await asyncio.to_thread(open_floor, server, random.Random(3))
    epoch = epoch_of(server)
    trading = asyncio.create_task(trade_until_silent(traders))
    await some_answers(traders, 50)
    async with server.database() as connection:
        await connection.execute("UPDATE engine_state SET epoch = epoch + 1")
    await until_recovered(server, epoch + 1)
    await trading
    await settled(server, market, traders)
    assert await asyncio.to_thread(server.end) == 0


async def test_an_idle_server_notices_that_its_database_is_gone(server: ServerProcess) -> None:
    epoch = epoch_of(server)
    server.kill_database()
    await until_recovered(server, epoch)
    assert await asyncio.to_thread(server.end) == 0


async def said_while_waiting(server: ServerProcess) -> None:
    """Wait until the process waits for its database, and look at what it answers meanwhile."""
    await until(lambda: "waiting for the database" in server.log.read_text("utf-8"), 60)
    async with httpx.AsyncClient(base_url=server.url) as operator:
        for path in ("/ready", "/api/v1/markets"):
            answer = await operator.get(path)
            assert (answer.status_code, answer.headers["retry-after"]) == (503, "1")
            assert answer.json()["error"]["code"] == "UNAVAILABLE"
        health = await operator.get("/health")
        assert health.status_code == 200
        assert health.json()["data"]["status"] == "waiting"
        assert health.json()["data"]["silence"]["what"] == "database"


async def is_back(server: ServerProcess, start_s: float, attempt: Try) -> None:
    """Wait until the server is ready again; a busy machine also started it slowly."""
    since = time.monotonic()
    await until(server.is_ready, RECOVERS_SECONDS)
    took = time.monotonic() - since
    attempt.takes("open again, s", took, max(BACK_SECONDS, 3 * start_s))


async def stays_away(server: ServerProcess, pid: int, seconds: float) -> None:
    """See for so long that the server never gives up and never says that it is ready."""
    until_then = time.monotonic() + seconds
    while time.monotonic() < until_then:
        assert server.pid == pid
        assert server.process is not None
        assert server.process.poll() is None, server.words()
        assert not await asyncio.to_thread(server.is_ready)
        await asyncio.sleep(0.1)


@pytest.mark.slow
async def test_a_database_that_stays_away_is_waited_for(make_server: MakeServer) -> None:
    """It may stay away longer than every try would last; what was acknowledged is there after."""
    server = make_server()
    server.is_warm = False  # what its next starts are held to
    start_s = await asyncio.to_thread(server.start)
    pid = server.pid
    market, traders = await asyncio.to_thread(open_floor, server, random.Random(5))
    control = server.data_dir / "postgres" / "global" / "pg_control"
    answers = itertools.count(100, 100)
    for attempt in tries():
        server.log.write_text("", "utf-8")
        trading = asyncio.create_task(trade_until_silent(traders))
        await some_answers(traders, next(answers))
        control.rename(control.with_suffix(".away"))
        server.kill_database()
        await trading
        await said_while_waiting(server)
        await stays_away(server, pid, AWAY_SECONDS)
        control.with_suffix(".away").rename(control)
        await is_back(server, start_s, attempt)
        await settled(server, market, traders)
    assert await asyncio.to_thread(server.end) == 0


async def test_a_given_database_that_is_stopped_is_waited_for(
    make_server: MakeServer, tmp_path: Path
) -> None:
    database = await EmbeddedPostgres.start(tmp_path / "elsewhere")
    try:
        server = make_server(DATABASE_URL=database.url)
        server.is_warm = False  # what its next starts are held to
        start_s = await asyncio.to_thread(server.start)
        pid = server.pid
        server.market("rain")
        for attempt in tries():
            server.log.write_text("", "utf-8")
            await database.stop()
            await said_while_waiting(server)
            await stays_away(server, pid, 2)
            database = await EmbeddedPostgres.start(tmp_path / "elsewhere")
            await is_back(server, start_s, attempt)
        assert [market["slug"] for market in server.call("GET", "/markets")] == ["rain"]
        assert await asyncio.to_thread(server.end) == 0
    finally:
        await database.stop()


async def test_a_first_start_waits_for_a_given_database(
    make_server: MakeServer, tmp_path: Path
) -> None:
    """As where containers come up in any order."""
    database = await EmbeddedPostgres.start(tmp_path / "elsewhere")
    server = make_server(DATABASE_URL=database.url, DATABASE_WAIT_SECONDS="600")
    try:
        await database.stop()
        server.launch()
        pid = server.pid
        await said_while_waiting(server)
        database = await EmbeddedPostgres.start(tmp_path / "elsewhere")
        await asyncio.to_thread(server.await_ready)
        assert server.pid == pid
        assert await asyncio.to_thread(server.end) == 0
    finally:
        await database.stop()


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of its own that can be filled, in memory."""
    folder = tmp_path / "data"
    folder.mkdir(mode=0o711)
    mount = ["mount", "-t", "tmpfs", "-o", f"size={DISK_BYTES},mode=711", "tmpfs", str(folder)]
    if shutil.which("mount") is None or subprocess.run(mount, check=False).returncode:
        pytest.skip("only root may mount a small disk, and not in every container")
    yield folder
    # The server's processes are ended by the fixture that made it, which is taken down first.
    subprocess.run(["umount", "-l", str(folder)], check=True)


@pytest.mark.slow
async def test_a_disk_that_is_full_for_a_while_ends_nothing(
    small_disk: Path, make_server: MakeServer
) -> None:
    server = make_server(folder=small_disk.name)
    server.is_warm = False  # what its next starts are held to
    start_s = await asyncio.to_thread(server.start)
    pid = server.pid
    market, traders = await asyncio.to_thread(open_floor, server, random.Random(6))
    trading = asyncio.create_task(trade_until_silent(traders))
    await some_answers(traders, 100)
    filler = small_disk / "filler"
    with filler.open("wb", buffering=0) as file, contextlib.suppress(OSError):
        while True:
            file.write(bytes(1 << 16))
    await trading
    await until(lambda: "starting again" in server.log.read_text("utf-8"), 60)
    full_until = time.monotonic() + FULL_SECONDS
    while time.monotonic() < full_until:
        assert server.pid == pid
        assert server.process is not None
        assert server.process.poll() is None, server.words()
        await asyncio.sleep(0.1)
    filler.unlink()
    since = time.monotonic()
    async with httpx.AsyncClient(base_url=f"{server.url}/api/v1") as client:
        placing = traders[0].new_placing()
        while placing.told is None:
            placing.told = await traders[0].post(client, placing.body)
            assert time.monotonic() - since < RECOVERS_SECONDS, server.words()
            await asyncio.sleep(0.05)
    took = time.monotonic() - since
    print(f"takes orders {took:.2f} s after there is room; its start took {start_s:.2f} s")
    assert took < max(BACK_SECONDS, 3 * start_s) * slowness()
    await settled(server, market, traders)
    assert await asyncio.to_thread(server.end) == 0


async def test_an_operator_can_end_the_tries(make_server: MakeServer) -> None:
    server = make_server()
    await asyncio.to_thread(server.start)
    control = server.data_dir / "postgres" / "global" / "pg_control"
    control.rename(control.with_suffix(".away"))
    server.kill_database()
    await until(lambda: "starting again" in server.log.read_text("utf-8"))
    assert server.process is not None
    server.process.send_signal(signal.SIGTERM)
    assert await asyncio.to_thread(server.process.wait, 60) != 0
    assert server.database_processes() == []
