"""Whoever looks at the database again and again waits for an absent one, and for nothing else."""

import asyncio

import asyncpg
import pytest

from gateway.jobs.looking import LATE_US, Changes, look_again
from persistence.errors import DatabaseUnavailable, DataFolderBusy
from persistence.postgres.database import absence_waited_for
from tests.gateway.waiting import eventually

ABSENCES = [
    DatabaseUnavailable("gone"),
    ConnectionRefusedError(),
    TimeoutError(),
    asyncpg.ConnectionDoesNotExistError("closed in the middle"),
    asyncpg.AdminShutdownError("terminating"),
    asyncpg.QueryCanceledError("statement timeout"),
    asyncpg.DiskFullError("no space left"),
    asyncpg.TooManyConnectionsError("too many clients"),
    asyncpg.InterfaceError("connection is closed"),
]
FAULTS = [
    ValueError("ours"),
    KeyError("ours"),
    asyncpg.DataError("wrong arguments"),
    asyncpg.UndefinedTableError("no such table"),
    asyncpg.UniqueViolationError("twice"),
    PermissionError(13, "denied", "a file of ours"),
    DataFolderBusy("another server's"),
]


def named(error: Exception) -> str:
    return type(error).__name__


class Looks:
    """Looks that fail as they are told, and then go well."""

    def __init__(self, *failures: Exception) -> None:
        self._failures = list(failures)
        self.made = self.checked_in = 0

    async def look(self) -> None:
        self.made += 1
        if self._failures:
            raise self._failures.pop(0)

    def check_in(self) -> None:
        self.checked_in += 1


@pytest.mark.parametrize("error", ABSENCES, ids=named)
async def test_an_absent_database_is_waited_for(error: Exception) -> None:
    looks = Looks(error, error)
    looking = asyncio.create_task(look_again(looks.look, looks.check_in, pause_s=0))
    await eventually(lambda: looks.checked_in >= 2)
    looking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await looking
    assert looks.made >= looks.checked_in + 2


@pytest.mark.parametrize("error", FAULTS, ids=named)
async def test_a_fault_of_ours_ends_the_work(error: Exception) -> None:
    looks = Looks(error)
    with pytest.raises(type(error)):
        await look_again(looks.look, looks.check_in, pause_s=0)
    assert (looks.made, looks.checked_in) == (1, 0)


async def test_the_first_look_may_come_after_the_first_pause() -> None:
    looks = Looks()
    looking = asyncio.create_task(
        look_again(looks.look, looks.check_in, pause_s=60, rests_first=True)
    )
    await asyncio.sleep(0)
    assert looks.made == 0
    looking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await looking


async def test_what_is_cancelled_is_no_absence() -> None:
    with pytest.raises(asyncio.CancelledError), absence_waited_for():
        raise asyncio.CancelledError


class Rows:
    """A table of (time, number)."""

    def __init__(self, *rows: tuple[int, int]) -> None:
        self.rows = list(rows)
        self.noted: list[tuple[int, int]] = []

    async def changed(self, after: tuple[int, int], limit: int) -> list[tuple[int, int]]:
        return sorted(row for row in self.rows if row > after)[:limit]

    def changes(self, now: int) -> Changes[tuple[int, int], int]:
        return Changes(self.changed, lambda row: row, 0, clock=lambda: now)


async def test_a_stamp_ahead_of_now_hides_nothing() -> None:
    """A machine whose clock is an hour ahead changed one of them."""
    now = 10_000_000_000
    table = Rows((now + 3_600_000_000, 1))
    changes = table.changes(now)
    await changes.take(table.noted.append)
    table.rows.append((now, 2))
    await changes.take(table.noted.append)
    assert (now, 2) in table.noted


async def test_what_was_noted_long_ago_is_not_read_again() -> None:
    now = 10_000_000_000
    table = Rows((now - LATE_US - 1, 1), (now - LATE_US, 2), (now, 3))
    changes = table.changes(now)
    await changes.take(table.noted.append)
    await changes.take(table.noted.append)
    assert [number for _, number in table.noted] == [1, 2, 3, 2, 3]
