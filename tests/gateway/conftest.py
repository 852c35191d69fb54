"""A whole web application over a real database, with a hand-written engine behind it."""

import asyncio
import io
import itertools
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Any

import httpx
import pytest
from argon2 import PasswordHasher
from starlette.types import ASGIApp

from gateway.accounts.mail.mailer import Mailer
from gateway.accounts.passwords import hashing
from gateway.accounts.passwords.hashing import Passwords
from gateway.bootstrap.application import build_application
from gateway.bootstrap.identity.people import People, make_people
from gateway.bootstrap.parts import Parts
from gateway.bootstrap.routes import route_tables
from gateway.bootstrap.settings import Settings, load_settings
from gateway.engine_side.ports import suspended_in
from gateway.engine_side.progress import Progress
from gateway.engine_side.readiness import Readiness, ViewFeed
from gateway.engine_side.running import EngineSide
from gateway.feeds.known import MarketCatalogue
from gateway.feeds.venue import Venue
from gateway.http.routing import Route, RouteTable
from gateway.observability.error_reports import ErrorReports
from gateway.observability.logs import configure_logs
from gateway.site import terminal
from gateway.site.forms import Forms
from persistence.postgres.database import create_pool
from tests.gateway.engine_fake import EngineFake
from tests.gateway.made_of import made_of
from tests.gateway.trading_desk import Desk, open_desk

PASSWORD = "correct horse battery"
ASKED_BY_HAND = {"x-requested-with": "tests"}
"""What every client of ours sends, so that its cookie counts."""
_NAMES = itertools.count(1)
CHEAP = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
CHEAP_HASH = CHEAP.hash("nobody has this password")
ABOUT_HASHES = ("tests/gateway/accounts/passwords/", "tests/gateway/accounts/sessions/test_sign_in")


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
    accounts: People
    tables: tuple[RouteTable, RouteTable]
    settings: Settings
    readiness: Readiness
    engine: EngineFake
    log: io.StringIO
    client: httpx.AsyncClient
    parts: Parts
    people: list[Person] = field(default_factory=list)

    def from_address(self, address: str) -> httpx.AsyncClient:
        """A client at another address, without the cookies of the first."""
        transport = httpx.ASGITransport(self.application, client=(address, 5000))
        return httpx.AsyncClient(
            transport=transport, base_url="http://exchange", headers=ASKED_BY_HAND
        )

    async def register(self, email: str | None = None, *, admin: bool = False) -> Person:
        """Register somebody; an admin is made by the table, as the first one is by the operator."""
        name = email or f"person{next(_NAMES)}@example.org"
        body = {"email": name, "password": PASSWORD}
        answer = await self.client.post("/api/v1/auth/register", json=body)
        assert answer.status_code == 201, answer.text
        person = person_of(answer)
        self.client.cookies.clear()
        if admin:
            await self.accounts.users.set_role(person.id, "ADMIN")
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
    settings: Settings,
    database_url: str,
    mounts: dict[str, ASGIApp] | None = None,
    rows: Sequence[Route] = (),
    venues: Mapping[str, Venue] | None = None,
    catalogues: Sequence[MarketCatalogue] = (),
    mailer: Mailer | None = None,
) -> AsyncIterator[Web]:
    """Put the application together as `compose.open_exchange` does, around a fake engine.

    `rows` are added to the API's; `venues` are asked for other platforms' markets, `catalogues`
    list them by their names in the place of those.
    """
    log = io.StringIO()
    async with AsyncExitStack() as stack:
        pool = await create_pool(database_url, size=4)
        stack.push_async_callback(pool.close)
        passwords = Passwords(
            settings.sign_in.password_hash_workers, settings.sign_in.password_hash_queue
        )
        stack.callback(passwords.close)
        engine = EngineFake()
        side = EngineSide(
            engine, engine.view, engine.history, ViewFeed(1), Progress(engine.view, 0.05)
        )
        logger = configure_logs(settings.reports.log_level, log)
        people = make_people(settings, pool, side, passwords, mailer, logger)
        parts = made_of(
            settings,
            side,
            pool=pool,
            people=people,
            logger=logger,
            venues=venues,
            catalogues=catalogues,
        )
        stack.callback(parts.replays.close)
        api, root = route_tables(parts)
        tables = RouteTable((*api.routes, *rows)) if rows else api, root
        application = build_application(
            settings,
            tables,
            people.sessions,
            parts.limits,
            parts.metrics,
            logger,
            ErrorReports(None),
            mounts or {},
            side.progress,
            parts.keys.gate,
            suspended_in(side.view),
        )
        transport = httpx.ASGITransport(application, client=("192.0.2.1", 5000))
        client = httpx.AsyncClient(
            transport=transport, base_url="http://exchange", headers=ASKED_BY_HAND
        )
        await stack.enter_async_context(client)
        yield Web(
            application, people, tables, settings, parts.readiness, engine, log, client, parts
        )


class _SoonAwake:
    """asyncio for uvicorn, but for how long it sleeps: it looks ten times a second whether it is
    to end, and waits as long again when it does, with nothing to wait for.
    """

    def __getattr__(self, name: str) -> object:
        return getattr(asyncio, name)

    async def sleep(self, seconds: float) -> None:
        """Sleep a hundredth of a second at most."""
        await asyncio.sleep(min(seconds, 0.01))


@pytest.fixture(scope="session", autouse=True)
def _servers_end_at_once() -> Iterator[None]:
    """Hundreds of tests serve on a port of their own."""
    with pytest.MonkeyPatch.context() as patching:
        patching.setattr("uvicorn.server.asyncio", _SoonAwake())
        yield


@pytest.fixture(scope="session", autouse=True)
def _reads_the_built_terminal_once() -> Iterator[None]:
    """Thousands of applications are put together, and each would read a hundred files anew."""
    read = terminal._read
    built = terminal.DIST, terminal.DIST.joinpath("assets")
    kept: dict[tuple[str, str], Forms] = {}

    def read_a_part(folder: Traversable, name: str, *, forever: bool) -> Forms:
        if folder not in built:
            return read(folder, name, forever=forever)
        place = str(folder), name
        if place not in kept:
            kept[place] = read(folder, name, forever=forever)
        return kept[place]

    with pytest.MonkeyPatch.context() as patching:
        patching.setattr(terminal, "_read", read_a_part)
        yield


@pytest.fixture(autouse=True)
def _hashes_cheaply(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Hash passwords at next to no cost wherever hashing them isn't what a test is about.

    Each takes a core 15 ms otherwise, and most tests register somebody.
    """
    if not request.node.nodeid.startswith(ABOUT_HASHES):
        monkeypatch.setattr(hashing, "_HASHER", CHEAP)
        monkeypatch.setattr(hashing, "_nobodys", lambda: CHEAP_HASH)


@pytest.fixture
async def make_web(database_url: str, tmp_path: Path) -> AsyncIterator[MakeWeb]:
    """Make applications with other settings, e.g. `RATE_LIMIT_MAX_REQUESTS=3`."""
    async with AsyncExitStack() as stack:

        async def make(
            mounts: dict[str, ASGIApp] | None = None,
            rows: Sequence[Route] = (),
            venues: Mapping[str, Venue] | None = None,
            catalogues: Sequence[MarketCatalogue] = (),
            mailer: Mailer | None = None,
            **changes: object,
        ) -> Web:
            environment = {
                "DATA_DIR": str(tmp_path),
                "RATE_LIMIT_MAX_REQUESTS": "100000",
                "LOG_LEVEL": "debug",
            }
            environment |= {name: str(value) for name, value in changes.items()}
            settings = load_settings(environment)
            return await stack.enter_async_context(
                open_web(settings, database_url, mounts, rows, venues, catalogues, mailer)
            )

        yield make


@pytest.fixture
async def web(make_web: MakeWeb) -> Web:
    """The application with limits wide enough not to be met by chance."""
    return await make_web()


@pytest.fixture
async def desk() -> AsyncIterator[Desk]:
    """The application around the fast engine: everybody has 1000 credits, "rain" is open."""
    async with open_desk() as opened:
        opened.open_accounts()
        opened.list_market()
        yield opened
        opened.engine.check()
