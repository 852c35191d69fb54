"""Readers that are stopped where they stand (SIGSTOP) cost the others nothing, and the server no
memory; they are closed as what they are.
"""

import array
import asyncio
import signal
import sys
import time
from pathlib import Path
from typing import Final

import psutil
import pytest

from tests.faults.conftest import MakeServer
from tests.faults.fleet import metric
from tests.gateway.socket_client import SocketClient, socket_client
from tests.lengths import IS_LONG
from tests.measured import tries
from tests.server_process import ServerProcess

SLUG: Final = "rain"
QUICK: Final = 36 if not IS_LONG else 180
STOPPED: Final = 4 if not IS_LONG else 20
BASELINE_S: Final = 4.0 if not IS_LONG else 30.0
STOPPED_S: Final = 8.0 if not IS_LONG else 60.0
CLOSED_S: Final = 90.0
UPDATES_A_SECOND: Final = 50
GROWTH_BYTES: Final = 50 * (1 << 20)
NOISE_NS: Final = 25_000_000
"""A machine that others use has pauses as long in any part of a minute."""
# In an everyday run what takes a minute takes seconds: the queue is short, not the rules.
SETTINGS: Final = {} if IS_LONG else {"SOCKET_SEND_QUEUE_SIZE": "64"}


class Readers:
    """A process of readers."""

    def __init__(self, server: ServerProcess, outcome: str, count: int, file: Path) -> None:
        self._file = file
        self._arguments = str(server.port), SLUG, outcome, str(count), str(file)
        self._process: asyncio.subprocess.Process | None = None

    async def start(self) -> None:
        module = "tests.faults.market_data.readers"
        self._process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", module, *self._arguments), stdout=asyncio.subprocess.PIPE
        )
        assert self._process.stdout is not None
        assert await asyncio.wait_for(self._process.stdout.readline(), 30) == b"ready\n"

    def send(self, number: signal.Signals) -> None:
        assert self._process is not None
        self._process.send_signal(number)

    async def end(self) -> tuple[dict[int, list[int]], int]:
        """Return when each seq was read, and how many sockets were closed."""
        assert self._process is not None
        self.send(signal.SIGTERM)
        out, _ = await asyncio.wait_for(self._process.communicate(), 30)
        found = array.array("q")
        found.frombytes(self._file.read_bytes())
        times: dict[int, list[int]] = {}
        for seq, at in zip(found[::2], found[1::2], strict=True):
            times.setdefault(seq, []).append(at)
        return times, int(out)

    def kill(self) -> None:
        """Leave nothing behind."""
        if self._process is not None and self._process.returncode is None:
            self._process.kill()


class Updates:
    """One command after the other, each of which moves the market's seq by one."""

    def __init__(self, ann: SocketClient, bob: SocketClient, seq: int) -> None:
        self._turns = [(ann, "YES"), (bob, "NO")]
        self.seq = seq
        self.sent: dict[int, int] = {}
        """When the command was sent that led to a seq."""

    async def for_(self, seconds: float) -> range:
        """Send so many; return the seqs that they led to."""
        first, end = self.seq + 1, time.monotonic() + seconds
        due = time.monotonic()
        while due < end:
            client, outcome = self._turns[self.seq % 2]
            body = {"market": SLUG, "side": "BUY", "outcome": outcome, "type": "LIMIT"}
            body |= {"price": "0.5", "quantity": "1"}
            self.seq += 1
            self.sent[self.seq] = time.monotonic_ns()
            await client.ok("order:place", body)
            due += 1 / UPDATES_A_SECOND
            await asyncio.sleep(max(0.0, due - time.monotonic()))
        return range(first, self.seq + 1)


def p99(times: dict[int, list[int]], sent: dict[int, int], seqs: range) -> int:
    """Return how long the slowest hundredth of deliveries took at least, in nanoseconds."""
    took = sorted(at - sent[seq] for seq in seqs for at in times[seq])
    return took[len(took) * 99 // 100]


@pytest.mark.slow
@pytest.mark.timeout(400)
async def test_stopped_readers_cost_the_others_nothing(
    make_server: MakeServer, tmp_path: Path
) -> None:
    server = make_server(STARTING_CREDITS="1000000", **SETTINGS)
    server.is_warm = False  # its memory is measured
    await asyncio.to_thread(server.start)
    market = await asyncio.to_thread(server.market, SLUG)
    (_, one), (_, other) = await asyncio.to_thread(lambda: (server.trader(), server.trader()))
    async with socket_client(server.port, one) as ann, socket_client(server.port, other) as bob:
        updates = Updates(ann, bob, market["seq"])
        for attempt in tries():
            baseline, stopped = await beside_stopped(server, updates, tmp_path)
            most = 2 * max(baseline, NOISE_NS)
            attempt.takes("p99 beside stopped readers, ms", stopped / 1e6, most / 1e6)


async def beside_stopped(server: ServerProcess, updates: Updates, folder: Path) -> tuple[int, int]:
    """Return the p99 of deliveries before readers are stopped, and while they are."""
    quick = Readers(server, "YES", QUICK, folder / "quick")
    slow = Readers(server, "BOTH", STOPPED, folder / "slow")
    told = metric(server, "slow_consumers_closed_total") + STOPPED
    try:
        await quick.start()
        await slow.start()
        await updates.for_(1)  # whatever is made once is made
        before = await updates.for_(BASELINE_S)
        process = psutil.Process(server.pid)
        memory = process.memory_info().rss
        slow.send(signal.SIGSTOP)
        during = await updates.for_(STOPPED_S)
        # Their queues fill by what is said, so that goes on until they are closed.
        late = time.monotonic() + CLOSED_S
        while await asyncio.to_thread(metric, server, "slow_consumers_closed_total") < told:
            assert time.monotonic() < late, "the stopped ones aren't closed"
            during = range(during.start, (await updates.for_(1)).stop)
        grown = process.memory_info().rss - memory
        slow.send(signal.SIGCONT)
        await asyncio.sleep(0.5)
        times, closed = await quick.end()
        _, slow_closed = await slow.end()
    finally:
        for readers in (quick, slow):
            readers.kill()
    assert (closed, slow_closed) == (0, STOPPED)
    missing = [seq for seq in (*before, *during) if len(times.get(seq, ())) != QUICK]
    assert missing == [], "each of the others has each message"
    baseline, stopped = (p99(times, updates.sent, seqs) for seqs in (before, during))
    print(f"p99 {baseline / 1e6:.1f} ms, then {stopped / 1e6:.1f} ms; {grown / 2**20:.1f} MiB more")
    assert grown < GROWTH_BYTES
    return baseline, stopped
