"""A steady exchange keeps no more in memory the longer it runs.

What is kept of what is over has a bound: client ids (RECENT_IDS), verified tokens, counters of the
limits, statements of the database's connections. Once those are full nothing grows: neither the
number of living objects of any kind, which is exact, nor the process's memory, which is what an
operator sees.
"""

import asyncio
import contextlib
import functools
import gc
import itertools
import operator
import random
import signal
import time
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from pathlib import Path
from typing import Any, Final

import httpx
import psutil

from exchange import engine
from exchange.messages.bounds import RECENT_IDS
from exchange.model import idempotency
from gateway.bootstrap.settings import load_settings
from gateway.cli.main import _serve
from gateway.cli.respawn import Respawn
from tests.conftest import SetBound
from tests.faults.attacks.on_sockets import event, join
from tests.faults.attacks.watch import Trader
from tests.faults.attacks.wire import Account, Line, Target, open_socket, request
from tests.faults.conftest import MakeServer
from tests.lengths import length
from tests.measured import tries
from tests.server_process import (
    ADMIN_EMAIL,
    ADMIN_PASSWORD,
    FAR_CLOSE,
    POLL_SECONDS,
    WIDE_LIMITS,
    free_port,
)

SLUG: Final = "steady"
TRADERS: Final = 8
ORDERS: Final = 400
SOCKETS: Final = 40
READS: Final = 80
"""Of one stretch of load."""
SECONDS: Final = length(10, long=900)
COMMANDS_A_SECOND: Final = length(600, long=20)
AT_ONCE: Final = 8
MIB_A_MINUTE: Final = 0.1
LEAST_SEEN_MIB: Final = 2.0
"""Less than that is the allocator's own, e.g. a step of 1.25 MiB when the table of ids is laid out
anew; how many objects live, which is exact, is the other test's."""
TIMERS: Final = 10_000
"""More than the exchange and its load have at any time."""
_THRESHOLDS: Final = gc.get_threshold()
MAY_DIFFER: Final = 25
"""Living objects of a kind that two stretches may leave more than the one before: far fewer than
one an order, a socket or a request."""
STRETCHES_MOST: Final = 5
"""Where two of them left more, as on a slow machine they may; what grows does so in all of them."""
_SERVERS: Final = ("exchange.", "gateway.", "persistence.", "socketio.", "uvicorn.")
_PATHS: Final = (
    "/api/v1/markets",
    "/api/v1/orders",
    "/api/v1/user/ledger",
    "/api/v1/user/positions",
    f"/api/v1/markets/{SLUG}/trades",
    "/health",
    "/metrics",
    "/api/v1/nowhere",
)


class Load:
    """Traders, and readers who come and go."""

    def __init__(self, port: int, accounts: list[Account]) -> None:
        self.target = Target(
            port, SLUG, "127.0.0.1", 0, tuple(accounts), accounts[0], ADMIN_PASSWORD
        )
        self.traders = [
            Trader(account, SLUG, random.Random(number)) for number, account in enumerate(accounts)
        ]

    async def open(self) -> None:
        """Let the traders sign in."""
        for trader in self.traders:
            await trader.open(self.target)

    async def close(self) -> None:
        """Let them go."""
        for trader in self.traders:
            await trader.close()

    async def stretch(self) -> None:
        """So many orders and cancels, sockets and requests, whoever made them gone at the end."""
        for trader in itertools.islice(itertools.cycle(self.traders), ORDERS):
            await trader.act()
            await trader.settled()
        for _ in range(SOCKETS):
            await self._come_and_go()
        for path in itertools.islice(itertools.cycle(_PATHS), READS):
            await self._read(path)

    async def rush(self, count: int) -> None:
        """So many orders and cancels as fast as they are answered, some of each trader at once."""

        async def trade(trader: Trader) -> None:
            for number in range(count // len(self.traders)):
                await trader.act()
                if number % AT_ONCE == 0:
                    await trader.settled()
            await trader.settled()

        await asyncio.gather(*map(trade, self.traders))

    async def crowd(self, count: int) -> None:
        """So many sockets and reads, one after another."""
        for _, path in zip(range(count), itertools.cycle(_PATHS), strict=False):
            await self._come_and_go()
            await self._read(path)

    async def steady(self, seconds: int, process: psutil.Process) -> list[float]:
        """Trade by the clock while sockets and readers come and go; return MiB at each second."""
        due, paths, sizes = time.monotonic(), itertools.cycle(_PATHS), []
        for number in range(seconds):
            for trader in itertools.islice(itertools.cycle(self.traders), COMMANDS_A_SECOND):
                due += 1 / COMMANDS_A_SECOND
                await asyncio.sleep(max(0.0, due - time.monotonic()))
                await trader.act()
            # A machine that is slower than the clock catches up: what waits isn't what is kept.
            for trader in self.traders:
                await trader.settled()
            await self._come_and_go()
            await self._read(next(paths))
            sizes.append(process.memory_info().rss / (1 << 20))
            if number % 60 == 0:
                print(f"{number:>5} s {sizes[-1]:.2f} MiB", flush=True)
        return sizes

    async def _come_and_go(self) -> None:
        account = self.target.accounts[0]
        with closing(await open_socket(self.target, account.address)) as line:
            subscribe = event("subscribe:market", {"slug": SLUG}, 1)
            await line.send(join(account.token) + subscribe)
            await line.reader.readuntil(b"431[")

    async def _read(self, path: str) -> None:
        account = self.target.accounts[0]
        with closing(await Line.open(self.target, account.address)) as line:
            await line.send(request("GET", path, token=account.token))
            await line.answer()


@asynccontextmanager
async def exchange_here(database_url: str, folder: Path) -> AsyncIterator[int]:
    """Run `probity serve` in this process; yield the port."""
    port = free_port()
    settings = load_settings(
        {
            **WIDE_LIMITS,
            "FEED_PLATFORMS": "none",
            "DATABASE_URL": database_url,
            "DATA_DIR": str(folder),
            "PORT": str(port),
            "PROBITY_ADMIN_EMAIL": ADMIN_EMAIL,
            "PROBITY_ADMIN_PASSWORD": ADMIN_PASSWORD,
        }
    )
    serving = asyncio.create_task(_serve(settings, Respawn(), demo=False, accept_tip=False))
    try:
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}") as client:
            await until_ready(client, serving)
        yield port
    finally:
        if not serving.done():
            signal.raise_signal(signal.SIGTERM)
        await serving
        # For a process that serves to its end.
        gc.unfreeze()
        gc.set_threshold(*_THRESHOLDS)


async def forget_timers() -> None:
    """Let the event loop drop its cancelled timers, which it keeps until they are half of all."""
    loop = asyncio.get_running_loop()
    for _ in range(TIMERS):
        loop.call_later(TIMERS, int).cancel()
    await asyncio.sleep(0)


async def until_ready(client: httpx.AsyncClient, serving: "asyncio.Task[None]") -> None:
    """Wait until `/ready` says yes."""
    while not serving.done():
        with contextlib.suppress(httpx.TransportError):
            if (await client.get("/ready")).is_success:
                return
        await asyncio.sleep(POLL_SECONDS)
    serving.result()


async def newcomers(port: int) -> list[Account]:
    """Open a market and register traders."""
    url = f"http://127.0.0.1:{port}/api/v1"
    accounts = []
    async with httpx.AsyncClient(base_url=url, timeout=30) as client:

        async def posted(path: str, body: object, token: str = "") -> Any:
            headers = {"authorization": f"Bearer {token}"} if token else {}
            answer = await client.post(path, json=body, headers=headers)
            assert answer.is_success, answer.text
            return answer.json()["data"]

        me = {"email": ADMIN_EMAIL, "password": ADMIN_PASSWORD}
        admin = (await posted("/auth/login", me))["accessToken"]
        terms = {"slug": SLUG, "question": "Will it stay so?", "closeTime": FAR_CLOSE}
        await posted("/markets", terms, admin)
        for number in range(TRADERS):
            body = {"email": f"t{number}@example.com", "password": ADMIN_PASSWORD}
            token = (await posted("/auth/register", body))["accessToken"]
            accounts.append(Account("127.0.0.1", body["email"], token))
    return accounts


def living() -> Counter[str]:
    """Return how many objects of each type live that the collector can't free."""
    while gc.collect():
        pass
    return Counter(map(_kind, gc.get_objects()))


def _kind(one: object) -> str:
    return f"{type(one).__module__}.{type(one).__qualname__}"


def left_to_the_collector() -> Counter[str]:
    """Return how many objects of the server's, by type, only the collector would free."""
    gc.set_debug(gc.DEBUG_SAVEALL)
    try:
        gc.collect()
        found = Counter(name for one in gc.garbage if (name := _kind(one)).startswith(_SERVERS))
    finally:
        gc.set_debug(0)
        gc.garbage.clear()
    gc.collect()
    return found


async def test_nothing_that_is_over_is_kept(
    database_url: str, tmp_path: Path, set_bound: SetBound
) -> None:
    for module in (engine, idempotency):
        set_bound(module, "RECENT_IDS", ORDERS // 4)
    async with exchange_here(database_url, tmp_path) as port:
        load = Load(port, await newcomers(port))
        await load.open()
        await load.stretch()
        counts: list[Counter[str]] = []
        grown: dict[str, int] = {}
        for number in range(STRETCHES_MOST):
            await load.stretch()
            await forget_timers()
            counts.append(living())
            # What a stretch leaves, each one leaves: a cache that has found its size does not.
            left = [later - before for before, later in itertools.pairwise(counts)]
            if number >= 2:
                least = functools.reduce(operator.and_, left)
                grown = {kind: count for kind, count in least.items() if count > MAY_DIFFER}
                if not grown:
                    break
        await load.close()
    assert not grown, grown


async def test_what_is_over_is_gone_without_the_collector(
    database_url: str, tmp_path: Path
) -> None:
    async with exchange_here(database_url, tmp_path) as port:
        load = Load(port, await newcomers(port))
        await load.open()
        await load.stretch()
        for attempt in tries():
            gc.collect()
            gc.disable()
            try:
                await load.stretch()
                found = left_to_the_collector()
            finally:
                gc.enable()
            print(found.most_common(5))
            # Of one kind; a request that ran into its time is among them on a slow machine.
            attempt.holds("objects left", max(found.values(), default=0), MAY_DIFFER)
        await load.close()


def slope(sizes: list[float]) -> float:
    """Return by how much a second the sizes grow, as the straight line nearest to them does."""
    middle, mean = (len(sizes) - 1) / 2, sum(sizes) / len(sizes)
    above = sum((number - middle) * (size - mean) for number, size in enumerate(sizes))
    return above / sum((number - middle) ** 2 for number in range(len(sizes)))


async def test_the_process_stops_growing(make_server: MakeServer) -> None:
    server = make_server(JWT_ACCESS_EXPIRES_IN="4h")
    server.is_warm = False  # its memory is measured
    server.start()
    load = Load(server.port, await newcomers(server.port))
    await load.open()
    # What has a bound is full then, and its first filling, which lies in one piece, is gone; the
    # allocator has as much as it ever needs after some 4 000 sockets (7.5 MiB), then none is more.
    await load.crowd(length(500, long=6_000))
    await load.rush(2 * RECENT_IDS)
    for attempt in tries():
        sizes = await load.steady(SECONDS, psutil.Process(server.pid))
        late = sizes[SECONDS // 3 :]
        print(f"{sizes[0]:.1f} to {sizes[-1]:.1f} MiB, {slope(late) * 60:+.3f} a minute at the end")
        allowed = max(MIB_A_MINUTE * len(late) / 60, LEAST_SEEN_MIB)
        attempt.holds("growth, MiB", slope(late) * len(late), allowed)
    await load.close()
    assert not any(trader.is_lost for trader in load.traders)
