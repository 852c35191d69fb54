"""A gateway's line to PostgreSQL is cut, late, or nothing comes through it, while the engine's is
whole.

Trading notices nothing. The gateway hears the engine over Redis, but nobody tells it any more what
is true: so it says that what it shows may be old, answers what it can't read with 503 in time, and
five seconds after its line is whole again everything is as if nothing had been.
"""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import httpx
import pytest

from tests.faults.fleet import (
    Fleet,
    Follower,
    Trading,
    becomes_stale,
    follower,
    meanwhile,
    trading,
)
from tests.faults.proxy.befalling import FAULTS
from tests.faults.proxy.fault_line import DatabaseLine
from tests.faults.test_frozen_database import ANSWERED_S
from tests.faults.test_redis_fan_out import BACK_S, LONGEST_ORDER_S, levelled
from tests.lengths import length, some
from tests.measured import slowness, tries
from tests.server_process import ServerProcess, until

STALE_S: Final = 4.0
RESYNCED_S: Final = 5.0
_FAULTS: Final = (
    *("shut", "held both ways", "held down", "lost both ways"),
    *("held up", "lost up", "lost down", "late"),
)
POINTS: Final = length(4, long=100)
"""Of what a read asks of the database; and as many of what it is answered."""
FAR_BEHIND: Final = 1 << 24
"""Bytes that no read takes, with all that the gateway asks of the database beside it."""


@dataclass
class Scene:
    """A gateway behind a line to the database, who follows it, and who trades at the engine."""

    fleet: Fleet
    gateway: ServerProcess
    reader: Follower
    trader: Trading
    client: httpx.AsyncClient
    """Somebody who is signed in, at the gateway."""


@pytest.fixture
async def scene(
    tmp_path: Path, database_line: DatabaseLine, database_url: str
) -> AsyncIterator[Scene]:
    with ExitStack() as stack:
        fleet = Fleet(tmp_path, database_url, stack)
        (gateway,) = fleet.gateways("gateway", DATABASE_URL=database_line.url)
        _, token = fleet.engine.trader()
        headers = {"authorization": f"Bearer {token}"}
        url = f"{gateway.url}/api/v1"
        async with (
            follower(gateway) as reader,
            trading(fleet) as trader,
            httpx.AsyncClient(base_url=url, headers=headers, timeout=30) as client,
        ):
            yield Scene(fleet, gateway, reader, trader, client)
        assert fleet.engine.end() == 0


@pytest.mark.slow
@pytest.mark.timeout(600)
async def test_a_gateway_without_its_database_says_so_and_is_back_soon(
    scene: Scene, database_line: DatabaseLine
) -> None:
    gateway, reader, trader = scene.gateway, scene.reader, scene.trader
    for fault in some(_FAULTS, everyday=(0, 1, 6, 7)):
        for attempt in tries():
            trader.longest_s, placed = 0.0, trader.placed
            async with meanwhile(trader.on_and_on()):
                FAULTS[fault](database_line)
                dark_at = time.monotonic()
                await becomes_stale(gateway, BACK_S)
                await reader.client.until(lambda: reader.is_stale)
                stale = time.monotonic() - dark_at
                asked_at = time.monotonic()
                answer = await scene.client.get("/user/ledger")
                answered = time.monotonic() - asked_at
                # What comes late is an answer all the same.
                known = {200, 503} if fault == "late" else {503}
                assert answer.status_code in known, answer.text
                await until(lambda: trader.placed > placed + 20)  # noqa: B023
            await asyncio.to_thread(database_line.heal)
            healed = time.monotonic()
            await until(gateway.is_ready)
            await levelled(scene.fleet, gateway, reader)
            await reader.client.until(lambda: reader.is_stale is False)
            took = time.monotonic() - healed
            print(f"{fault}: stale after {stale:.2f} s, resynced in {took:.2f} s")
            attempt.takes(f"{fault}: marked as stale, s", stale, STALE_S)
            attempt.takes(f"{fault}: answered, s", answered, ANSWERED_S)
            attempt.takes(f"{fault}: resynced, s", took, RESYNCED_S)
            attempt.takes("longest order, s", trader.longest_s, LONGEST_ORDER_S)


@pytest.mark.slow
@pytest.mark.timeout(600)
async def test_cut_behind_any_byte_a_read_is_answered(
    scene: Scene, database_line: DatabaseLine
) -> None:
    """With what the database holds, or that it can't be read now; trading goes on through it."""
    client = scene.client
    truth = (await client.get("/user/ledger")).json()["data"]
    before = database_line.passed()
    await client.get("/user/ledger")
    most = [now - begun for begun, now in zip(before, database_line.passed(), strict=True)]
    told = {200: 0, 503: 0}
    for number in range(2 * POINTS):
        of_answers = number >= POINTS
        # How much passes beside a read, and for a connection made anew, differs from
        # one to the next: behind the last point it is answered whatever passes.
        part = (number % POINTS) / (POINTS - 1)
        count = round(3 * most[of_answers] * part) if part < 1 else FAR_BEHIND
        database_line.cut_after(count, of_answers=of_answers)
        asked_at = time.monotonic()
        answer = await client.get("/user/ledger")
        assert time.monotonic() - asked_at < ANSWERED_S * slowness()
        told[answer.status_code] += 1
        if answer.is_success:
            assert answer.json()["data"] == truth
        await scene.trader.orders(2)
        database_line.heal()
        await until(scene.gateway.is_ready)
    await levelled(scene.fleet, scene.gateway, scene.reader)
    assert (await client.get("/user/ledger")).json()["data"] == truth
    print(f"{2 * POINTS} cuts in a read: {told}")
    assert all(told.values())
