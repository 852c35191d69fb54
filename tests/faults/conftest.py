"""Servers for fault tests: each has a folder of its own, and nothing of it outlives its test."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from tests.faults.fleet import Fleet
from tests.server_process import ServerProcess

MakeServer = Callable[..., ServerProcess]


@pytest.fixture
def disk() -> Iterator[Path]:
    """A folder on a disk, where a commit takes its time, even if all others are in memory."""
    with TemporaryDirectory(prefix="probity-faults-") as folder:
        yield Path(folder)


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """Where a test's servers have their folders; a module may say otherwise."""
    return tmp_path


@pytest.fixture
def make_server(home: Path) -> Iterator[MakeServer]:
    """Make servers, not started yet: `make_server(folder="data", ENGINE_QUEUE_SIZE="10")`."""
    with ExitStack() as stack:

        def make(folder: str = "data", **settings: str) -> ServerProcess:
            server = ServerProcess(home / folder, settings)
            stack.callback(server.clean_up)
            return server

        yield make


@pytest.fixture
def server(make_server: MakeServer) -> ServerProcess:
    """A server on the embedded database, ready."""
    made = make_server()
    made.start()
    return made


@pytest.fixture
def fleet(tmp_path: Path, database_url: str) -> Iterator[Fleet]:
    """An engine over a database and a Redis that are its own; gateways are yours to start."""
    with ExitStack() as stack:
        yield Fleet(tmp_path, database_url, stack)
