"""When something was first seen at each client of an exchange, and when it was last not durable.

Laws: PostgreSQL is asked on a connection of its own, past every line; an asking that finds nothing
proves that nothing was durable when it began, so whatever a client saw before then escaped. A
client is anybody who could see it: sockets and REST, at the engine and at gateways, and whoever
reads along at Redis.
"""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from typing import Any, Final

import httpx

from persistence.postgres.database import Connection
from persistence.relay.messages import make_client
from tests.faults.fleet import SLUG
from tests.gateway.socket_client import SocketClient
from tests.server_process import ServerProcess

_PAUSE_S: Final = 0.01


class Sightings:
    """What is looked for is one order, by its client id, with what it changes."""

    def __init__(self, client_order_id: str, market_seq: int) -> None:
        """Look for an order that is the next thing to happen to the market behind this seq."""
        self.client_order_id = client_order_id
        self.market_seq = market_seq
        self.first: dict[str, float] = {}
        """Where it was seen, and when first, on the monotonic clock."""
        self.absent_at = 0.0
        """The last moment when it was certainly not durable."""
        self.is_durable = False
        self.looks: dict[str, int] = {}
        """How often each client looked."""

    def saw(self, where: str) -> None:
        """Note that it is seen there now."""
        self.first.setdefault(where, time.monotonic())

    def escaped(self) -> dict[str, float]:
        """Return where it was seen before it was durable, and how many seconds before."""
        return {w: self.absent_at - at for w, at in self.first.items() if at < self.absent_at}

    # -- who looks ------------------------------------------------------------------------------

    async def at_database(self, connection: Connection) -> None:
        """Ask whether it is durable, until it is."""
        question = "SELECT 1 FROM orders WHERE client_order_id = $1"
        while not self.is_durable:
            asked_at = time.monotonic()
            if await connection.fetchval(question, self.client_order_id) is None:
                self.absent_at = asked_at
                await asyncio.sleep(_PAUSE_S)
            else:
                self.is_durable = True

    async def at_socket(self, where: str, client: SocketClient) -> None:
        """Note the first event that isn't a heartbeat: nobody else does anything."""
        known = len(client.events)
        while True:
            for name, message in client.events[known:]:
                # A book is told anew under a new epoch, and says what was known.
                is_known = name == "orderbook_update" and message["seq"] <= self.market_seq
                if name != "heartbeat" and not is_known:
                    self.saw(f"{where}, {name}")
            known = len(client.events)
            self._looked(where)
            await asyncio.sleep(_PAUSE_S)

    async def by_rest(self, server: ServerProcess, token: str, where: str) -> None:
        """Read the order, the book, the trades and the balance again and again."""
        headers = {"authorization": f"Bearer {token}"}
        paths = (
            f"/orders/by-client-id/{self.client_order_id}",
            f"/markets/{SLUG}/orderbook",
            f"/markets/{SLUG}/trades",
            "/user/balance",
        )
        before: dict[str, Any] = {}
        url = f"{server.url}/api/v1"
        async with httpx.AsyncClient(base_url=url, headers=headers, timeout=30) as client:
            while True:
                for path in paths:
                    with contextlib.suppress(httpx.TransportError):
                        answer = await client.get(path)
                        if answer.status_code not in {200, 404}:
                            continue
                        shown = answer.json().get("data")
                        if shown and "epoch" in shown:
                            shown = shown["seq"], shown["bids"], shown["asks"]
                        if before.setdefault(path, shown) != shown:
                            self.saw(f"{where}, {path.split('/')[1]} {path.split('/')[-1]}")
                        self._looked(where)
                await asyncio.sleep(_PAUSE_S)

    async def at_redis(self, url: str) -> None:
        """Read along on every channel."""
        client = make_client(url)
        channels = client.pubsub()
        await channels.psubscribe("*")
        try:
            while True:
                message = await channels.get_message(timeout=0.5)
                if message is not None and message["type"] == "pmessage":
                    self._looked("Redis")
                    if self.client_order_id.encode() in message["data"]:
                        self.saw("Redis")
        finally:
            await channels.aclose()  # type: ignore[no-untyped-call]
            await client.aclose()

    def _looked(self, where: str) -> None:
        self.looks[where] = self.looks.get(where, 0) + 1


@asynccontextmanager
async def looking(*works: Coroutine[Any, Any, None]) -> AsyncIterator[None]:
    """Let all of them look while the block runs; none may have failed."""
    tasks = [asyncio.create_task(work) for work in works]
    try:
        yield
    finally:
        failed = [task.exception() for task in tasks if task.done()]
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks)
        assert [error for error in failed if error is not None] == []
