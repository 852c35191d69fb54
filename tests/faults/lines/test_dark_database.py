"""The line to PostgreSQL is a black hole, both ways or one: nobody waits without a word.

Up, nothing of a commit arrives; down, it is committed and nobody hears of it. Either way whoever
waits is told "unknown" in time, `/ready` says no, and when the line is whole again the same process
goes on where it stood: a retry under the same id gets the truth.
"""

import asyncio
import random
import time
from typing import Final

import httpx
import pytest

from tests.faults.conftest import MakeServer
from tests.faults.proxy.fault_line import DatabaseLine
from tests.faults.test_frozen_database import ANSWERED_S, READY_S, SLUG, Load
from tests.lengths import length, some
from tests.measured import tries
from tests.server_process import until

DARK_S: Final = length(6, long=30)
_LANES: Final = 3


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.parametrize("ways", some(("both ways", "up", "down"), everyday=(0, 2)))
async def test_in_the_dark_everybody_is_told_and_the_light_mends_all(
    make_server: MakeServer, database_line: DatabaseLine, ways: str
) -> None:
    server = make_server(DATABASE_URL=database_line.url)
    await asyncio.to_thread(server.start)
    await asyncio.to_thread(server.market, SLUG)
    _, token = await asyncio.to_thread(server.trader)
    pid, epoch = server.pid, server.call("GET", "/admin/stats", server.admin())["epoch"]
    async with httpx.AsyncClient(base_url=f"{server.url}/api/v1", timeout=30) as client:
        load = Load(client, token, random.Random(7))
        lanes = [asyncio.create_task(load.go_on()) for _ in range(_LANES)]
        for attempt in tries():
            before = load.placed()
            await until(lambda: load.placed() > before + 20)  # noqa: B023
            dark_at = time.monotonic()
            database_line.hold(up=ways != "down", down=ways != "up")
            await until(lambda: not server.is_ready(), 20)
            unready = time.monotonic() - dark_at
            await until(lambda: time.monotonic() > dark_at + DARK_S)  # noqa: B023
            waits = [
                one.answered_at - max(one.at, dark_at)
                for one in load.sent
                if one.answered_at > dark_at
            ]
            told = {one.status for one in load.sent if one.answered_at > dark_at}
            database_line.heal()
            healed_at = time.monotonic()
            await until(server.is_ready)
            placed = load.placed()
            await until(lambda: load.placed() > placed)  # noqa: B023
            back = time.monotonic() - healed_at
            assert 504 in told
            print(f"{ways}: not ready after {unready:.2f} s, open {back:.2f} s behind the light")
            attempt.takes("ready says no after s", unready, READY_S)
            attempt.takes("longest wait, s", max(waits), ANSWERED_S)
            attempt.takes("open again, s", back, 3.0)
        for lane in lanes:
            lane.cancel()
        await asyncio.wait(lanes)
        happened = 0
        for one in load.sent:
            first, status = one.content, one.status
            truth = await load.send(one)
            assert truth is not None
            assert first is None or truth == first
            happened += first is None and status == 504
        print(f"{len(load.sent)} orders, {happened} told as unknown and learned")
    assert (server.pid, server.call("GET", "/admin/stats", server.admin())["epoch"]) == (pid, epoch)
    verified = await asyncio.to_thread(server.run, "verify")
    assert verified.returncode == 0, verified.stdout + verified.stderr
    assert await asyncio.to_thread(server.end) == 0
