"""What may be tried again after a process ended, and what counts as a try."""

import asyncpg
import pytest

from gateway.bootstrap.server import StopSignal
from gateway.cli.main import EngineStopped, _may_pass
from gateway.cli.respawn import TRIES, Respawn
from gateway.cli.waiting import EndedWaiting
from persistence.errors import DatabaseUnavailable, FenceLost, OutcomeUnknown

_COUNT = "PROBITY_STARTS_AGAIN"


def again(monkeypatch: pytest.MonkeyPatch, count: int | None) -> Respawn:
    """A process that so many tries led to; None: an operator started it."""
    if count is None:
        monkeypatch.delenv(_COUNT, raising=False)
    else:
        monkeypatch.setenv(_COUNT, str(count))
    return Respawn()


def caused(error: Exception, cause: Exception) -> Exception:
    error.__cause__ = cause
    return error


FULL = caused(OutcomeUnknown("the database failed in a commit"), asyncpg.DiskFullError("no space"))
LOST = FenceLost("another engine leads")
RUNS, ENDS = StopSignal(), StopSignal()
ENDS.is_set = True


@pytest.mark.parametrize(
    ("count", "error", "passes"),
    [
        (None, EngineStopped(LOST, RUNS), True),
        (TRIES - 1, EngineStopped(LOST, RUNS), True),
        (TRIES, EngineStopped(LOST, RUNS), False),
        (TRIES, EngineStopped(FULL, RUNS), True),
        (TRIES, EngineStopped(FULL, ENDS), False),
        (None, DatabaseUnavailable("away"), False),
        (0, DatabaseUnavailable("away"), True),
        (TRIES, DatabaseUnavailable("away"), True),
        (0, caused(EndedWaiting("ended"), DatabaseUnavailable("away")), False),
        (0, LOST, False),
        (0, asyncpg.DiskFullError("no space"), True),
        (None, asyncpg.DiskFullError("no space"), False),
        (0, asyncpg.DataCorruptedError("broken"), False),
    ],
)
def test_the_database_s_absence_is_no_try(
    monkeypatch: pytest.MonkeyPatch, count: int | None, error: Exception, passes: bool
) -> None:
    assert _may_pass(error, again(monkeypatch, count)) is passes


def test_a_process_that_follows_another_knows_it(monkeypatch: pytest.MonkeyPatch) -> None:
    assert [again(monkeypatch, count).is_again for count in (None, 0, 3)] == [False, True, True]


def test_a_signal_that_comes_while_everything_is_closed_is_heard(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The engine had stopped before the operator spoke, and no process follows all the same."""
    stop = StopSignal()
    error = EngineStopped(FULL, stop)
    assert _may_pass(error, again(monkeypatch, 0))
    stop.is_set = True
    assert not _may_pass(error, again(monkeypatch, 0))
