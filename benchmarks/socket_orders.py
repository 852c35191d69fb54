"""How many durable acks a second does order entry by Socket.IO give?

8 sockets with 16 orders in flight each, against a real server over loopback on the same machine:
each ack sends the next order. `resting` orders never meet, of the `half crossing` ones every second
on average meets one that rests. Every ack counted says ok, so Postgres has committed its order.
Each trader also gets all its private messages, as in life.

The yardstick is python-socketio's own echo (`yardsticks/bare_server.py`) under uvicorn, in turn
with ours: an event with an ack on as many sockets with as many in flight, by the same client. It
parses the same orders, acknowledges with what Probity says of one that rests, and sends nothing
else.
"""

import asyncio
import itertools
import json
import time
from urllib.parse import urlsplit

import psutil
import uvloop

from benchmarks.harness.report import Figure, Yardstick
from benchmarks.loads.server_process import funded_trader, running_server
from benchmarks.loads.socket_wire import WireClient, wire_client
from benchmarks.yardsticks.bare_server import BareServer, bare_server
from tests.server_process import ServerProcess

SOCKETS = 8
IN_FLIGHT = 16
SECONDS = 2
ROUNDS = 5
CREDITS = 100_000_000
AT_LEAST = 1.0
_ECHO = "python-socketio's echo"
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
    """Return acks/s for both flows, and of the echo."""
    with running_server({"SOCKET_IN_FLIGHT_MAX": str(IN_FLIGHT)}) as server:
        return closed_loops(server, *FLOWS, at_least=AT_LEAST)


def closed_loops(server: ServerProcess, *flows: str, at_least: float | None = None) -> list[Figure]:
    """Return acks/s of the echo and of some flows, each round with a market and traders of its own.

    An account may have 10 000 open orders, enough for a round of resting at 40 000 acks/s.
    """
    rates: dict[str, list[float]] = {name: [] for name in (*flows, _ECHO)}
    notes: dict[str, str] = {}
    with bare_server("echo", _sample_ack(server)) as echo:
        for number in range(ROUNDS):
            for name in flows:
                tokens = [funded_trader(server, CREDITS) for _ in range(SOCKETS)]
                slug = f"socket-{name.replace(' ', '-')}-{number}"
                server.market(slug)
                loop = closed_loop(server, slug, tokens, FLOWS[name])
                rate, notes[name] = uvloop.run(loop)
                rates[name].append(rate)
            loop = closed_loop(echo, "echo", ["nobody"] * SOCKETS, FLOWS["half crossing"])
            rate, notes[_ECHO] = uvloop.run(loop)
            rates[_ECHO].append(rate)
    yardstick = Yardstick(_ECHO, rates[_ECHO], at_least=at_least)
    return [
        Figure(f"yardstick: {_ECHO}", "acks/s", rates[_ECHO], notes[_ECHO]),
        *[
            Figure(f"Socket.IO: {name}", "acks/s", rates[name], notes[name], yardstick)
            for name in flows
        ],
    ]


def _sample_ack(server: ServerProcess) -> bytes:
    """Place an order that rests and return what its ack holds, as JSON."""
    server.market("sample")
    token = funded_trader(server, CREDITS)
    return uvloop.run(_ack_of_one(urlsplit(server.url).port or 0, token))


async def _ack_of_one(port: int, token: str) -> bytes:
    heard, joined, told = bytearray(), asyncio.Event(), asyncio.Event()

    def hear(_client: WireClient, data: bytes) -> None:
        heard.extend(data)
        if b'40{"sid"' in heard:
            joined.set()
        if b'431[{"ok":true' in heard:
            told.set()

    client = await wire_client(port, hear)
    client.send(f'40{{"token":"{token}"}}')
    await asyncio.wait_for(joined.wait(), 10)
    trader = Trader("sample", FLOWS["resting"])
    trader.send(client, 1)
    await asyncio.wait_for(told.wait(), 10)
    # An ack is one frame, and a frame comes as a whole or is still coming.
    await asyncio.sleep(0.2)
    if client.transport is not None:
        client.transport.abort()
    text = heard[heard.index(b'[{"ok":true') + 1 :].decode("ascii", "replace")
    ack, _ = json.JSONDecoder().raw_decode(text)
    return json.dumps(ack).encode()


async def closed_loop(
    server: ServerProcess | BareServer, slug: str, tokens: list[str], flow: list[tuple[str, str]]
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
