"""How long after its sending does an order reach ten thousand sockets on two gateways?

An engine, a Redis, two gateways and their readers, each process by itself on one machine. Every
socket follows the book of one market; 200 orders a second, sent by four traders over sockets at the
engine, go round 200 markets, so that each socket hears of one change a second, beside its
heartbeat. An order is due at a time drawn beforehand, and what is measured is from then until each
of its readers has the message: so a pause of anybody's counts.

SOCKETS in the environment makes the crowd smaller. The program that reads shares the machine's
cores with everybody else; the note says how much of a core each process took, and so what bounds
the figure.
"""

import asyncio
import os
import re
import resource
import tempfile
import time
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from statistics import quantiles
from typing import Final

import psutil
import uvloop

from benchmarks.harness.report import Figure, limit
from benchmarks.loads.server_process import funded_trader, running_server
from benchmarks.loads.socket_wire import WireClient, wire_client
from benchmarks.redis_fan_out import running_redis
from tests.server_process import STOP_SECONDS, ServerProcess

SOCKETS: Final = int(os.environ.get("SOCKETS", "10_000"))
GATEWAYS: Final = 2
MARKETS: Final = 200
ORDERS_A_SECOND: Final = 200
SECONDS: Final = 20
P99_MS: Final = 250.0
_WARM_UP_S: Final = 5
_TRADERS: Final = 4
_AT_ONCE: Final = 50
_SPARE_FILES: Final = 500
_SEQ: Final = re.compile(rb'"orderbook_update",\{[^\[]*?"seq":(\d+),"prevSeq"')
_PING: Final = b"\x81\x012"
"""A frame of one byte, which no text of a message holds."""


@dataclass
class Market:
    """When each of its orders was due, by the sequence that its message bears."""

    slug: str
    seq: int
    due: dict[int, float] = field(default_factory=dict)


class Reader:
    """One socket and the waits that it saw."""

    def __init__(self, market: Market, waits: list[float]) -> None:
        self._market = market
        self._waits = waits
        self.joined = asyncio.Event()

    def heard(self, client: WireClient, data: bytes) -> None:
        """Note each message of the book; answer pings."""
        if _PING in data:
            client.send("3")
        if not self.joined.is_set():
            if b"40{" in data:
                client.send(
                    f'42["subscribe:market",{{"slug":"{self._market.slug}","outcome":"YES"}}]'
                )
            if b'"snapshot"' in data:
                self.joined.set()
            return
        now = time.perf_counter()
        for found in _SEQ.findall(data):
            due = self._market.due.get(int(found))
            if due is not None:
                self._waits.append(now - due)


class Crowd:
    """All readers, and those who trade."""

    def __init__(self, engine: ServerProcess, gateways: list[ServerProcess]) -> None:
        self._engine, self._gateways = engine, gateways
        self.waits: list[float] = []
        self.clients: list[WireClient] = []
        self.markets: list[Market] = []
        for number in range(MARKETS):
            slug = f"crowd-{number}"
            engine.market(slug)
            self.markets.append(Market(slug, self._seq(slug)))
        self._tokens = [funded_trader(engine, 1_000_000) for _ in range(_TRADERS)]

    def _seq(self, slug: str) -> int:
        return int(self._engine.call("GET", f"/markets/{slug}/orderbook")["seq"])

    async def gather(self) -> None:
        """Connect every socket, some at once."""
        places = asyncio.Semaphore(_AT_ONCE)

        async def connect(number: int) -> None:
            async with places:
                reader = Reader(self.markets[number % MARKETS], self.waits)
                gateway = self._gateways[number % GATEWAYS]
                client = await wire_client(gateway.port, reader.heard)
                client.send("40")
                self.clients.append(client)
                await asyncio.wait_for(reader.joined.wait(), 60)

        await asyncio.gather(*map(connect, range(SOCKETS)))

    async def trade(self, seconds: float) -> int:
        """Send orders when they are due; return how many."""
        traders = [await self._trader(token) for token in self._tokens]
        started, count = time.perf_counter() + 0.1, round(seconds * ORDERS_A_SECOND)
        for number in range(count):
            due = started + number / ORDERS_A_SECOND
            if (wait := due - time.perf_counter()) > 0:
                await asyncio.sleep(wait)
            market = self.markets[number % MARKETS]
            market.seq += 1
            market.due[market.seq] = due
            price = 1 + number // MARKETS % 90
            traders[number % _TRADERS].send(
                f'42["order:place",{{"market":"{market.slug}","side":"BUY","outcome":"YES",'
                f'"type":"LIMIT","price":"0.{price:02}","quantity":"1"}}]'
            )
        await asyncio.sleep(1)
        for trader in traders:
            if trader.transport is not None:
                trader.transport.abort()
        return count

    async def _trader(self, token: str) -> WireClient:
        joined = asyncio.Event()

        def heard(_client: WireClient, data: bytes) -> None:
            if b"40{" in data:
                joined.set()

        client = await wire_client(self._engine.port, heard)
        client.send(f'40{{"token":"{token}"}}')
        await asyncio.wait_for(joined.wait(), 10)
        return client

    def leave(self) -> None:
        """Close every socket; one that was closed before is a failure."""
        lost = sum(client.lost for client in self.clients)
        for client in self.clients:
            if client.transport is not None:
                client.transport.abort()
        if lost:
            raise RuntimeError(f"{lost} sockets were closed by a gateway")


def _seconds(pids: dict[str, int]) -> dict[str, float]:
    found = {}
    for name, pid in pids.items():
        times = psutil.Process(pid).cpu_times()
        found[name] = times.user + times.system
    return found


async def _measure(crowd: Crowd, pids: dict[str, int]) -> tuple[int, str]:
    """Return how many deliveries were due, and what each process took meanwhile."""
    held = psutil.Process(pids["gateway 1"]).memory_info().rss
    await crowd.gather()
    grown = psutil.Process(pids["gateway 1"]).memory_info().rss - held
    await crowd.trade(_WARM_UP_S)
    crowd.waits.clear()
    before, started = _seconds(pids), time.perf_counter()
    count = await crowd.trade(SECONDS)
    after, elapsed = _seconds(pids), time.perf_counter() - started
    crowd.leave()
    cores = ", ".join(f"{name} {(after[name] - before[name]) / elapsed:.0%}" for name in pids)
    each = grown / (SOCKETS / GATEWAYS)
    return count, f"{each / 1e3:.1f} kB a socket; of a core: {cores}"


def measure() -> list[Figure]:
    """Return the p99 of deliveries."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    if most < SOCKETS + _SPARE_FILES:
        raise RuntimeError(f"{most} open files are too few for {SOCKETS} sockets: set SOCKETS")
    with ExitStack() as stack:
        redis = stack.enter_context(running_redis())
        engine = stack.enter_context(running_server({"REDIS_URL": redis.url}))
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="probity-bench-")))
        gateways = []
        for number in range(GATEWAYS):
            gateway = ServerProcess(engine.data_dir, {"REDIS_URL": redis.url}, "gateway")
            gateway.log = folder / f"{number}.log"
            gateway.start()
            stack.callback(_end, gateway)
            gateways.append(gateway)
        pids = {"engine": engine.pid, "this program": os.getpid()}
        pids |= {f"gateway {number}": one.pid for number, one in enumerate(gateways, start=1)}
        crowd = Crowd(engine, gateways)
        count, note = uvloop.run(_measure(crowd, pids))
    due = count * SOCKETS // MARKETS
    parts = quantiles(crowd.waits, n=100)
    note = f"p50 {1e3 * parts[49]:.0f} ms, {len(crowd.waits):,} of {due:,} deliveries; {note}"
    name = (
        f"delivery to {SOCKETS:,} sockets on {GATEWAYS} gateways, {ORDERS_A_SECOND} orders/s, p99"
    )
    return [Figure(name, "ms", [1e3 * parts[98]], note, limit(P99_MS, "ms"))]


def _end(gateway: ServerProcess) -> None:
    # Only the process: the database in the folder is its engine's to stop.
    if gateway.process is not None:
        gateway.process.terminate()
        gateway.process.wait(STOP_SECONDS)
