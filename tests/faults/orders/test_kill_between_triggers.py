"""`kill -9` between the commit of a command and the triggers that it caused, and in the middle of
them: after the restart each took effect exactly once, without any command from outside.
"""

import asyncio
from pathlib import Path

import pytest

from exchange.messages.commands import TriggerOrder
from persistence.journal.reader import executions_after
from persistence.journal.source import JournalSource
from tests.faults.orders.held_stops import (
    SLUG,
    TAKES_THE_BID,
    HeldStops,
    check_triggers,
    until_waiting,
)
from tests.faults.orders.reluctant_server import ReluctantServer

STOPS = 150


@pytest.mark.slow
@pytest.mark.timeout(300)
@pytest.mark.parametrize("done", [0, 100])
async def test_what_is_due_is_triggered_once_whenever_it_dies(disk: Path, done: int) -> None:
    server = ReluctantServer(disk / "data")
    try:
        await asyncio.to_thread(server.launch_reluctantly, done)
        stops = HeldStops(server, STOPS)
        await stops.place()
        await stops.take_the_bid(f"/orders/{SLUG}", TAKES_THE_BID)
        async with server.database() as connection:
            await until_waiting(connection, STOPS - done)
            server.kill()
            last = await connection.fetchval("SELECT last_seq FROM engine_state")
        await asyncio.to_thread(server.start)
        async with server.database() as connection:
            await until_waiting(connection, 0)
            executions = await executions_after(JournalSource(connection), 0)
        after = [execution.command for execution in executions if execution.seq > last]
        assert [type(command) for command in after] == [TriggerOrder] * (STOPS - done)
        check_triggers(executions, STOPS)
        assert await asyncio.to_thread(server.end) == 0
        verified = await asyncio.to_thread(server.run, "verify")
        assert verified.returncode == 0, verified.stdout + verified.stderr
        print(f"killed after {done} of {STOPS} triggers: all took effect once; verify is clean")
    finally:
        server.clean_up()
