"""Servers whose every way to PostgreSQL is a line that tests cut, hold and delay."""

from collections.abc import Iterator

import pytest

from tests.faults.proxy.fault_line import DatabaseLine


@pytest.fixture
def database_line(database_url: str) -> Iterator[DatabaseLine]:
    """A line to a database of the test's own; `database_url` leads past it."""
    with DatabaseLine(database_url) as line:
        yield line
