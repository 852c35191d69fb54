"""How many durable acks a second does order entry by Socket.IO give?

8 sockets with 16 orders in flight each, against a real server over loopback on the same machine:
each ack sends the next order. `resting` orders never meet, of the `half crossing` ones every second
on average meets one that rests. Every ack counted says ok, so Postgres has committed its order.
Each trader also gets all its private messages, as in life.
"""

import asyncio
import itertools
import time
from urllib.parse import urlsplit

import psutil
import uvloop

from benchmarks.harness.report import Figure
from benchmarks.loads.server_process import funded_trader, running_server
from benchmarks.loads.socket_wire import WireClient, wire_client
from tests.server_process import ServerProcess

SOCKETS = 8
IN_FLIGHT = 16
SECONDS = 2
ROUNDS = 5
CREDITS = 100_000_000
FLOOR = 8_000
FLOWS = {
    "resting": [("YES", f"0.{cents:02d}") for cents in range(1, 41)]
    + [("NO", f"0.{cents:02d}") for cents in range(1, 41)],
    "half crossing": [("YES", "0.55"), ("NO", "0.45")],
}


class Trader:
    """Keeps so many orders in flight on one socket."""

    def __init__(self, slug: str, flow: list[tuple[str, str]]) -> None:
        self.acks = 0
        self.refused = 0
        self.joined = asyncio.Event()
        self._ids = itertools.count(1)
        self._bodies = itertools.cycle(
            f'["order:place",{{"market":"{slug}","side":"BUY","outcome":"{outcome}",'
            f'"type":"LIMIT","price":"{price}","quantity":"1"}}]'
            for outcome, price in flow
        )
        self._tail = b""
        self.running = True

    def heard(self, client: WireClient, data: bytes) -> None:
        """Count what was acknowledged and send as many orders more."""
        text = self._tail + data
        # What may be the first part of a mark stays for the next chunk.
        self._tail = text[-10:]
        done = text.count(b'[{"ok":true') - self._tail.count(b'[{"ok":true')
        refused = text.count(b'[{"ok":false') - self._tail.count(b'[{"ok":false')
        if b'40{"sid"' in text:
            self.joined.set()
        self.acks += done
        self.refused += refused
        if self.running:
            self.send(client, done + refused)

    def send(self, client: WireClient, count: int) -> None:
        """Send orders."""
        for _ in range(count):
            client.send(f"42{next(self._ids)}{next(self._bodies)}")


def measure() -> list[Figure]:
    """Return acks/s for both flows."""
    with running_server({"SOCKET_IN_FLIGHT_MAX": str(IN_FLIGHT)}) as server:
        return [closed_loops(server, name, FLOOR) for name in FLOWS]


def closed_loops(server: ServerProcess, flow: str, floor: float | None = None) -> Figure:
    """Return acks/s of one flow, each round with a market and traders of its own.

    An account may have 10 000 open orders, enough for a round of resting at 40 000 acks/s.
    """
    rates, note = [], ""
    for number in range(ROUNDS):
        tokens = [funded_trader(server, CREDITS) for _ in range(SOCKETS)]
        slug = f"socket-{flow.replace(' ', '-')}-{number}"
        server.market(slug)
        rate, note = uvloop.run(closed_loop(server, slug, tokens, FLOWS[flow]))
        rates.append(rate)
    return Figure(f"Socket.IO: {flow}", "acks/s", rates, floor, note)


async def closed_loop(
    server: ServerProcess, slug: str, tokens: list[str], flow: list[tuple[str, str]]
) -> tuple[float, str]:
    """Keep `IN_FLIGHT` orders in flight on a socket for each token; return acks/s and notes.

    Raises:
        RuntimeError: an order was refused, or a socket closed.
    """
    port = urlsplit(server.url).port or 0
    traders, clients = [], []
    for turn, token in enumerate(tokens):
        trader = Trader(slug, flow[turn % len(flow) :] + flow[: turn % len(flow)])
        client = await wire_client(port, trader.heard)
        client.send(f'40{{"token":"{token}"}}')
        await asyncio.wait_for(trader.joined.wait(), 10)
        traders.append(trader)
        clients.append(client)
    process = psutil.Process(server.pid)
    started, cpu, server_cpu = time.perf_counter(), _cpu(psutil.Process()), _cpu(process)
    for trader, client in zip(traders, clients, strict=True):
        trader.send(client, IN_FLIGHT)
    await asyncio.sleep(SECONDS)
    acks = sum(trader.acks for trader in traders)
    elapsed, used = time.perf_counter() - started, _cpu(psutil.Process()) - cpu
    each = (_cpu(process) - server_cpu) / max(1, acks)
    if refused := sum(trader.refused for trader in traders):
        raise RuntimeError(f"{refused} orders were refused")
    for trader, client in zip(traders, clients, strict=True):
        trader.running = False
        if client.lost:
            raise RuntimeError("the server closed a socket")
    await asyncio.sleep(0.2)
    for client in clients:
        if client.transport is not None:
            client.transport.abort()
    note = f"{each * 1e6:.0f} us of the server's CPU each, generator {used / elapsed:.0%} of a core"
    return acks / elapsed, note


def _cpu(process: psutil.Process) -> float:
    times = process.cpu_times()
    return float(times.user + times.system)
