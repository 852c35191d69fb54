"""What does order entry through a gateway cost, beside the engine's own address?

The wait: one socket at the engine's process and one at a gateway of it, both in this process;
orders are sent one at a time, by turns, so nothing else is under way. What is held to a number is
how much more the gateway's median is than the engine's.

The processor: REST orders by `wrk` (half crossing, as in `rest_orders`) at `serve` alone without
Redis, and at a gateway, in turns within one run; of each process the seconds of processor that an
order took, PostgreSQL's and Redis's included. The sum is held against that of `serve`.
"""

import asyncio
import time
from collections.abc import Callable
from statistics import median
from typing import Final
from urllib.parse import urlsplit

import psutil
import uvloop

from benchmarks.harness.report import Figure, Yardstick, limit
from benchmarks.loads.server_process import funded_trader, running_gateway, running_server
from benchmarks.loads.socket_wire import WireClient, wire_client
from benchmarks.loads.wrk import find_wrk
from benchmarks.redis_fan_out import running_redis
from benchmarks.rest_orders import CREDITS, FLOWS, SECONDS, TRADERS, run_wrk
from tests.server_process import ServerProcess

ROUNDS: Final = 3
ORDERS: Final = 300
MORE_MS: Final = 1.5
CPU_AT_MOST: Final = 1.6
_FLOW: Final = "half crossing"
_ORDER: Final = (
    '42%d["order:place",{"market":"%s","side":"BUY","outcome":"YES","type":"LIMIT",'
    '"price":"0.5","quantity":"1"}]'
)

Parts = dict[str, float]
"""By process: its seconds of processor."""


def measure() -> list[Figure]:
    """Return the waits, the rates, and what each process spent on an order."""
    wrk = find_wrk("gateways")
    near: list[float] = []
    far: list[float] = []
    alone: list[tuple[float, Parts]] = []
    family: list[tuple[float, Parts]] = []
    with running_redis() as redis, running_server() as without:
        traders = [funded_trader(without, CREDITS) for _ in range(TRADERS)]
        with running_server({"REDIS_URL": redis.url}) as engine, running_gateway(engine) as gateway:
            members = [funded_trader(engine, CREDITS) for _ in range(TRADERS)]

            def spent_alone() -> Parts:
                return {"serve": _cpu(without), "PostgreSQL": _database_cpu(without)}

            def spent() -> Parts:
                return {
                    "gateway": _cpu(gateway),
                    "engine": _cpu(engine),
                    "Redis": _cpu_of(psutil.Process(redis.pid)),
                    "PostgreSQL": _database_cpu(engine),
                }

            for number in range(ROUNDS):
                waits = uvloop.run(_waits(engine, gateway, members[0], f"wait-{number}"))
                near.append(median(waits[0]))
                far.append(median(waits[1]))
                alone.append(_loaded(wrk, without, without, traders, number, spent_alone))
                family.append(_loaded(wrk, gateway, engine, members, number, spent))
    return [*_wait_figures(near, far), *_load_figures(alone, family)]


def _wait_figures(near: list[float], far: list[float]) -> list[Figure]:
    more = [there - here for here, there in zip(near, far, strict=True)]
    return [
        Figure("order at the engine's address, p50", "ms", near),
        Figure("order at a gateway, p50", "ms", far),
        Figure("more at a gateway, p50", "ms", more, yardstick=limit(MORE_MS, "ms")),
    ]


def _load_figures(
    alone: list[tuple[float, Parts]], family: list[tuple[float, Parts]]
) -> list[Figure]:
    whole = [sum(parts.values()) for _, parts in alone]
    beside = Yardstick("`serve` alone", whole, at_most=CPU_AT_MOST)
    rates = [rate for rate, _ in alone]
    return [
        Figure("orders at `serve` alone", "orders/s", rates),
        Figure(
            "orders at a gateway",
            "orders/s",
            [rate for rate, _ in family],
            yardstick=Yardstick("`serve` alone", rates),
        ),
        *_by_process("processor of an order at `serve`", alone),
        Figure("processor of an order at `serve`, all", "us", whole),
        *_by_process("processor of an order at a gateway", family),
        Figure(
            "processor of an order at a gateway, all",
            "us",
            [sum(parts.values()) for _, parts in family],
            yardstick=beside,
        ),
    ]


def _by_process(name: str, found: list[tuple[float, Parts]]) -> list[Figure]:
    return [
        Figure(f"{name}, {part}", "us", [parts[part] for _, parts in found]) for part in found[0][1]
    ]


def _loaded(
    wrk: str,
    server: ServerProcess,
    engine: ServerProcess,
    tokens: list[str],
    number: int,
    spent: Callable[[], Parts],
) -> tuple[float, Parts]:
    """Return orders/s, and of each process the microseconds of processor for an order."""
    slug = f"market-{number}"
    engine.market(slug)
    before = spent()
    rate, _, _ = run_wrk(wrk, server, slug, tokens, FLOWS[_FLOW])
    after = spent()
    orders = rate * SECONDS
    return rate, {part: 1_000_000 * (after[part] - before[part]) / orders for part in after}


def _cpu(server: ServerProcess) -> float:
    return _cpu_of(psutil.Process(server.pid))


def _cpu_of(process: psutil.Process) -> float:
    times = process.cpu_times()
    return float(times.user + times.system)


def _database_cpu(server: ServerProcess) -> float:
    """Of the processes that live through a round; those that end in it are counted no more."""
    return sum(map(_cpu_of, server.database_processes()))


class _Sender:
    """One socket that sends an order and waits for its ack."""

    def __init__(self, token: str, slug: str) -> None:
        self._token = token
        self._slug = slug
        self._client: WireClient | None = None
        self._acked_at = 0.0
        self._sent = 0
        self._joined = asyncio.Event()
        self._acked = asyncio.Event()

    async def connect(self, url: str) -> None:
        """Connect and sign in."""
        self._client = await wire_client(urlsplit(url).port or 0, self._heard)
        self._client.send(f'40{{"token":"{self._token}"}}')
        await self._joined.wait()

    async def order(self) -> float:
        """Send one order; return in how many ms it was acknowledged."""
        if self._client is None:
            raise RuntimeError("no socket is open")
        self._sent += 1
        self._acked.clear()
        sent_at = time.perf_counter()
        self._client.send(_ORDER % (self._sent, self._slug))
        await self._acked.wait()
        return 1_000 * (self._acked_at - sent_at)

    def _heard(self, _client: WireClient, data: bytes) -> None:
        now = time.perf_counter()
        if b"40{" in data:
            self._joined.set()
        if b"43%d[" % self._sent in data:
            if b'"ok":true' not in data:
                raise RuntimeError(f"an order was refused: {data[:300]!r}")
            self._acked_at = now
            self._acked.set()


async def _waits(
    engine: ServerProcess, gateway: ServerProcess, token: str, slug: str
) -> list[list[float]]:
    """Return the waits of orders sent by turns, near and far."""
    engine.market(slug)
    senders = [_Sender(token, slug), _Sender(token, slug)]
    for sender, server in zip(senders, (engine, gateway), strict=True):
        await sender.connect(server.url)
    waits: list[list[float]] = [[], []]
    for _ in range(ORDERS):
        for sender, found in zip(senders, waits, strict=True):
            found.append(await sender.order())
    return waits
