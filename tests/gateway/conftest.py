"""A whole web application over a real database, with a hand-written engine behind it."""

import asyncio
import io
import itertools
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest
from starlette.types import ASGIApp

from exchange.commands import OpenAccount
from gateway import bootstrap
from gateway.error_reports import ErrorReports
from gateway.logs import configure_logs
from gateway.metrics import Metrics
from gateway.passwords import Passwords
from gateway.ports import QueueFull
from gateway.services import Services
from gateway.settings import Settings, load_settings
from persistence.database import create_pool

PASSWORD = "correct horse battery"
_NAMES = itertools.count(1)


class FakeEngine:
    """Both ends of the engine: opens accounts at once, and remembers what it was sent."""

    def __init__(self) -> None:
        self.is_open = True
        self.accounts: dict[int, object] = {}
        self.submitted: list[Any] = []

    def submit(self, command: Any) -> asyncio.Future[Any]:
        if not self.is_open:
            raise QueueFull
        self.submitted.append(command)
        if isinstance(command, OpenAccount):
            self.accounts[command.account_id] = command.starting_credits
        answer: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        answer.set_result(None)
        return answer


@dataclass
class Person:
    """Somebody who is signed in."""

    id: int
    email: str
    token: str
    cookie: str

    @property
    def bearer(self) -> dict[str, str]:
        return {"authorization": f"Bearer {self.token}"}


@dataclass
class Web:
    """The application under test and ways to call it."""

    application: ASGIApp
    services: Services
    engine: FakeEngine
    log: io.StringIO
    client: httpx.AsyncClient
    people: list[Person] = field(default_factory=list)

    def from_address(self, address: str) -> httpx.AsyncClient:
        """A client at another address, without the cookies of the first."""
        transport = httpx.ASGITransport(self.application, client=(address, 5000))
        return httpx.AsyncClient(transport=transport, base_url="http://exchange")

    async def register(self, email: str | None = None, *, admin: bool = False) -> Person:
        """Register somebody; an admin is made by the table, as the first one is by the operator."""
        name = email or f"person{next(_NAMES)}@example.org"
        body = {"email": name, "password": PASSWORD}
        answer = await self.client.post("/api/v1/auth/register", json=body)
        assert answer.status_code == 201, answer.text
        person = person_of(answer)
        self.client.cookies.clear()
        if admin:
            await self.services.users.set_role(person.id, "ADMIN")
        self.people.append(person)
        return person

    def log_lines(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.log.getvalue().splitlines()]


def person_of(answer: httpx.Response) -> Person:
    """Who an answer of register, login or refresh signs in."""
    data = answer.json()["data"]
    cookie = answer.cookies["probity_refresh"]
    return Person(int(data["user"]["id"]), data["user"]["email"], data["accessToken"], cookie)


MakeWeb = Callable[..., Awaitable[Web]]


@asynccontextmanager
async def open_web(
    settings: Settings, database_url: str, mounts: dict[str, ASGIApp] | None = None
) -> AsyncIterator[Web]:
    """Put the application together as `bootstrap.open_exchange` does, around a fake engine."""
    log = io.StringIO()
    async with AsyncExitStack() as stack:
        pool = await create_pool(database_url, size=4)
        stack.push_async_callback(pool.close)
        passwords = Passwords(settings.password_hash_workers, settings.password_hash_queue)
        stack.callback(passwords.close)
        engine = FakeEngine()
        services = bootstrap.build_services(settings, pool, engine, engine, passwords, Metrics())
        services.readiness.open()
        logger = configure_logs(settings.log_level, log)
        application = bootstrap.build_application(
            services, logger, ErrorReports(None), mounts or {}
        )
        transport = httpx.ASGITransport(application, client=("192.0.2.1", 5000))
        client = httpx.AsyncClient(transport=transport, base_url="http://exchange")
        await stack.enter_async_context(client)
        yield Web(application, services, engine, log, client)


@pytest.fixture
async def make_web(database_url: str, tmp_path: Path) -> AsyncIterator[MakeWeb]:
    """Make an application with other settings: `await make_web(RATE_LIMIT_MAX_REQUESTS=3)`."""
    async with AsyncExitStack() as stack:

        async def make(mounts: dict[str, ASGIApp] | None = None, **changes: object) -> Web:
            environment = {
                "DATA_DIR": str(tmp_path),
                "RATE_LIMIT_MAX_REQUESTS": "100000",
                "LOG_LEVEL": "debug",
            }
            environment |= {name: str(value) for name, value in changes.items()}
            settings = load_settings(environment)
            return await stack.enter_async_context(open_web(settings, database_url, mounts))

        yield make


@pytest.fixture
async def web(make_web: MakeWeb) -> Web:
    """The application with limits wide enough not to be met by chance."""
    return await make_web()
