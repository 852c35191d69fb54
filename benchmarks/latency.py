"""How long does an order wait for its acknowledgement while the server isn't at its limit?

Order entry by Socket.IO, half crossing, as in `socket_orders`. In each round the closed loop finds
the maximum first; then orders are sent at half of it and at four fifths, at times drawn beforehand
(a Poisson process, on eight sockets in turn) that no answer can delay: a server that pauses gets
the orders that were due all the same. A wait counts from when the order was due to its ack, so that
what the generator is late (its timers tick once a millisecond, and it shares the machine) is in it
too. Every order must be acknowledged with ok.
"""

import asyncio
import itertools
import random
import re
import time
from statistics import quantiles
from typing import Final
from urllib.parse import urlsplit

import uvloop

from benchmarks.harness.report import Figure, amount
from benchmarks.loads.server_process import funded_trader, running_server
from benchmarks.loads.socket_wire import WireClient, wire_client
from benchmarks.socket_orders import CREDITS, FLOWS, SOCKETS, closed_loop
from tests.server_process import ServerProcess

ROUNDS: Final = 3
SECONDS: Final = 4.0
SHARES: Final = (50, 80)
_FLOW: Final = FLOWS["half crossing"]
_WARM_UP_S: Final = 0.5
_LAST_ACK_S: Final = 10.0
_LONGEST_ACK_HEAD: Final = 40
_ACK: Final = re.compile(rb'43(\d+)\[\{"ok":(true|false)')


def measure() -> list[Figure]:
    """Return the median and the 99th percentile of the wait at each share of the maximum."""
    waits: dict[tuple[int, int], list[float]] = {}
    rates: dict[int, float] = {}
    with running_server({"SOCKET_IN_FLIGHT_MAX": "10000"}) as server:
        tokens = [funded_trader(server, CREDITS) for _ in range(SOCKETS)]
        for number in range(ROUNDS):
            server.market(f"maximum-{number}")
            most, _ = uvloop.run(closed_loop(server, f"maximum-{number}", tokens, _FLOW))
            for share in SHARES:
                slug = f"open-{number}-{share}"
                server.market(slug)
                rates[share] = most * share / 100
                found = uvloop.run(_open_loop(server, slug, tokens, rates[share], number))
                for percent in (50, 99):
                    wait = quantiles(found, n=100)[percent - 1]
                    waits.setdefault((share, percent), []).append(1_000 * wait)
    return [
        Figure(
            f"ack latency at {share} % of the maximum, p{percent}",
            "ms",
            rounds,
            note=f"{amount(rates[share])} orders/s in the last round",
        )
        for (share, percent), rounds in waits.items()
    ]


class Waits:
    """Knows when each order was due, and how long it waited."""

    def __init__(self) -> None:
        self.joined = asyncio.Event()
        self.done = asyncio.Event()
        self.found: list[float] = []
        self.refused = 0
        self._due: dict[int, float] = {}
        self._tail = b""
        self._all_sent = False

    def sent(self, number: int, due: float) -> None:
        """Note an order."""
        self._due[number] = due

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
            self.found.append(now - self._due.pop(int(ack[1])))
            self.refused += ack[2] == b"false"
            read = max(read, ack.end())
        self._tail = text[read:]
        if not self.joined.is_set() and b'40{"sid"' in text:
            self.joined.set()
        self._look()

    def _look(self) -> None:
        if self._all_sent and not self._due:
            self.done.set()


async def _open_loop(
    server: ServerProcess, slug: str, tokens: list[str], rate: float, seed: int
) -> list[float]:
    """Send orders at that rate; return how many seconds each waited, without the first ones."""
    lines = [await _line(server, token) for token in tokens]
    orders = _schedule(rate, seed)
    outcomes = itertools.cycle(_FLOW)
    started = time.perf_counter()
    for number, after in enumerate(orders):
        due = started + after
        while (early := due - time.perf_counter()) > 0:  # noqa: ASYNC110 - the clock is the event
            await asyncio.sleep(early)
        if number % 16 == 0:
            # Being late with the next order is no reason not to read.
            await asyncio.sleep(0)
        client, waits = lines[number % len(lines)]
        outcome, price = next(outcomes)
        waits.sent(number, due)
        client.send(
            f'42{number}["order:place",{{"market":"{slug}","side":"BUY","outcome":"{outcome}",'
            f'"type":"LIMIT","price":"{price}","quantity":"1"}}]'
        )
    for client, waits in lines:
        waits.all_sent()
        await asyncio.wait_for(waits.done.wait(), _LAST_ACK_S)
        if waits.refused or client.lost:
            raise RuntimeError(f"{waits.refused} orders were refused, or the socket closed")
        if client.transport is not None:
            client.transport.abort()
    first = int(rate * _WARM_UP_S / len(lines))
    return [wait for _, waits in lines for wait in waits.found[first:]]


async def _line(server: ServerProcess, token: str) -> tuple[WireClient, Waits]:
    """Connect a trader's socket."""
    waits = Waits()
    client = await wire_client(urlsplit(server.url).port or 0, waits.heard)
    client.send(f'40{{"token":"{token}"}}')
    await asyncio.wait_for(waits.joined.wait(), 10)
    return client, waits


def _schedule(rate: float, seed: int) -> list[float]:
    """Return the seconds after the start at which orders are due."""
    dice = random.Random(seed)
    times, now = [], 0.0
    while (now := now + dice.expovariate(rate)) < SECONDS:
        times.append(now)
    return times
