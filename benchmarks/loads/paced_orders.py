"""Orders by Socket.IO at times drawn beforehand, and when each was due, sent and acknowledged.

An open loop: a Poisson process on several sockets in turn that no answer can delay, so a server
that pauses gets the orders that were due all the same. The generator shares the machine; its clock
is `pacing.py`.
"""

import asyncio
import itertools
import random
import re
import time
from collections.abc import Awaitable, Callable
from typing import Final, NamedTuple
from urllib.parse import urlsplit

from benchmarks.loads.pacing import pace
from benchmarks.loads.socket_wire import WireClient, wire_client
from tests.server_process import ServerProcess

SECONDS: Final = 3.0
_LAST_ACK_S: Final = 10.0
_LONGEST_ACK_HEAD: Final = 40
_ACK: Final = re.compile(rb'43(\d+)\[\{"ok":(true|false)')


class Sent(NamedTuple):
    """One order: its socket, and moments of `time.perf_counter`, the clock of all processes."""

    socket: int
    due: float
    sent: float
    heard: float

    @property
    def wait(self) -> float:
        """How many seconds passed from when it was due to its ack."""
        return self.heard - self.due


class Line:
    """A trader's socket, and what is on its way there."""

    def __init__(self, socket: int) -> None:
        self.joined = asyncio.Event()
        self.done = asyncio.Event()
        self.client: WireClient | None = None
        self.found: dict[int, Sent] = {}
        self.refused = 0
        self._socket = socket
        self._open: dict[int, tuple[float, float]] = {}
        self._tail = b""
        self._all_sent = False

    def send(self, number: int, due: float, text: str) -> None:
        """Send an order that was due."""
        if self.client is not None:
            self._open[number] = due, time.perf_counter()
            self.client.send(text)

    def all_sent(self) -> None:
        """Note that no order follows."""
        self._all_sent = True
        self._look()

    def heard(self, _client: WireClient, data: bytes) -> None:
        """Find the acks in what came; what may be the first part of one stays."""
        now = time.perf_counter()
        text = self._tail + data
        read = max(0, len(text) - _LONGEST_ACK_HEAD)
        for ack in _ACK.finditer(text):
            number = int(ack[1])
            self.found[number] = Sent(self._socket, *self._open.pop(number), now)
            self.refused += ack[2] == b"false"
            read = max(read, ack.end())
        self._tail = text[read:]
        if not self.joined.is_set() and b'40{"sid"' in text:
            self.joined.set()
        self._look()

    def _look(self) -> None:
        if self._all_sent and not self._open:
            self.done.set()


class Offered(NamedTuple):
    """What a load came to: its orders as they were due, and how long all of it took."""

    orders: list[Sent]
    elapsed: float


async def offer(
    server: ServerProcess,
    slug: str,
    tokens: list[str],
    flow: list[tuple[str, str]],
    rate: float,
    seed: int,
    beside: Callable[[], Awaitable[object]] | None = None,
) -> Offered:
    """Send orders of a flow at that rate, on a socket for each token, while `beside` runs; its time
    is counted from the first order that was due to the last ack.

    Raises RuntimeError if an order was refused, or a socket closed.
    """
    lines = [await _line(server, socket, token) for socket, token in enumerate(tokens)]
    due_after = schedule(rate, seed)
    running = None if beside is None else asyncio.ensure_future(beside())
    terms = itertools.cycle(flow)
    with pace() as timer:
        started = time.perf_counter()
        for number, after in enumerate(due_after):
            due = started + after
            await timer.until(due)
            if number % 16 == 0:
                # Being late with the next order is no reason not to read.
                await asyncio.sleep(0)
            outcome, price = next(terms)
            lines[number % len(lines)].send(
                number,
                due,
                f'42{number}["order:place",{{"market":"{slug}","side":"BUY","outcome":"{outcome}",'
                f'"type":"LIMIT","price":"{price}","quantity":"1"}}]',
            )
    for line in lines:
        line.all_sent()
        await asyncio.wait_for(line.done.wait(), _LAST_ACK_S)
        if line.refused or line.client is None or line.client.lost:
            raise RuntimeError(f"{line.refused} orders were refused, or the socket closed")
    elapsed = time.perf_counter() - started - due_after[0]
    for line in lines:
        if line.client is not None and line.client.transport is not None:
            line.client.transport.abort()
    found = dict(itertools.chain.from_iterable(line.found.items() for line in lines))
    if running is not None:
        await running
    return Offered([found[number] for number in range(len(due_after))], elapsed)


async def _line(server: ServerProcess, socket: int, token: str) -> Line:
    """Connect a trader's socket."""
    line = Line(socket)
    line.client = await wire_client(urlsplit(server.url).port or 0, line.heard)
    line.client.send(f'40{{"token":"{token}"}}')
    await asyncio.wait_for(line.joined.wait(), 10)
    return line


def schedule(rate: float, seed: int) -> list[float]:
    """Return the seconds after the start at which orders are due."""
    dice = random.Random(seed)
    times, now = [], 0.0
    while (now := now + dice.expovariate(rate)) < SECONDS:
        times.append(now)
    return times
