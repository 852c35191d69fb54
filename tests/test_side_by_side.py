"""Tests that would measure each other never run side by side, whatever the workers do."""

from types import SimpleNamespace
from typing import cast

import pytest
from xdist.remote import Producer

from tests.side_by_side import ALONE, WHOLE_SERVERS, ByGroup, group, place

TESTS = [
    "tests/faults/test_kill.py::test_a",
    "tests/faults/test_stop.py::test_b",
    "tests/e2e/test_demo.py::test_c",
    "tests/e2e/test_replay.py::test_c",
    "tests/packaging/test_wheel.py::test_d",
    "tests/packaging/test_wheel.py::test_e",
    "tests/properties/test_fees.py::test_f[1]",
    "tests/exchange/test_engine.py::test_g[a::b]",
    "tests/exchange/test_engine.py::test_h",
]


class Worker:
    """A worker that does what it is given when it is told to."""

    def __init__(self) -> None:
        self.given: list[str] = []
        self.done = 0
        self.shutting_down = False
        self.gateway = SimpleNamespace(id="a worker")

    def send_runtest_some(self, indices: list[int]) -> None:
        self.given += [TESTS[index] for index in indices]

    def shutdown(self) -> None:
        self.shutting_down = True


def shared_out(count: int) -> list[Worker]:
    """Let so many workers do all tests, each one in turn."""
    option = SimpleNamespace(loadscopereorder=True)
    config = SimpleNamespace(option=option, getvalue=lambda _name: ["popen"] * count)
    scheduling = ByGroup(cast("pytest.Config", config), Producer("said", enabled=False))
    workers = [Worker() for _ in range(count)]
    for worker in workers:
        scheduling.add_node(worker)
        scheduling.add_node_collection(worker, TESTS)
    scheduling.schedule()
    while busy := [worker for worker in workers if worker.done < len(worker.given)]:
        for worker in busy:
            worker.done += 1
            scheduling.mark_test_complete(worker, TESTS.index(worker.given[worker.done - 1]))
    return workers


@pytest.mark.parametrize("count", [1, 2, 3, 5])
def test_a_group_stays_with_one_worker_and_nothing_is_lost(count: int) -> None:
    workers = shared_out(count)
    assert sorted(test for worker in workers for test in worker.given) == sorted(TESTS)
    for name in (ALONE, WHOLE_SERVERS, "tests/packaging/test_wheel.py"):
        who = [bool([test for test in worker.given if group(test) == name]) for worker in workers]
        assert who.count(True) == 1


def test_the_longest_begin_and_the_rest_may_run_anywhere() -> None:
    assert [place(test) for test in TESTS] == sorted(place(test) for test in TESTS)
    assert [group(test) for test in TESTS[-2:]] == TESTS[-2:]
