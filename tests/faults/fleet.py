"""An engine and any number of gateways over one Redis and one PostgreSQL, as real processes.

Laws: every process is started as an operator would; the database is not the engine's, so that the
engine can end alone; what a reader keeps is built from messages only and checked by every checksum.
"""

import asyncio
import contextlib
import shutil
import subprocess
import time
from collections.abc import AsyncIterator, Coroutine
from contextlib import AbstractAsyncContextManager, ExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import httpx

from gateway.accounts.sessions.keys import KEY_FILE, load_key, shared_secret
from persistence.postgres.database import Connection, connect
from tests.gateway.socket_client import BookModel, SocketClient, socket_client
from tests.redis_process import RedisProcess
from tests.server_process import POLL_SECONDS, START_SECONDS, ServerProcess, until

SLUG = "rain"
END_SECONDS = 30.0


class Fleet:
    """The processes; the engine is up and `rain` is listed."""

    def __init__(self, folder: Path, database_url: str, stack: ExitStack, **settings: str) -> None:
        self._folder = folder
        self._database_url = database_url
        self.redis = RedisProcess(folder)
        stack.callback(self.redis.clean_up)
        self.redis.start()
        self._made: list[ServerProcess] = []
        stack.callback(self._end)
        self._settings = {
            "DATABASE_URL": database_url,
            "REDIS_URL": self.redis.url,
            "LOG_LEVEL": "info",
            **settings,
        }
        self.engine = self._process("engine", "serve")
        self.engine.start()
        self.engine.market(SLUG)

    def _process(
        self, name: str, command: str, folder: str = "data", **settings: str
    ) -> ServerProcess:
        made = ServerProcess(self._folder / folder, {**self._settings, **settings}, command)
        made.log = self._folder / f"{name}.log"
        self._made.append(made)
        return made

    def _end(self) -> None:
        """End all processes side by side, orderly if they can: a killed one is not measured."""
        alive = [
            made.process for made in self._made if made.process and made.process.poll() is None
        ]
        for process in alive:
            process.terminate()
        for process in alive:
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(END_SECONDS)
        for made in self._made:
            made.clean_up()

    def gateway(self, name: str = "gateway") -> ServerProcess:
        """Start a gateway and wait until it hears the engine."""
        return self.gateways(name)[0]

    def gateways(self, *names: str, **settings: str) -> list[ServerProcess]:
        """Start gateways side by side and wait until each hears the engine."""
        made = [self._process(name, "gateway", **settings) for name in names]
        for gateway in made:
            gateway.launch()
        for gateway in made:
            gateway.await_ready()
        return made

    def gateway_without_feed(self) -> ServerProcess:
        """Start a gateway and wait only until it answers."""
        made = self._process("gateway", "gateway")
        made.launch()
        deadline = time.monotonic() + START_SECONDS
        while not made.answers("/health"):
            assert time.monotonic() < deadline, made.words()
            time.sleep(POLL_SECONDS)
        return made

    def rival(self, database_url: str) -> ServerProcess:
        """Start an engine with the same Redis and the same key on another database."""
        made = self._process("rival", "serve", "rival", DATABASE_URL=database_url)
        made.data_dir.mkdir(mode=0o700)
        shutil.copy2(self.engine.data_dir / KEY_FILE, made.data_dir / KEY_FILE)
        made.start()
        return made

    def engine_database(self) -> AbstractAsyncContextManager[Connection]:
        """Open a connection to the database that all share."""
        return opened(self._database_url)

    def secret(self) -> bytes:
        """Return what the processes share."""
        return shared_secret(load_key(None, self.engine.data_dir))

    def seq(self, server: ServerProcess) -> int:
        """Return how far the public book of a process is."""
        return int(server.call("GET", f"/markets/{SLUG}/orderbook")["seq"])


@asynccontextmanager
async def opened(url: str) -> AsyncIterator[Connection]:
    """A connection of the test's own."""
    connection = await connect(url)
    try:
        yield connection
    finally:
        await connection.close()


class Follower:
    """What one socket knows of the book of YES, and whether it is told that it may be old."""

    def __init__(self, client: SocketClient) -> None:
        self.client = client
        self.model = BookModel()
        self.epochs: list[int] = []
        self._read = 0

    def read(self) -> BookModel:
        """Apply what was heard since the last time."""
        heard = self.client.heard("orderbook_update")
        for message in heard[self._read :]:
            self.model.apply(message)
            self.epochs.append(message["epoch"])
        self._read = len(heard)
        return self.model

    @property
    def is_stale(self) -> bool | None:
        """What the last heartbeat said; None before the first."""
        beats = self.client.heard("heartbeat")
        return beats[-1]["stale"] if beats else None

    async def reaches(self, seq: int) -> None:
        """Wait until the model is at a market's seq, and its checksum was right all the way."""
        await self.client.until(lambda: self.read().seq == seq)


@asynccontextmanager
async def follower(server: ServerProcess, token: str | None = None) -> AsyncIterator[Follower]:
    """Follow the book of YES at a process."""
    async with socket_client(server.port, token) as client:
        await client.ok("subscribe:market", {"slug": SLUG, "outcome": "YES"})
        yield Follower(client)


class Trading:
    """Two people who trade with each other at the engine, one order after another."""

    def __init__(self, client: httpx.AsyncClient, tokens: list[str]) -> None:
        self._client = client
        self._headers = [{"authorization": f"Bearer {token}"} for token in tokens]
        self.placed = 0
        self.longest_s = 0.0

    async def order(self) -> None:
        """Place one order: of six, two meet the one before and two rest."""
        number = self.placed
        cents, who = number // 2 % 80 + 10, number % 2
        if who == 1 and number % 6 != 1:
            order = {"outcome": "NO", "price": f"0.{100 - cents}"}
        else:
            order = {"outcome": "YES", "price": f"0.{cents}"}
        order |= {"side": "BUY", "type": "LIMIT", "quantity": "1"}
        started = time.monotonic()
        answer = await self._client.post(f"/orders/{SLUG}", headers=self._headers[who], json=order)
        assert answer.status_code == 201, answer.text
        self.placed += 1
        self.longest_s = max(self.longest_s, time.monotonic() - started)

    async def orders(self, count: int) -> None:
        """Place so many."""
        for _ in range(count):
            await self.order()

    async def on_and_on(self) -> None:
        """Place orders until cancelled; the last one is answered then, so nothing moves later."""
        while True:
            order = asyncio.create_task(self.order())
            try:
                await asyncio.shield(order)
            except asyncio.CancelledError:
                await order
                raise


@asynccontextmanager
async def trading(fleet: Fleet) -> AsyncIterator[Trading]:
    """Two newcomers with plenty of cash."""
    tokens = []
    for _ in range(2):
        user_id, token = fleet.engine.trader()
        gift = {"amount": "1000000", "reason": "to trade with"}
        fleet.engine.call("POST", f"/admin/users/{user_id}/credit", fleet.engine.admin(), gift)
        tokens.append(token)
    url = f"{fleet.engine.url}/api/v1"
    async with httpx.AsyncClient(base_url=url, timeout=30) as client:
        yield Trading(client, tokens)


@asynccontextmanager
async def meanwhile(work: Coroutine[Any, Any, None]) -> AsyncIterator[None]:
    """Let something go on beside the block; it must not have failed."""
    task = asyncio.create_task(work)
    try:
        yield
    finally:
        assert not task.done() or not task.exception()
        task.cancel()
        await asyncio.wait([task])


async def becomes_ready(server: ServerProcess, seconds: float) -> None:
    """Wait until `/ready` says yes."""
    await until(server.is_ready, seconds)


async def becomes_stale(server: ServerProcess, seconds: float) -> None:
    """Wait until `/ready` says no."""
    await until(lambda: not server.is_ready(), seconds)


def metric(server: ServerProcess, name: str) -> float:
    """Return a metric without labels, or with the labels written out."""
    for line in httpx.get(f"{server.url}/metrics").text.splitlines():
        if line.startswith(f"{name} "):
            return float(line.rpartition(" ")[2])
    raise AssertionError(f"no metric {name}")


def feed(server: ServerProcess) -> dict[str, Any]:
    """Return what `/health` says of the feed."""
    found: dict[str, Any] = httpx.get(f"{server.url}/health").json()["data"]["feed"]
    return found
