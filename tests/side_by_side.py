"""Which tests may not run beside each other when workers share them out, and which begin.

Laws: tests of one group run one after another in one worker; whatever has a server for all tests
of its file is a group, or each worker would start one. Tests that load the machine or measure how
long something takes are one group together: two of them side by side would measure each other. That
group begins, being the longest, and beside it those that use a whole server without measuring it,
one at a time; what is short comes last and fills the gaps. The order of tests
within a file stays as it is written.

xdist's own `--dist loadgroup` writes the group into a test's name, which pytest 9.2 ignores:
nothing is grouped then, and nothing said (pytest-xdist issue 1386). So the scheduler is ours, by
the hook that is there for it.
"""

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
    if test.startswith(LOADS_OR_MEASURES):
        return ALONE
    if test.startswith(USES_WHOLE_SERVERS):
        return WHOLE_SERVERS
    return test.partition("::")[0] if test.startswith(ONE_SERVER_A_FILE) else test


def place(test: str) -> int:
    """Return when a test's file begins; less is sooner."""
    for number, begin in enumerate(_ORDER):
        if test.startswith(begin):
            return number
    return len(_ORDER)


class ByGroup(LoadScopeScheduling):  # type: ignore[misc]
    """Gives each worker that has little left to do the next group."""

    def __init__(self, config: pytest.Config, log: Producer) -> None:
        super().__init__(config, log)
        # Theirs would begin with the group that has the most tests, not the longest ones.
        config.option.loadscopereorder = False

    def _split_scope(self, nodeid: str) -> str:
        return group(nodeid)
