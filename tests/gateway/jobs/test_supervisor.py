"""Continuous work: what dies is started again, what can't be done without ends the process."""

import asyncio
import contextlib
import io
import json
from collections.abc import Callable
from typing import Any

import pytest

from gateway.jobs import supervisor as module
from gateway.jobs.supervisor import CheckIn, Supervisor, WorkEnded, WorkFailed
from gateway.observability.logs import configure_logs
from gateway.observability.metrics import Metrics
from tests.gateway.waiting import eventually

NOW = 1_700_000_000.0


class Hands:
    """A clock that is moved by hand: nobody sleeps longer than a test says."""

    def __init__(self) -> None:
        self.now = 0.0
        self.pauses: list[float] = []
        self._sleepers: list[tuple[float, asyncio.Future[None]]] = []

    def monotonic(self) -> float:
        return self.now

    def wall(self) -> float:
        return NOW + self.now

    async def sleep(self, seconds: float) -> None:
        self.pauses.append(seconds)
        woken: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._sleepers.append((self.now + seconds, woken))
        await woken

    async def move(self, seconds: float) -> None:
        """Let time pass for whoever sleeps, and let them act."""
        await self.settle()
        self.now += seconds
        due = [woken for at, woken in self._sleepers if at <= self.now]
        self._sleepers = [(at, woken) for at, woken in self._sleepers if at > self.now]
        for woken in due:
            if not woken.done():
                woken.set_result(None)
        await self.settle()

    async def settle(self) -> None:
        for _ in range(10):
            await asyncio.sleep(0)


class Desk:
    """A supervisor with everything around it in a test's hands."""

    def __init__(self) -> None:
        self.clock = Hands()
        self.metrics = Metrics()
        self.log = io.StringIO()
        logger = configure_logs("info", self.log)
        self.supervisor = Supervisor(self.metrics.jobs, logger, self.clock, jitter=lambda: 1.0)

    def figure(self, name: str, job: str) -> float | None:
        return self.metrics.registry.get_sample_value(name, {"job": job})

    def failures(self, job: str) -> float | None:
        return self.figure("job_failures_total", job)

    def lines(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.log.getvalue().splitlines()]


@pytest.fixture
async def desk() -> Desk:
    return Desk()


def forever(started: list[str], ended: list[str], name: str) -> Callable[[CheckIn], Any]:
    async def work(_check_in: CheckIn) -> None:
        started.append(name)
        try:
            await asyncio.Event().wait()
        finally:
            ended.append(name)

    return work


async def test_what_dies_is_started_again_after_pauses_that_grow_to_a_bound(desk: Desk) -> None:
    starts = 0

    async def work(_check_in: CheckIn) -> None:
        nonlocal starts
        starts += 1
        raise LookupError("no such room")

    async with desk.supervisor.running("watch", work, longest_pause_s=4):
        for _ in range(6):
            await desk.clock.move(4)
    assert starts == 7
    assert desk.clock.pauses == [0.5, 1, 2, 4, 4, 4, 4]
    assert desk.failures("watch") == 7
    assert not desk.supervisor.failed.done()


async def test_returning_is_a_failure_too(desk: Desk) -> None:
    async def work(_check_in: CheckIn) -> None:
        return

    async with desk.supervisor.running("watch", work):
        await desk.clock.settle()
        assert desk.failures("watch") == 1
    assert desk.lines()[0]["error"] == WorkEnded.__name__


async def test_a_cancelled_part_of_the_work_does_not_end_it(desk: Desk) -> None:
    starts = 0

    async def work(_check_in: CheckIn) -> None:
        nonlocal starts
        starts += 1
        part: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        part.cancel()
        await part

    async with desk.supervisor.running("watch", work):
        await desk.clock.move(1)
        assert starts == 2


async def test_work_that_ran_well_begins_with_the_first_pause_again(desk: Desk) -> None:
    fails = asyncio.Event()
    checks_in = True

    async def work(check_in: CheckIn) -> None:
        if checks_in:
            check_in()
        await fails.wait()
        fails.clear()
        raise LookupError

    async def fail_after(seconds: float) -> None:
        await desk.clock.move(seconds)
        fails.set()
        await desk.clock.settle()
        await desk.clock.move(module.LONGEST_PAUSE_S)

    async with desk.supervisor.running("watch", work):
        for _ in range(3):
            await fail_after(1)
        assert desk.clock.pauses == [0.5, 1, 2]
        await fail_after(module.WELL_S)
        assert desk.clock.pauses[3:] == [0.5]
        checks_in = False  # from the next start on
        for _ in range(3):
            await fail_after(module.WELL_S)
        assert desk.clock.pauses[4:] == [0.5, 1, 2], "without checking in it only seemed well"


async def test_a_pause_is_cut_by_chance(desk: Desk) -> None:
    async def work(_check_in: CheckIn) -> None:
        raise LookupError

    parts = iter([0.5, 0.75])
    desk.supervisor._jitter = lambda: next(parts)
    async with desk.supervisor.running("watch", work):
        await desk.clock.move(1)
        assert desk.clock.pauses == [0.25, 0.75]


async def test_the_log_is_not_flooded(desk: Desk) -> None:
    async def work(_check_in: CheckIn) -> None:
        raise LookupError("not to be repeated: it may hold anything")

    async with desk.supervisor.running("watch", work, longest_pause_s=1):
        for _ in range(61):
            await desk.clock.move(1)
    lines = desk.lines()
    assert [(line["level"], line["job"], line["unsaid"]) for line in lines] == [
        ("error", "watch", 0),
        ("error", "watch", 59),
    ]
    assert lines[0]["error"] == "LookupError"
    assert "anything" not in desk.log.getvalue()


async def test_checking_in_is_the_success_that_metrics_show(desk: Desk) -> None:
    async def work(check_in: CheckIn) -> None:
        while True:
            await desk.clock.sleep(1)
            check_in()

    name = "job_last_success_timestamp_seconds"
    async with desk.supervisor.running("heart", work):
        await desk.clock.settle()
        assert desk.figure(name, "heart") == 0, "registered, and nothing done yet"
        await desk.clock.move(1)
        assert desk.figure(name, "heart") == NOW + 1
        await desk.clock.move(1)
        assert desk.figure(name, "heart") == NOW + 2
    assert desk.failures("heart") == 0


async def test_fatal_work_says_that_the_process_must_end(desk: Desk) -> None:
    async def work(_check_in: CheckIn) -> None:
        raise LookupError("no such room")

    async with desk.supervisor.running("freshness", work, fatal=True):
        async with asyncio.timeout(30):
            reason = await desk.supervisor.failed
        await desk.clock.move(1_000)
    assert isinstance(reason, WorkFailed)
    assert (reason.name, str(reason)) == ("freshness", "LookupError: no such room")
    assert desk.failures("freshness") == 1, "not started again"
    assert [line["level"] for line in desk.lines()] == ["critical"]


async def test_the_first_reason_to_end_counts(desk: Desk) -> None:
    first = LookupError()
    desk.supervisor.fail(first)
    desk.supervisor.fail(KeyError())
    assert await desk.supervisor.failed is first


async def test_it_ends_with_its_block_the_last_first(desk: Desk) -> None:
    started: list[str] = []
    ended: list[str] = []
    async with (
        desk.supervisor.running("one", forever(started, ended, "one")),
        desk.supervisor.running("two", forever(started, ended, "two")),
    ):
        await desk.clock.settle()
        assert (started, ended) == (["one", "two"], [])
    assert ended == ["two", "one"]
    assert {desk.failures("one"), desk.failures("two")} == {0}


async def test_it_ends_during_a_pause(desk: Desk) -> None:
    async def work(_check_in: CheckIn) -> None:
        raise LookupError

    async with asyncio.timeout(30), desk.supervisor.running("watch", work):
        await desk.clock.settle()


async def test_a_failure_of_the_end_is_said(desk: Desk) -> None:
    async def work(_check_in: CheckIn) -> None:
        try:
            await asyncio.Event().wait()
        finally:
            raise LookupError

    async with desk.supervisor.running("watch", work):
        await desk.clock.settle()
    assert [line["event"] for line in desk.lines()] == ["work failed at its end"]


async def test_work_that_swallows_its_end_ends_all_the_same(desk: Desk) -> None:
    async def work(_check_in: CheckIn) -> None:
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.Event().wait()

    async with asyncio.timeout(30), desk.supervisor.running("watch", work):
        await desk.clock.settle()
    assert desk.failures("watch") == 0


async def test_one_name_runs_once(desk: Desk) -> None:
    async with desk.supervisor.running("watch", forever([], [], "watch")):
        with pytest.raises(ValueError, match="running already"):
            async with desk.supervisor.running("watch", forever([], [], "watch")):
                pass
    async with desk.supervisor.running("watch", forever([], [], "watch")):
        await desk.clock.settle()


async def test_the_machines_clock_is_the_default() -> None:
    starts = 0

    async def work(_check_in: CheckIn) -> None:
        nonlocal starts
        starts += 1
        raise LookupError

    supervisor = Supervisor(Metrics().jobs, configure_logs("error", io.StringIO()))
    async with supervisor.running("watch", work, longest_pause_s=0.01):
        await eventually(lambda: starts > 2)
