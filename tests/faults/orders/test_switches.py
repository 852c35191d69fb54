"""`kill -9` around a deadline: switches, expiries and leases are carried out exactly once."""

import asyncio
import os
import random
import time
from contextlib import AsyncExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from exchange.messages.terms import CancelReason
from persistence.journal.codes import CANCEL_REASON
from persistence.postgres.database import Connection
from tests.gateway.socket_client import SocketClient, socket_client
from tests.lengths import length
from tests.server_process import ServerProcess

ROUNDS = length(2, long=20)
ORDERS = 5
DEADLINE_S = 2.0
LEASE_S = 10.0
ENDED = "SELECT count(*) FROM orders WHERE account_id = $1 AND cancel_reason = $2"
OPEN = "SELECT count(*) FROM orders WHERE account_id = $1 AND status IN (1, 2)"


@pytest.fixture
def home(disk: Path) -> Path:
    """On a disk, where a commit can be met in the middle."""
    return disk


def order(**more: Any) -> dict[str, Any]:
    return {
        "market": "rain-soon",
        "side": "BUY",
        "outcome": "YES",
        "type": "LIMIT",
        "price": "0.10",
        "quantity": "1",
    } | more


async def place(client: SocketClient, **more: Any) -> None:
    for _ in range(ORDERS):
        await client.ok("order:place", order(**more))


async def count(connection: Connection, account_id: int, reason: CancelReason) -> int:
    found: int = await connection.fetchval(ENDED, account_id, CANCEL_REASON[reason])
    return found


async def all_ended(connection: Connection, accounts: list[int], seconds: float) -> None:
    """Wait until nobody of these has an open order."""
    deadline = time.monotonic() + seconds
    while any([await connection.fetchval(OPEN, account) for account in accounts]):
        assert time.monotonic() < deadline, "an order outlived its deadline"
        await asyncio.sleep(0.05)


def verify(server: ServerProcess) -> None:
    done = server.run("verify")
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.slow
@pytest.mark.timeout(600)
async def test_deadlines_that_a_kill_meets_are_carried_out_once(server: ServerProcess) -> None:
    """Killed shortly before, at, or after both deadlines; after the restart nobody sends more."""
    seed = int(os.environ.get("PROBITY_TEST_SEED", time.time_ns() % 10**9))
    print(f"PROBITY_TEST_SEED={seed}")
    rng = random.Random(seed)
    server.market("rain-soon")
    (ann, ann_token), (ben, ben_token) = server.trader(), server.trader()
    for number in range(1, ROUNDS + 1):
        async with (
            socket_client(server.port, ann_token) as first,
            socket_client(server.port, ben_token) as second,
        ):
            await place(first)
            ends = datetime.now(UTC) + timedelta(seconds=DEADLINE_S)
            at = time.monotonic()
            await first.ok("session:heartbeat", {"timeoutMs": int(DEADLINE_S * 1_000)})
            text = ends.isoformat(timespec="milliseconds").replace("+00:00", "Z")
            await place(second, timeInForce="GTD", expiresAt=text)
            moment = at + DEADLINE_S + rng.uniform(-0.05, 0.05)
            await asyncio.sleep(max(0.0, moment - time.monotonic()))
            server.kill()
        restarted = await asyncio.to_thread(server.start)
        async with server.database() as connection:
            await all_ended(connection, [ann, ben], 60)
            assert await count(connection, ann, CancelReason.DEAD_MAN) == number * ORDERS
            assert await count(connection, ben, CancelReason.EXPIRED) == number * ORDERS
        print(f"kill {number}: {moment - at - DEADLINE_S:+.3f} s, up again in {restarted:.2f} s")
        await asyncio.to_thread(verify, server)


@pytest.mark.slow
@pytest.mark.timeout(300)
async def test_what_is_tied_to_a_killed_server_ends_by_itself(server: ServerProcess) -> None:
    """The gateway dies with its sessions and can say nothing: its lease does."""
    server.market("rain-soon")
    people = [server.trader() for _ in range(3)]
    for _, token in people:
        async with socket_client(server.port, token) as client:
            # What isn't tied stays.
            await client.ok("order:place", order(price="0.09"))
    async with AsyncExitStack() as sockets:
        for _, token in people:
            client = await sockets.enter_async_context(socket_client(server.port, token))
            await client.ok("session:cancel_on_disconnect", {"enabled": True})
            await place(client)
        # Longer than the lease: it is renewed.
        await asyncio.sleep(LEASE_S + 1)
        async with server.database() as connection:
            assert await connection.fetchval("SELECT count(*) FROM orders WHERE status = 1") == 18
            assert await connection.fetchval("SELECT count(*) FROM leases") == 1
        killed = time.monotonic()
        server.kill()
    await asyncio.to_thread(server.start)
    async with server.database() as connection:
        deadline = killed + LEASE_S + 60
        while await connection.fetchval("SELECT count(*) FROM leases"):
            assert time.monotonic() < deadline, "the lease outlived its server"
            await asyncio.sleep(0.05)
        print(f"the sessions ended {time.monotonic() - killed:.1f} s after the kill")
        for account_id, _ in people:
            assert await count(connection, account_id, CancelReason.DISCONNECTED) == ORDERS
            assert await connection.fetchval(OPEN, account_id) == 1
    await asyncio.to_thread(verify, server)
