"""Which tests may not run beside each other when workers share them out, and which begin.

Laws: tests of one group run one after another in one worker; whatever has a server for all tests
of its file is a group, or each worker would start one. Tests that load the machine or measure how
long something takes are one group together: two of them side by side would measure each other. That
group begins, being one of the two longest, and beside it those that use a whole server without
measuring it, one at a time: those that kill and cut, too, where they only count afterwards what is
there. What is short comes last and fills the gaps. The order of tests within a file stays as it is
written. What holds times to each other more closely than a neighbour lets it is quiet: no other
test begins or goes on while it runs (`Turns`).

The two take about as long: 1,310 s and 1,450 s on a machine of two cores, where they took 2,115 s
and 645 s while all faults were in the first. Two workers are busy to the end either way; with more,
a run takes as long as its longest group, however many there are.

xdist's own `--dist loadgroup` writes the group into a test's name, which pytest 9.2 ignores:
nothing is grouped then, and nothing said (pytest-xdist issue 1386). So the scheduler is ours, by
the hook that is there for it.
"""

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import pytest
from xdist.remote import Producer
from xdist.scheduler import LoadScopeScheduling

ALONE: Final = "alone"
WHOLE_SERVERS: Final = "whole servers"
# Files, and folders of them, in the order in which they begin.
LOADS_OR_MEASURES: Final = (
    "tests/faults/",
    "tests/persistence/loop/test_stopped_engine.py",
    "tests/persistence/loop/long_commands/test_mass_ends.py",
    "tests/gateway/sockets/test_slow.py",
    "tests/gateway/http/reading/test_bodies.py",
    "tests/gateway/sockets/test_life.py",
    "tests/browser/terminal/test_speed.py",
)
# Of those what only computes: each of its tests goes to whichever worker is free.
COMPUTES: Final = ("tests/faults/simulation/",)
# Of those what waits, counts and compares, and holds no time to a bound of a few seconds.
COUNTS: Final = (
    "tests/faults/bots/",
    "tests/faults/economy/test_bets_killed.py",
    "tests/faults/economy/test_conservation.py",
    "tests/faults/economy/test_kills_at_steps.py",
    "tests/faults/economy/test_kills_everywhere.py",
    "tests/faults/economy/test_kills_of_mirrors.py",
    "tests/faults/economy/test_stock_kills.py",
    "tests/faults/failover/test_family.py",
    "tests/faults/lines/test_cut_commands.py",
    "tests/faults/lines/test_cut_commits.py",
    "tests/faults/market_data/test_away.py",
    "tests/faults/market_data/test_away_from_gateways.py",
    "tests/faults/market_data/test_candles.py",
    "tests/faults/market_data/test_moved_journal.py",
    "tests/faults/orders/test_gateway_kills.py",
    "tests/faults/orders/test_kill_between_triggers.py",
    "tests/faults/orders/test_kill_in_batch.py",
    "tests/faults/research/",
    "tests/faults/test_kill.py",
    "tests/faults/test_pooler.py",
    "tests/faults/test_restore_drill.py",
    "tests/faults/test_rivals.py",
)
# Of those what nothing may run beside.
QUIET: Final = (
    "tests/faults/test_attacks.py::test_two_hundred_who_sign_in_leave_trading_its_pace",
)
USES_WHOLE_SERVERS: Final = (
    "tests/e2e/",
    "tests/security/test_conversation.py",
    "tests/deploy/test_point_in_time.py",
    "tests/benchmarks/test_site.py",
)
ONE_SERVER_A_FILE: Final = ("tests/packaging/", "tests/browser/terminal/", "tests/deploy/image/")
LONG: Final = ("tests/properties/", "tests/browser/", "tests/gateway/cli/", "tests/persistence/")
_ORDER: Final = (*LOADS_OR_MEASURES, *USES_WHOLE_SERVERS, *ONE_SERVER_A_FILE, *LONG)


def group(test: str) -> str:
    """Return the group of a test, by pytest's name of it; most tests are a group of their own."""
    if test.startswith(COMPUTES):
        return test
    if test.startswith((*COUNTS, *USES_WHOLE_SERVERS)):
        return WHOLE_SERVERS
    if test.startswith(LOADS_OR_MEASURES):
        return ALONE
    return test.partition("::")[0] if test.startswith(ONE_SERVER_A_FILE) else test


def place(test: str) -> int:
    """Return when a test's file begins; less is sooner."""
    for number, begin in enumerate(_ORDER):
        if test.startswith(begin):
            return number
    return len(_ORDER)


class Turns:
    """One worker's turns: a test runs beside those of other workers, a quiet one alone."""

    def __init__(self, folder: Path) -> None:
        """Take turns with whoever has the same folder."""
        # Who waits to be alone holds the door, so that no other test slips in before it.
        self._door, self._room = (
            (folder / name).open("a", encoding="utf-8") for name in ("door", "room")
        )

    @contextmanager
    def of(self, test: str) -> Iterator[None]:
        """Run a test in the block, when it is its turn."""
        fcntl.flock(self._door, fcntl.LOCK_EX)
        try:
            fcntl.flock(self._room, fcntl.LOCK_EX if test in QUIET else fcntl.LOCK_SH)
        finally:
            fcntl.flock(self._door, fcntl.LOCK_UN)
        try:
            yield
        finally:
            fcntl.flock(self._room, fcntl.LOCK_UN)

    def close(self) -> None:
        """Let go of them."""
        self._door.close()
        self._room.close()


class ByGroup(LoadScopeScheduling):  # type: ignore[misc]
    """Gives each worker that has little left to do the next group."""

    def __init__(self, config: pytest.Config, log: Producer) -> None:
        super().__init__(config, log)
        # Theirs would begin with the group that has the most tests, not the longest ones.
        config.option.loadscopereorder = False

    def _split_scope(self, nodeid: str) -> str:
        return group(nodeid)
