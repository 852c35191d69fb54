"""What tests of every package share: bounds, recordings and a real PostgreSQL.

Laws: no test leaves this machine (`loopback/guard.py`). A missing recording or database is said,
never passed over in silence; in CI it is a failure, unless PROBITY_REQUIRE_RECORDINGS=0 says that
there are none.
Every test that asks for a database gets one of its own, migrated and empty. Tests may run side by
side: each worker has a server of its own, or databases of its own on the one that it is given.
Fixtures of one package's tests live in that package's conftest.
"""

import asyncio
import contextlib
import functools
import itertools
import os
import shutil
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import NamedTuple
from urllib.parse import urlsplit

import pytest
from httpx._transports import default as transports
from xdist.remote import Producer

from exchange.compiled import COMPILED
from persistence.embedded.server import EmbeddedPostgres
from persistence.postgres import migrate
from persistence.postgres.database import Connection, connect
from tests import lengths, side_by_side
from tests.loopback import guard

stays_on_loopback = guard.stays_on_loopback
ROOT = Path(__file__).parent.parent
_NUMBERS = itertools.count(1)
_MEMORY = Path("/dev/shm")  # noqa: S108 - pytest makes a folder of its own in it
_ENOUGH_BYTES = 3 << 30

SetBound = Callable[[ModuleType, str, int], None]
FreshDatabase = Callable[[], contextlib.AbstractContextManager[str]]


class _Superuser:
    """A connection that stays open from one statement of fixtures to the next: opening one takes as
    long as half of what is asked by it, twice in each test that has a database.
    """

    def __init__(self, url: str) -> None:
        self._url = url
        self._loop = asyncio.new_event_loop()
        self._thread = threading.get_ident()
        self._connection: Connection | None = None

    def run(self, statement: str) -> None:
        """Run one statement outside a transaction; other threads open a connection for it."""
        if threading.get_ident() == self._thread:
            self._loop.run_until_complete(self._run(statement))
        else:
            asyncio.run(self._run_alone(statement))

    async def _run(self, statement: str) -> None:
        if self._connection is None or self._connection.is_closed():
            self._connection = await connect(self._url)
        await self._connection.execute(statement)

    async def _run_alone(self, statement: str) -> None:
        connection = await connect(self._url)
        try:
            await connection.execute(statement)
        finally:
            await connection.close()

    def close(self) -> None:
        """Close the connection."""
        if self._connection is not None:
            self._loop.run_until_complete(self._connection.close())
        self._loop.close()


class Postgres(NamedTuple):
    """A running server and the two roles tests use on it."""

    superuser_url: str
    user_url: str
    superuser: _Superuser

    def database(self, name: str) -> str:
        """The URL of another database, as the role that the exchange has."""
        return urlsplit(self.user_url)._replace(path=f"/{name}").geturl()

    @property
    def user(self) -> str:
        return urlsplit(self.user_url).username or "postgres"

    def run(self, statement: str) -> None:
        """Run one statement as the superuser, outside a transaction."""
        self.superuser.run(statement)


def _has_room(folder: Path) -> bool:
    """Say whether folders of tests fit into another; programs are started from there, too."""
    return (
        os.access(folder, os.W_OK | os.X_OK)
        and not os.statvfs(folder).f_flag & os.ST_NOEXEC
        and shutil.disk_usage(folder).free > _ENOUGH_BYTES
    )


def _read_certificates_once() -> None:
    """Let every HTTP client of tests share what it reads of the system's certificates.

    Reading them takes tens of milliseconds of a core, for addresses that need none, too, and some
    tests make a client for each of thousands of calls.
    """
    read = getattr(transports, "create_ssl_context", None)
    if read is not None:
        transports.create_ssl_context = functools.cache(read)  # type: ignore[attr-defined]


def pytest_configure() -> None:
    """Put temporary folders into memory where there is room for them.

    Hundreds of databases and servers are made and dropped, and each would wait for the disk at its
    birth and at its end. Tests that need a disk's time ask for the fixture `disk` of faults.
    """
    # No test asks a venue beyond this machine: whoever wants one names it.
    os.environ.setdefault("FEED_PLATFORMS", "none")
    guard.begin()
    _read_certificates_once()
    if _has_room(_MEMORY):
        os.environ.setdefault("PYTEST_DEBUG_TEMPROOT", str(_MEMORY))


def pytest_unconfigure() -> None:
    """Take away what the guard of loopback left."""
    guard.end()


def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> side_by_side.ByGroup:
    """Share the tests out to workers."""
    return side_by_side.ByGroup(config, log)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with what takes longest; a long run waits longer for each test."""
    items.sort(key=lambda item: side_by_side.place(item.nodeid))
    if lengths.IS_LONG:
        for item in items:
            item.add_marker(pytest.mark.timeout(lengths.LONG_TIMEOUT_SECONDS), append=False)


@pytest.fixture(scope="session")
def _turns(tmp_path_factory: pytest.TempPathFactory) -> Iterator[side_by_side.Turns]:
    """The turns that this worker takes with the others of its run."""
    folder = tmp_path_factory.getbasetemp()
    turns = side_by_side.Turns(folder.parent if "PYTEST_XDIST_WORKER" in os.environ else folder)
    yield turns
    turns.close()


@pytest.fixture(autouse=True)
def _turn(_turns: side_by_side.Turns, request: pytest.FixtureRequest) -> Iterator[None]:
    """Begin when others let it, which they always do but for a quiet test."""
    with _turns.of(request.node.nodeid):
        yield


@pytest.fixture
def set_bound(monkeypatch: pytest.MonkeyPatch) -> SetBound:
    """Change a bound of the rules for one test, in the module that asks for it.

    A compiled core has its bounds built in: such a test is for the sources.
    """
    if COMPILED:
        pytest.skip("a compiled core has its bounds built in")

    def set_to(module: ModuleType, name: str, value: int) -> None:
        monkeypatch.setattr(module, name, value)

    return set_to


@pytest.fixture(scope="session")
def recordings() -> Path:
    """The folder of recorded upstream answers (PROBITY_RECORDINGS, or beside the repository)."""
    default = ROOT.parent / "shared" / "recordings"
    folder = Path(os.environ.get("PROBITY_RECORDINGS", default))
    if (folder / "manifest.json").is_file():
        return folder
    reason = f"no recordings in {folder}: set PROBITY_RECORDINGS"
    required = os.environ.get("PROBITY_REQUIRE_RECORDINGS") or os.environ.get("CI") or "0"
    if required != "0":
        pytest.fail(reason)
    pytest.skip(reason)


@pytest.fixture(scope="session")
def postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Postgres]:
    """A real server for a worker's tests: PROBITY_TEST_DATABASE_URL's, else one of our own."""
    if url := os.environ.get("PROBITY_TEST_DATABASE_URL"):
        with contextlib.closing(_Superuser(url)) as superuser:
            yield Postgres(url, url, superuser)
        return
    folder = tmp_path_factory.mktemp("postgres")
    server = asyncio.run(EmbeddedPostgres.start(folder))
    try:
        with contextlib.closing(_Superuser(server.superuser_url)) as superuser:
            yield Postgres(server.superuser_url, server.url, superuser)
    finally:
        asyncio.run(server.stop())
        shutil.rmtree(folder)


@pytest.fixture(scope="session")
def template_database(postgres: Postgres) -> Iterator[str]:
    """The name of a migrated database that others are copied from; nobody connects to it."""
    name = f"probity_template_{os.getpid()}"
    postgres.run(f'CREATE DATABASE {name} OWNER "{postgres.user}"')
    asyncio.run(migrate.upgrade(postgres.database(name)))
    yield name
    postgres.run(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
def fresh_database(postgres: Postgres, template_database: str) -> FreshDatabase:
    """A way to the URL of a fresh database with the newest schema, dropped after the block."""
    # As files: half the work for the server of copying page by page through its own log.
    how = f'TEMPLATE {template_database} STRATEGY FILE_COPY OWNER "{postgres.user}"'

    @contextlib.contextmanager
    def fresh() -> Iterator[str]:
        name = f"probity_test_{os.getpid()}_{next(_NUMBERS)}"
        postgres.run(f"CREATE DATABASE {name} {how}")
        yield postgres.database(name)
        postgres.run(f"DROP DATABASE {name} WITH (FORCE)")

    return fresh


@pytest.fixture
def database_url(fresh_database: FreshDatabase) -> Iterator[str]:
    """The URL of a fresh database with the newest schema, dropped after the test."""
    with fresh_database() as url:
        yield url


@pytest.fixture
def empty_database_url(postgres: Postgres) -> Iterator[str]:
    """The URL of a database without any schema, dropped after the test."""
    name = f"probity_empty_{os.getpid()}_{next(_NUMBERS)}"
    postgres.run(f'CREATE DATABASE {name} OWNER "{postgres.user}"')
    yield postgres.database(name)
    postgres.run(f"DROP DATABASE {name} WITH (FORCE)")
