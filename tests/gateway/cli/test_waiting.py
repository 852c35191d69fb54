"""A start that waits for its database, ended by whoever began it."""

import asyncio
import json
import signal
import socket
from contextlib import nullcontext
from pathlib import Path

import pytest

from gateway.bootstrap.server import StopSignal
from gateway.bootstrap.settings import load_settings
from gateway.cli.waiting import Start
from gateway.observability.logs import process_logs
from tests.gateway.cli.command_line import START_SECONDS, start

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
