"""A start that waits, for its database or for the lead: what it says meanwhile, and its ends."""

import asyncio
import io
import json
import signal
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, nullcontext, redirect_stdout
from pathlib import Path

import httpx
import pytest

from gateway.bootstrap.server import StopSignal
from gateway.bootstrap.settings import load_settings
from gateway.cli.waiting import Start, WaitingPage
from gateway.observability.logs import process_logs
from persistence.errors import DatabaseUnavailable, EngineRunning
from tests.gateway.cli.command_line import START_SECONDS, start
from tests.persistence.running import until

AWAY = {
    "DATABASE_URL": "postgresql://probity@127.0.0.1:1/probity",
    "REDIS_URL": "redis://127.0.0.1:1/0",
    "DATABASE_WAIT_SECONDS": "600",
}


@pytest.mark.parametrize("command", ["serve", "worker"])
async def test_a_wait_that_is_ended_is_no_failure(tmp_path: Path, command: str) -> None:
    process = await start(tmp_path, command, **AWAY)
    assert process.stdout is not None
    async with asyncio.timeout(START_SECONDS):
        line = json.loads(await process.stdout.readline())
        assert line["event"] == "waiting for the database"
        process.send_signal(signal.SIGTERM)
        _, err = await process.communicate()
    assert (process.returncode, err) == (0, b"probity: ended while waiting for the database\n")


async def test_whoever_reads_that_it_is_open_gets_in() -> None:
    """The banner comes before the server does: who comes between the two waits, unrefused."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        with pytest.raises(ConnectionRefusedError):
            await asyncio.open_connection(*listening.getsockname())
        logger = process_logs("error")
        opening = Start(load_settings({}), logger, listening, StopSignal(), waits=False)
        async with opening.opened(nullcontext):
            _, writer = await asyncio.open_connection(*listening.getsockname())
            writer.close()


@pytest.fixture
def listening() -> Iterator[socket.socket]:
    with socket.socket() as made:
        made.bind(("127.0.0.1", 0))
        yield made


async def test_one_that_another_engine_followed_says_so_and_not_that_its_database_is_away(
    listening: socket.socket,
) -> None:
    in_the_way: list[Exception] = [EngineRunning("another engine leads this database")]
    tried = 0

    @asynccontextmanager
    async def opening() -> AsyncIterator[None]:
        nonlocal tried
        tried += 1
        if in_the_way:
            raise in_the_way[0]
        yield

    async def comes_up() -> None:
        async with start_again.opened(opening):
            pass

    said = io.StringIO()
    with redirect_stdout(said):
        start_again = Start(
            load_settings({}), process_logs("info"), listening, StopSignal(), waits=True
        )
        coming = asyncio.create_task(comes_up())
        url = f"http://127.0.0.1:{listening.getsockname()[1]}"
        async with httpx.AsyncClient(base_url=url) as operator:
            await until(lambda: tried > 0)
            assert (await operator.get("/health")).json()["data"] == {"status": "waiting"}
            order = await operator.post("/api/v1/orders/rain", json={})
            assert (order.status_code, order.json()["error"]["code"]) == (503, "UNAVAILABLE")
            assert order.json()["error"]["message"].startswith("Another engine leads")
            in_the_way[:] = [DatabaseUnavailable("it is away")]
            before = tried
            await until(lambda: tried > before)
            health = (await operator.get("/health")).json()["data"]
            assert health["silence"]["what"] == "database"
            why = (await operator.get("/ready")).json()["error"]["message"]
            assert why.startswith("The exchange waits for its database")
        in_the_way.clear()
        await coming
    events = [json.loads(line)["event"] for line in said.getvalue().splitlines()]
    assert events == ["waiting for the lead", "waiting for the database"]


def test_what_is_waited_for_by_turns_is_said_once_each() -> None:
    """As of a database that has room for another session now and then."""
    said = io.StringIO()
    with redirect_stdout(said):
        page = WaitingPage(process_logs("info"))
        for _ in range(3):
            page.note(EngineRunning("another engine leads this database"))
            page.note(DatabaseUnavailable("it has too many sessions"))
    events = [json.loads(line)["event"] for line in said.getvalue().splitlines()]
    assert events == ["waiting for the lead", "waiting for the database"]
