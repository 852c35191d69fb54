"""`kill -9` between the commit of a command and the triggers that it caused, and in the middle of
them: after the restart each took effect exactly once, without any command from outside.
"""

import asyncio
from collections import Counter
from pathlib import Path

import httpx
import pytest

from exchange.messages.commands import TriggerOrder
from exchange.messages.events import TradeExecuted
from exchange.messages.waiting_events import OrdersReached, OrderTriggered
from persistence.journal.reader import executions_after
from persistence.postgres.database import Connection
from tests.faults.orders.reluctant_server import ReluctantServer

STOPS = 150
SLUG = "rain-tomorrow"
_WAITING = "SELECT count(*) FROM orders WHERE status = 7"


async def fall(server: ReluctantServer) -> None:
    """Let the price fall to where 150 stops of one holder are due."""
    server.market(SLUG)
    tokens = [server.trader()[1] for _ in range(3)]
    async with httpx.AsyncClient(base_url=f"{server.url}/api/v1", timeout=60) as client:

        async def place(who: int, text: str, quantity: int, price: str | None, **more: str) -> None:
            side, outcome = text.split()
            body = {"side": side, "outcome": outcome, "type": "LIMIT", "quantity": str(quantity)}
            body |= {"price": price} if price else {}
            headers = {"authorization": f"Bearer {tokens[who]}"}
            answer = await client.post(f"/orders/{SLUG}", json=body | more, headers=headers)
            assert answer.status_code == 201, answer.text

        await place(0, "BUY YES", STOPS, "0.50")
        await place(1, "BUY NO", STOPS, "0.50")
        stop = {"type": "STOP", "triggerPrice": "0.45"}
        await asyncio.gather(*[place(0, "SELL YES", 1, None, **stop) for _ in range(STOPS)])
        await place(2, "BUY YES", STOPS, "0.40")
        await place(2, "BUY YES", 1, "0.45")
        await place(1, "BUY NO", 1, "0.55")


async def until_waiting(connection: Connection, count: int) -> None:
    """Wait until so many orders wait, as the tables have it."""
    async with asyncio.timeout(60):
        while await connection.fetchval(_WAITING) != count:  # noqa: ASYNC110 - it says nothing
            await asyncio.sleep(0.02)


@pytest.mark.slow
@pytest.mark.timeout(300)
@pytest.mark.parametrize("done", [0, 100])
async def test_what_is_due_is_triggered_once_whenever_it_dies(disk: Path, done: int) -> None:
    server = ReluctantServer(disk / "data")
    try:
        await asyncio.to_thread(server.launch_reluctantly, done)
        await fall(server)
        async with server.database() as connection:
            await until_waiting(connection, STOPS - done)
            server.kill()
            last = await connection.fetchval("SELECT last_seq FROM engine_state")
        await asyncio.to_thread(server.start)
        async with server.database() as connection:
            await until_waiting(connection, 0)
            executions = await executions_after(connection, 0)
        after = [execution.command for execution in executions if execution.seq > last]
        assert [type(command) for command in after] == [TriggerOrder] * (STOPS - done)
        events = [event for execution in executions for event in execution.events]
        reached = [e.order_ids for e in events if isinstance(e, OrdersReached)]
        assert [len(ids) for ids in reached] == [STOPS]
        triggered = [event.order_id for event in events if isinstance(event, OrderTriggered)]
        assert triggered == reached[0]
        sold = Counter(e.taker_order_id for e in events if isinstance(e, TradeExecuted))
        assert [sold[order_id] for order_id in triggered] == [1] * STOPS
        assert await asyncio.to_thread(server.end) == 0
        verified = await asyncio.to_thread(server.run, "verify")
        assert verified.returncode == 0, verified.stdout + verified.stderr
        print(f"killed after {done} of {STOPS} triggers: all took effect once; verify is clean")
    finally:
        server.clean_up()
