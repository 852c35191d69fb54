"""Servers for fault tests: each has a folder of its own, and nothing of it outlives its test."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.faults.fleet import Fleet
from tests.server_process import ServerProcess

MakeServer = Callable[..., ServerProcess]


@pytest.fixture
def make_server(tmp_path: Path) -> Iterator[MakeServer]:
    """Make servers, not started yet: `make_server(folder="data", ENGINE_QUEUE_SIZE="10")`."""
    with ExitStack() as stack:

        def make(folder: str = "data", **settings: str) -> ServerProcess:
            server = ServerProcess(tmp_path / folder, settings)
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
