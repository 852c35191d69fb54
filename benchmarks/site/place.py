"""The place that is loaded: an exchange with people in it, and sockets that listen.

A server of its own is started unless one is named; its limits are those that everybody has, but for
how many connections one address (this machine) may hold.
"""

import asyncio
import contextlib
import secrets
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from typing import Any, Final

import httpx

from benchmarks.loads.server_process import running_server
from benchmarks.site.mix import PASSWORD, Person
from tests.gateway.socket_client import BookModel, SocketClient, socket_client
from tests.server_process import WIDE_LIMITS, ServerProcess

SLUG: Final = "load"
PEOPLE: Final = 100
SOCKETS: Final = 20
CHECKED: Final = 4
"""So many of them keep the book and check it, which takes a generator more than all its calls."""
_PAGE: Final = 200
_AT_ONCE: Final = 4
# Nobody renews: a token that ends in the middle would end its sockets, and its calls by 401.
_OWN: Final = {
    name: value for name, value in WIDE_LIMITS.items() if name.startswith("CONNECTIONS")
} | {"TRUSTED_PROXIES": "127.0.0.1", "JWT_ACCESS_EXPIRES_IN": "2h", "PROJECTOR": "on"}
# What the tests' launcher widens goes back to what everybody has.
_DEFAULTS: Final = {
    "RATE_LIMIT_MAX_REQUESTS": "100",
    "RATE_LIMIT_USER_MAX_REQUESTS": "1000",
    "RATE_LIMIT_SOCKETS_PER_ADDRESS": "1000",
    "RATE_LIMIT_SOCKETS_PER_USER": "60",
}


@contextmanager
def own_server() -> Iterator[ServerProcess]:
    """Start a server with everybody's limits and an open market."""
    with running_server({**_DEFAULTS, **_OWN}) as server:
        server.market(SLUG)
        yield server


async def people(port: int, count: int) -> list[Person]:
    """Register so many people; a password takes a core 50 ms."""
    made: list[Person] = []
    run = secrets.token_hex(6)
    numbers = iter(range(count))
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}/api/v1", timeout=60) as client:

        async def some() -> None:
            for number in numbers:
                person = Person(number, f"load-{run}-{number}@load.invalid", "")
                answer = await client.post(
                    "/auth/register",
                    headers={"x-forwarded-for": person.address},
                    json={"email": person.email, "password": PASSWORD},
                )
                person.token = answer.raise_for_status().json()["data"]["accessToken"]
                made.append(person)

        await asyncio.gather(*(some() for _ in range(_AT_ONCE)))
    return made


async def orders_of(port: int, person: Person) -> set[str]:
    """Return the ids of all orders that the exchange has of somebody."""
    found: set[str] = set()
    headers = {"x-forwarded-for": person.address, "authorization": f"Bearer {person.token}"}
    async with httpx.AsyncClient(
        base_url=f"http://127.0.0.1:{port}/api/v1", headers=headers, timeout=60
    ) as client:
        cursor: str | None = ""
        while cursor is not None:
            path = f"/orders?limit={_PAGE}" + (f"&cursor={cursor}" if cursor else "")
            answer = await client.get(path)
            if answer.status_code == httpx.codes.TOO_MANY_REQUESTS:
                await asyncio.sleep(float(answer.headers["retry-after"]))
                continue
            page: dict[str, Any] = answer.raise_for_status().json()
            found |= {order["id"] for order in page["data"]}
            cursor = page["nextCursor"]
    return found


class Listener:
    """A socket that counts what it hears and, if `checks`, keeps the book of YES and checks it."""

    def __init__(self, client: SocketClient, *, checks: bool) -> None:
        self._client = client
        self._model = BookModel() if checks else None
        self.messages = 0

    @property
    def is_open(self) -> bool:
        """Say whether the server still talks to it."""
        return not self._client.closed.is_set()

    def read(self) -> None:
        """Take in what was heard; raises AssertionError for a message that doesn't fit."""
        heard, self._client.events = self._client.events, []
        self.messages += len(heard)
        if self._model is not None:
            for name, message in heard:
                if name == "orderbook_update":
                    self._model.apply(message)


@contextlib.asynccontextmanager
async def listening(port: int, slug: str, persons: list[Person]) -> AsyncIterator[list[Listener]]:
    """Let each of some people listen to a market, and read on each second."""
    async with contextlib.AsyncExitStack() as stack:
        listeners: list[Listener] = []
        for person in persons:
            headers = {"x-forwarded-for": person.address}
            client = await stack.enter_async_context(
                socket_client(port, person.token, additional_headers=headers)
            )
            await client.ok("subscribe:market", {"slug": slug, "outcome": "YES"})
            listeners.append(Listener(client, checks=len(listeners) < CHECKED))

        async def read() -> None:
            while True:
                for listener in listeners:
                    listener.read()
                await asyncio.sleep(1)

        reading = asyncio.create_task(read())
        try:
            yield listeners
        finally:
            reading.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await reading
