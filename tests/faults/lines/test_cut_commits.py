"""The line to PostgreSQL is cut at every stage of a commit: no batch is lost, none is doubled.

The engine's own connection is cut behind each byte of what a few orders send over it, and behind
each byte of what comes back. Whatever was cut off before its last byte never happened; whatever
PostgreSQL had whole is committed, though nobody was told. The clients can't know which; they ask
again under the same ids, and every order is there once, with the answer that it would have had.
"""

import asyncio
import random
from typing import Final

import httpx
import pytest

from tests.faults.conftest import MakeServer
from tests.faults.proxy.fault_line import DatabaseLine
from tests.faults.test_database_outage import epoch_of, settled, until_recovered
from tests.faults.test_kill import open_floor
from tests.faults.trading_load import Placing, Trader
from tests.lengths import length
from tests.server_process import ServerProcess

ENGINE: Final = b"probity engine"
"""The engine's connection names itself so."""
POINTS: Final = length(5, long=240)
"""Of requests; and half as many of answers."""
_AT_ONCE: Final = 4


class Floor:
    """A market, its traders, and the line between their server and its database."""

    def __init__(self, server: ServerProcess, line: DatabaseLine, database_url: str) -> None:
        self.server, self.line = server, line
        self._database_url = database_url
        self.market, self.traders = open_floor(server, random.Random(19))

    async def orders(self) -> list[Placing]:
        """Send a few orders at once; return them, some of which nobody answered."""
        sent = []
        async with httpx.AsyncClient(base_url=f"{self.server.url}/api/v1", timeout=30) as client:

            async def place(trader: Trader) -> None:
                placing = trader.new_placing()
                sent.append(placing)
                placing.told = await trader.post(client, placing.body)

            await asyncio.gather(*map(place, self.traders[:_AT_ONCE]))
        return sent

    async def bytes_of_orders(self) -> tuple[int, int]:
        """Return how many bytes a few orders take on the engine's connection, up and down."""
        before = self.line.passed(ENGINE)
        await self.orders()
        after = self.line.passed(ENGINE)
        return after[0] - before[0], after[1] - before[1]

    async def cut_once(self, count: int, *, of_answers: bool) -> tuple[int, int]:
        """Cut behind so many bytes; return how many orders weren't answered, and of those how many
        had happened.
        """
        epoch = epoch_of(self.server)
        connections = self.line.connections(ENGINE)
        assert len(connections) == 1
        self.line.cut_after(count, ENGINE, of_answers=of_answers)
        sent = []
        while not connections[0].is_cut:  # the last byte is followed by the next commit's first
            sent += await self.orders()
        await until_recovered(self.server, epoch)
        unanswered = [placing for placing in sent if placing.told is None]
        await settled(self.server, self.market, self.traders, self._database_url)
        happened = sum(placing.told is not None and placing.told.replayed for placing in unanswered)
        return len(unanswered), happened


def _points(most: int, count: int) -> list[int]:
    """Return places from the first byte to the last, both included."""
    return sorted({round(most * number / (count - 1)) for number in range(count)})


@pytest.mark.slow
@pytest.mark.timeout(900)
async def test_cut_behind_any_byte_no_batch_is_lost_or_doubled(
    make_server: MakeServer, database_line: DatabaseLine, database_url: str
) -> None:
    server = make_server(DATABASE_URL=database_line.url)
    await asyncio.to_thread(server.start)
    pid = server.pid
    floor = await asyncio.to_thread(Floor, server, database_line, database_url)
    await floor.orders()
    up, down = await floor.bytes_of_orders()
    cuts, figures = 0, {}
    for of_answers, most in ((False, up), (True, down)):
        unknown = happened = 0
        points = _points(most, POINTS // 2 if of_answers else POINTS)
        for count in points:
            without, done = await floor.cut_once(count, of_answers=of_answers)
            print(f"{'answers' if of_answers else 'requests'} {count}/{most}: {without} {done}")
            unknown, happened, cuts = unknown + without, happened + done, cuts + 1
        figures[of_answers] = unknown, happened
    for of_answers, (unknown, happened) in figures.items():
        which = "its answers" if of_answers else "its requests"
        print(f"cut in {which}: {unknown} orders without an answer, of which {happened} happened")
    print(f"{cuts} cuts: 0 orders lost, 0 doubled")
    assert figures[False][0] > figures[False][1], "nothing was cut before it was whole"
    assert figures[True][1] > 0, "nothing was cut behind its commit"
    assert server.pid == pid
    verified = await asyncio.to_thread(server.run, "verify")
    assert verified.returncode == 0, verified.stdout + verified.stderr
    assert await asyncio.to_thread(server.end) == 0
