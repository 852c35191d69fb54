"""All of PostgreSQL stands still (SIGSTOP): nobody waits without a word, and the thaw mends all.

What was answered stays; what was unknown is learned by a retry under the same id; the process that
waited goes on, and is the same one.
"""

import asyncio
import contextlib
import random
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import httpx
import psutil
import pytest

from tests.faults.conftest import MakeServer
from tests.gateway.socket_client import socket_client
from tests.lengths import length
from tests.measured import tries
from tests.server_process import ADMIN_PASSWORD, ServerProcess, until

FREEZES = length(1, long=20)
SLUG = "rain"
_LANES = 3
_PAUSE_S = 0.05
READY_S, ANSWERED_S = 3.0, 6.0
_NO_END_S = 60.0
NOBODY = {"email": "nobody@example.com", "password": ADMIN_PASSWORD}
_NOISE_S = 0.3
"""A machine on which others work looks at its clock a little later."""


@contextlib.contextmanager
def frozen(server: ServerProcess) -> Iterator[None]:
    """Stop every process of the server's database while the block runs."""
    stopped = server.database_processes()
    assert stopped
    for process in stopped:
        process.suspend()
    try:
        yield
    finally:
        for process in stopped:
            with contextlib.suppress(psutil.NoSuchProcess):
                process.resume()


@dataclass
class Sent:
    """An order, and each answer it got."""

    body: dict[str, Any]
    at: float
    status: int = 0
    answered_at: float = 0.0
    content: dict[str, Any] | None = None


class Load:
    """Somebody who places a few orders a second and remembers each."""

    def __init__(self, client: httpx.AsyncClient, token: str, rng: random.Random) -> None:
        self._client = client
        self.headers = {"authorization": f"Bearer {token}"}
        self._rng = rng
        self.sent: list[Sent] = []

    async def place(self) -> None:
        """Place an order under a new id."""
        body = {
            "side": "BUY",
            "outcome": self._rng.choice(("YES", "NO")),
            "type": "LIMIT",
            "price": f"0.{self._rng.randint(40, 60)}",
            "quantity": "0.01",
            "clientOrderId": f"order-{len(self.sent)}",
        }
        one = Sent(body, time.monotonic())
        self.sent.append(one)
        await self.send(one)

    async def send(self, one: Sent) -> dict[str, Any] | None:
        """Send it, and return and keep what comes back if that is final."""
        answer = await self._client.post(f"/orders/{SLUG}", headers=self.headers, json=one.body)
        one.status, one.answered_at = answer.status_code, time.monotonic()
        assert one.status in {201, 503, 504}, answer.text
        if one.status == 201:
            one.content = answer.json()["data"]
            one.content.pop("replayed", None)
            return one.content
        return None

    async def go_on(self) -> None:
        """Place orders until cancelled."""
        while True:
            await self.place()
            await asyncio.sleep(_PAUSE_S)

    def placed(self) -> int:
        """Return how many orders were acknowledged."""
        return sum(one.content is not None for one in self.sent)


async def answered(
    client: httpx.AsyncClient, method: str, path: str, **more: Any
) -> tuple[int, float]:
    """Return the status of a request and how long it took."""
    started = time.monotonic()
    answer = await client.request(method, path, **more)
    return answer.status_code, time.monotonic() - started


async def frozen_once(
    server: ServerProcess, load: Load, client: httpx.AsyncClient
) -> tuple[float, float]:
    """Freeze under load, look at everything, thaw; return after how many seconds `/ready` said no,
    and the longest that anybody waited for an answer.
    """
    before = load.placed()
    await until(lambda: load.placed() >= before + 20)
    _, token = await asyncio.to_thread(server.trader)
    async with socket_client(server.port) as follower:
        with frozen(server):
            froze_at = time.monotonic()
            others = asyncio.gather(
                *(
                    answered(client, "GET", path, headers={"authorization": f"Bearer {token}"})
                    for path in ("/orders", "/user/ledger")
                ),
                answered(client, "GET", "/orders", headers=load.headers),
                answered(client, "POST", "/auth/login", json=NOBODY),
            )
            unready = await said_by_operators(server, froze_at)
            await follower.until(lambda: follower.heard("heartbeat")[-1]["stale"])
            await until(lambda: any(one.status == 503 and one.at > froze_at for one in load.sent))
            waits = [
                one.answered_at - max(one.at, froze_at)
                for one in load.sent
                if not 0 < one.answered_at <= froze_at
            ]
            assert any(one.status == 504 and one.answered_at > froze_at for one in load.sent)
            for status, took in await others:
                assert status == 503
                waits.append(took)
        await until(server.is_ready)
        await follower.until(lambda: not follower.heard("heartbeat")[-1]["stale"])
    after = load.placed()
    await until(lambda: load.placed() > after)
    return unready, max(waits)


async def said_by_operators(server: ServerProcess, froze_at: float) -> float:
    """Wait until `/ready` says no, and look at what `/health` says; return when that was."""
    async with httpx.AsyncClient(base_url=server.url) as operator:
        while (await operator.get("/ready")).status_code != 503:
            assert time.monotonic() - froze_at < _NO_END_S
            await asyncio.sleep(0.02)
        unready = time.monotonic() - froze_at
        assert "database" in (await operator.get("/ready")).json()["error"]["message"]
        health = (await operator.get("/health")).json()["data"]
        assert health["status"] == "waiting"
        assert health["silence"]["what"] == "database"
        assert health["silence"]["silentMs"] >= 1_500
    return unready


@pytest.mark.slow
async def test_a_frozen_database_keeps_nobody_waiting_and_costs_nothing(
    server: ServerProcess,
) -> None:
    seed = random.randrange(2**32)
    print(f"SEED={seed}")
    server.market(SLUG)
    _, token = server.trader()
    pid, epoch = server.pid, server.call("GET", "/admin/stats", server.admin())["epoch"]
    url = f"{server.url}/api/v1"
    async with httpx.AsyncClient(base_url=url, timeout=30) as client:
        load = Load(client, token, random.Random(seed))
        lanes = [asyncio.create_task(load.go_on()) for _ in range(_LANES)]
        for _ in range(FREEZES):
            for attempt in tries():
                unready, waited = await frozen_once(server, load, client)
                attempt.takes("ready says no after s", unready, READY_S + _NOISE_S)
                attempt.takes("longest wait, s", waited, ANSWERED_S + _NOISE_S)
        for lane in lanes:
            lane.cancel()
        await asyncio.wait(lanes)
        assert all(lane.cancelled() for lane in lanes)
        for one in load.sent:
            first = one.content
            truth = await load.send(one)
            assert first is None or truth == first
            assert await load.send(one) == truth
    assert server.pid == pid
    assert server.call("GET", "/admin/stats", server.admin())["epoch"] == epoch
    verified = await asyncio.to_thread(server.run, "verify")
    assert verified.returncode == 0, verified.stdout + verified.stderr
    assert await asyncio.to_thread(server.end) == 0


async def test_a_server_whose_database_is_frozen_can_be_ended(make_server: MakeServer) -> None:
    server = make_server(COMMIT_TIMEOUT_SECONDS="1", SHUTDOWN_TIMEOUT_SECONDS="2")
    await asyncio.to_thread(server.start)
    with frozen(server):
        assert server.process is not None
        server.process.terminate()
        await asyncio.to_thread(server.process.wait, 45)
    assert server.database_processes() == []
    await asyncio.to_thread(server.start)
    assert await asyncio.to_thread(server.end) == 0
