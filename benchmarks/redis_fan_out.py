"""What does fan-out over Redis cost the engine, and how much later does a gateway's reader hear?

The rate: REST orders by `wrk` (half crossing, as in `rest_orders`) at a server without Redis, at
one that publishes to a gateway, and at the same one with Redis frozen, in turns within one run.
Server, gateway, Redis, PostgreSQL and generator share the machine, so the middle figure also pays
for the gateway's own work. The delay: one socket at the engine's process, which also sends the
orders, and one at the gateway, both in this process; for each of
500 orders, one after another, how long after its sending each of the two hears of it.
"""

import asyncio
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import quantiles
from urllib.parse import urlsplit

import uvloop

from benchmarks.harness.report import Figure, Yardstick
from benchmarks.loads.server_process import funded_trader, running_gateway, running_server
from benchmarks.loads.socket_wire import WireClient, wire_client
from benchmarks.loads.wrk import find_wrk
from benchmarks.rest_orders import CREDITS, FLOWS, TRADERS, run_wrk
from tests.redis_process import RedisProcess
from tests.server_process import ServerProcess

ROUNDS = 3
ORDERS = 500
_FLOW = "half crossing"
_ORDER = (
    '42["order:place",{"market":"delay","side":"BUY","outcome":"YES","type":"LIMIT",'
    '"price":"0.5","quantity":"1"}]'
)


def measure() -> list[Figure]:
    """Return orders/s in the three situations, and the delay through Redis."""
    wrk = find_wrk("redis_fan_out")
    alone: list[float] = []
    published: list[float] = []
    frozen: list[float] = []
    with running_redis() as redis, running_server() as without:
        traders = [funded_trader(without, CREDITS) for _ in range(TRADERS)]
        with running_server({"REDIS_URL": redis.url}) as server, running_gateway(server) as gateway:
            members = [funded_trader(server, CREDITS) for _ in range(TRADERS)]
            near, far = uvloop.run(_delays(server, gateway, members[0]))
            for number in range(ROUNDS):
                alone.append(_rate(wrk, without, traders, number))
                published.append(_rate(wrk, server, members, number))
                frozen.append(_rate_while_frozen(wrk, server, members, ROUNDS + number, redis))
    without_redis = Yardstick("the same without", alone)
    return [
        Figure("REST without Redis", "orders/s", alone),
        Figure("REST with Redis and a gateway", "orders/s", published, yardstick=without_redis),
        Figure("REST with Redis frozen", "orders/s", frozen, yardstick=without_redis),
        _delay_figure("engine", near),
        _delay_figure("gateway", far),
    ]


@contextmanager
def running_redis() -> Iterator[RedisProcess]:
    """Start a redis-server on a free port and stop it again."""
    with tempfile.TemporaryDirectory(prefix="probity-bench-") as folder:
        redis = RedisProcess(Path(folder))
        try:
            redis.start()
            yield redis
        finally:
            redis.clean_up()


def _rate(wrk: str, server: ServerProcess, tokens: list[str], number: int) -> float:
    slug = f"market-{number}"
    server.market(slug)
    return run_wrk(wrk, server, slug, tokens, FLOWS[_FLOW])[0]


def _rate_while_frozen(
    wrk: str, server: ServerProcess, tokens: list[str], number: int, redis: RedisProcess
) -> float:
    redis.freeze()
    try:
        return _rate(wrk, server, tokens, number)
    finally:
        redis.thaw()


class _Reader:
    """One socket that follows the book, and notes when it last heard of it."""

    def __init__(self, token: str) -> None:
        self._token = token
        self.client: WireClient | None = None
        self.heard_at = 0.0
        self.joined = asyncio.Event()
        self.news = asyncio.Event()

    async def connect(self, url: str) -> None:
        """Connect, sign in, and wait for the book."""
        self.client = await wire_client(urlsplit(url).port or 0, self._heard)
        self.send(f'40{{"token":"{self._token}"}}')
        await self.joined.wait()

    def send(self, text: str) -> None:
        """Send one packet."""
        if self.client is not None:
            self.client.send(text)

    def _heard(self, _client: WireClient, data: bytes) -> None:
        now = time.perf_counter()
        if b"40{" in data:
            self.send('42["subscribe:market",{"slug":"delay","outcome":"YES"}]')
        if b'"snapshot"' in data:
            self.joined.set()
        if b'"delta"' in data:
            self.heard_at = now
            self.news.set()


async def _delays(server: ServerProcess, gateway: ServerProcess, token: str) -> list[list[float]]:
    """Return how many microseconds after its sending each order was heard of, near and far."""
    server.market("delay")
    near, far = _Reader(token), _Reader(token)
    await near.connect(server.url)
    await far.connect(gateway.url)
    delays: list[list[float]] = [[], []]
    for _ in range(ORDERS):
        near.news.clear()
        far.news.clear()
        sent_at = time.perf_counter()
        near.send(_ORDER)
        for reader, found in zip((near, far), delays, strict=True):
            await reader.news.wait()
            found.append(1_000_000 * (reader.heard_at - sent_at))
    return delays


def _delay_figure(where: str, delays: list[float]) -> Figure:
    note = f"p99 {quantiles(delays, n=100)[98]:,.0f}"
    return Figure(f"from order to reader, at the {where}", "us", delays, note=note)
