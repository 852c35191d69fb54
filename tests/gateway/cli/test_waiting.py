"""A start that waits for its database, ended by whoever began it."""

import asyncio
import json
import signal
from pathlib import Path

import pytest

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
