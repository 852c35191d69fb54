"""`kill -9` within a batch of orders that reaches stops, and between its commit and their triggers:
all of it took effect once, or nothing did and the same request does it.
"""

import asyncio
from pathlib import Path
from typing import Any

import httpx
import pytest

from exchange.messages.commands import BatchOrders, TriggerOrder
from exchange.messages.events import OperationRun
from exchange.messages.execution import Execution
from persistence.journal.reader import executions_after
from persistence.journal.source import JournalSource
from tests.faults.orders import mortal_server
from tests.faults.orders.held_stops import (
    SLUG,
    TAKES_THE_BID,
    HeldStops,
    check_triggers,
    until_waiting,
)
from tests.faults.orders.reluctant_server import ReluctantServer

STOPS = 120
RESTS = {"side": "BUY", "outcome": "NO", "type": "LIMIT", "quantity": "3", "price": "0.10"}


def batch(*, all_or_none: bool) -> dict[str, Any]:
    """Bid, bring the price down, bid again, under one request id."""
    placings = [{"op": "place"} | terms for terms in (RESTS, TAKES_THE_BID, RESTS)]
    request = f"batch-{all_or_none}"
    return {"market": SLUG, "operations": placings, "allOrNone": all_or_none, "requestId": request}


async def finish(server: ReluctantServer) -> list[Execution]:
    """Wait until nothing is due, end the server, let `verify` look; return what ever ran."""
    async with server.database() as connection:
        await until_waiting(connection, 0)
        executions = await executions_after(JournalSource(connection), 0)
    check_triggers(executions, STOPS)
    ran = [e for e in executions if isinstance(e.events[0], OperationRun)]
    assert [type(execution.command) for execution in ran] == [BatchOrders]
    assert await asyncio.to_thread(server.end) == 0
    verified = await asyncio.to_thread(server.run, "verify")
    assert verified.returncode == 0, verified.stdout + verified.stderr
    return executions


@pytest.mark.slow
@pytest.mark.timeout(300)
@pytest.mark.parametrize("all_or_none", [False, True])
async def test_dead_within_a_batch_nothing_of_it_happened(disk: Path, all_or_none: bool) -> None:
    server, body = ReluctantServer(disk / "data"), batch(all_or_none=all_or_none)
    try:
        # Within the third operation: the second one has traded and the stops are reached.
        await asyncio.to_thread(server.launch_reluctantly, 3, mortal_server.MODULE)
        stops = HeldStops(server, STOPS)
        await stops.place()
        with pytest.raises(httpx.TransportError):
            await stops.take_the_bid("/orders/batch", body)
        await asyncio.to_thread(server.kill)
        await asyncio.to_thread(server.start)
        async with server.database() as connection:
            await until_waiting(connection, STOPS)
            assert await connection.fetchval("SELECT count(*) FROM trades") == 1
        told = await stops.take_the_bid("/orders/batch", body)
        assert [result["ok"] for result in told["results"]] == [True] * 3
        assert len(told["results"][1]["data"]["trades"]) == 1
        await finish(server)
        print(f"all or none: {all_or_none}; killed within, {STOPS} stops once; verify is clean")
    finally:
        server.clean_up()


@pytest.mark.slow
@pytest.mark.timeout(300)
async def test_dead_behind_a_batch_its_stops_are_triggered_by_themselves(disk: Path) -> None:
    server, body = ReluctantServer(disk / "data"), batch(all_or_none=True)
    try:
        await asyncio.to_thread(server.launch_reluctantly, 0)
        stops = HeldStops(server, STOPS)
        await stops.place()
        told = await stops.take_the_bid("/orders/batch", body)
        server.kill()
        await asyncio.to_thread(server.start)
        async with server.database() as connection:
            await until_waiting(connection, 0)
        again = await stops.take_the_bid("/orders/batch", body)
        assert again == told | {"replayed": True}
        executions = await finish(server)
        behind = [type(execution.command) for execution in executions]
        first = behind.index(BatchOrders) + 1
        assert behind[first : first + STOPS] == [TriggerOrder] * STOPS
    finally:
        server.clean_up()
