"""The database dies, fills up or is taken away under the server: it says "unknown", and recovers.

What was acknowledged stays; what was unknown is learned by a retry under the same id.
"""

import asyncio
import contextlib
import random
import signal
import time

import httpx
import pytest

from gateway.cli.respawn import TRIES
from tests.faults import told_history
from tests.faults.conftest import MakeServer
from tests.faults.test_kill import open_floor
from tests.faults.trading_load import Told, Trader, everybody_trades, some_answers
from tests.server_process import ServerProcess, until

RECOVERS_SECONDS = 60.0


async def settled(server: ServerProcess, market: dict[str, object], traders: list[Trader]) -> int:
    """Learn what happened to everything without an answer; everything fits together then."""
    async with httpx.AsyncClient(base_url=f"{server.url}/api/v1", timeout=30) as client:
        unknown = sum([await trader.settle(client) for trader in traders])
        async with server.database() as connection:
            await told_history.compare_stored(connection, traders)
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


@pytest.mark.slow
async def test_a_database_that_stays_away_ends_the_server(make_server: MakeServer) -> None:
    """It tries again and again, gives up with one line that says why, and leaves nothing behind."""
    server = make_server()
    await asyncio.to_thread(server.start)
    control = server.data_dir / "postgres" / "global" / "pg_control"
    control.rename(control.with_suffix(".away"))
    server.kill_database()
    assert server.process is not None
    assert await asyncio.to_thread(server.process.wait, 60) == 1
    said = server.log.read_text("utf-8").splitlines()
    again = [line for line in said if line.endswith("; starting again")]
    assert len(again) == TRIES
    assert [line for line in said if line.startswith("probity: ")][-1] not in again
    assert server.database_processes() == []
    control.with_suffix(".away").rename(control)
    await asyncio.to_thread(server.start)
    assert await asyncio.to_thread(server.end) == 0


async def test_an_operator_can_end_the_tries(make_server: MakeServer) -> None:
    server = make_server()
    await asyncio.to_thread(server.start)
    control = server.data_dir / "postgres" / "global" / "pg_control"
    control.rename(control.with_suffix(".away"))
    server.kill_database()
    await until(lambda: "; starting again" in server.log.read_text("utf-8"))
    assert server.process is not None
    server.process.send_signal(signal.SIGTERM)
    assert await asyncio.to_thread(server.process.wait, 30) != 0
    assert server.database_processes() == []
