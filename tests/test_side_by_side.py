"""Tests that would measure each other never run side by side, whatever the workers do."""

import threading
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import pytest
from xdist.remote import Producer

from tests.side_by_side import ALONE, COUNTS, QUIET, WHOLE_SERVERS, ByGroup, Turns, group, place

ROOT = Path(__file__).parents[1]
TESTS = [
    "tests/faults/test_floods.py::test_a",
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


def test_a_quiet_test_waits_for_the_others_and_they_for_it(tmp_path: Path) -> None:
    began: dict[str, threading.Event] = {}
    may_end: dict[str, threading.Event] = {}

    def run(test: str) -> threading.Thread:
        """Run a test in a worker of its own, until it may end."""
        began[test], may_end[test] = threading.Event(), threading.Event()
        turns = Turns(tmp_path)

        def work() -> None:
            with turns.of(test):
                began[test].set()
                may_end[test].wait(60)
            turns.close()

        thread = threading.Thread(target=work)
        thread.start()
        return thread

    (quiet,) = QUIET
    threads = [run("one"), run("another")]
    assert began["one"].wait(10)
    assert began["another"].wait(10), "ordinary tests wait for nobody"
    may_end["another"].set()
    threads.append(run(quiet))
    assert not began[quiet].wait(0.2), "one still runs"
    threads.append(run("late"))
    assert not began["late"].wait(0.2), "a quiet one waits before it"
    may_end["one"].set()
    assert began[quiet].wait(10)
    assert not began["late"].wait(0.2), "a quiet one runs"
    may_end[quiet].set()
    assert began["late"].wait(10)
    may_end["late"].set()
    for thread in threads:
        thread.join(10)


def test_what_is_quiet_is_there() -> None:
    for test in QUIET:
        path, _, name = test.partition("::")
        assert f"def {name}(" in (ROOT / path).read_text("utf-8")


@pytest.mark.parametrize("begin", COUNTS)
def test_what_only_counts_is_there_and_holds_no_time_to_a_bound(begin: str) -> None:
    files = [*(ROOT / begin).rglob("*.py")] if begin.endswith("/") else [ROOT / begin]
    assert files
    for file in files:
        assert "tests.measured" not in file.read_text("utf-8"), file
    assert group(f"{begin}test_x.py::test_x") == WHOLE_SERVERS
