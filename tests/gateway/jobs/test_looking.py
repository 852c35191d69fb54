"""Whoever looks at the database again and again waits for an absent one, and for nothing else."""

import asyncio

import asyncpg
import pytest

from gateway.jobs.looking import look_again
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
