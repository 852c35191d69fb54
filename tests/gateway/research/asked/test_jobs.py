"""Backtests in processes of their own: the same figures as here, within bounds, never stuck."""

import asyncio
import io
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import msgspec
import pytest

from gateway.observability.logs import configure_logs
from gateway.research.asked import child, jobs, process
from gateway.research.asked.child import BacktestProcess
from gateway.research.asked.plan import Done, Failed, Limits, Order
from gateway.research.asked.process import FILLS_KEPT, run
from gateway.research.asked.views import result_json
from gateway.research.backtest.prints import PrintsModel
from gateway.research.backtest.result import Setup, backtest
from gateway.research.strategies import STRATEGIES
from gateway.research.tape.events import TapeBroken
from gateway.research.tape.files import read_tape
from persistence.clock import now_us
from persistence.errors import HistoryMismatch
from persistence.repositories.research.backtests import (
    CANCELLED,
    DONE,
    FAILED,
    LEFT,
    QUEUED,
    RUNNING,
    TRIES_MAX,
    Backtest,
)
from tests.gateway.research.asked.plans import Asked, asking, plan_of, write_short
from tests.gateway.waiting import eventually

LIMITS = Limits(time_s=60, cpu_s=60, memory_mib=1_024, events=100_000)


@pytest.fixture
async def asked(database_url: str, tmp_path: Path) -> AsyncIterator[Asked]:
    write_short(tmp_path)
    async with asking(database_url, tmp_path) as made:
        await made.person(1)
        await made.person(2)
        yield made


def order(path: Path | None, **changes: Any) -> Order:
    limits = msgspec.structs.replace(LIMITS, **changes)
    plan = plan_of() if path is not None else plan_of(tape="sample")
    return Order(
        plan=plan, limits=limits, url="", segments="", tape=None if path is None else str(path)
    )


class Held:
    """Processes that run until they are let go."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.at_once = self.most = 0
        self.let_go = asyncio.Event()
        self.ended: Done | Failed = Failed("let go")
        monkeypatch.setattr(jobs, "BacktestProcess", self._make)
        monkeypatch.setattr(jobs, "LOOK_S", 0.02)

    def _make(self, order: Order) -> BacktestProcess:
        process = BacktestProcess(order)
        process.run = self._run  # type: ignore[method-assign]
        return process

    async def _run(self) -> Done | Failed:
        self.at_once += 1
        self.most = max(self.most, self.at_once)
        try:
            await self.let_go.wait()
        finally:
            self.at_once -= 1
        return self.ended


async def test_a_process_gives_what_a_run_here_gives(asked: Asked, tmp_path: Path) -> None:
    log = io.StringIO()
    made = await asked.ask(1)
    await asked.job(configure_logs("info", log)).run({})
    row, result = await asked.one(made)
    assert (row.status, row.error, row.progress, log.getvalue()) == (DONE, None, 10_000, "")
    here = backtest(
        STRATEGIES["market-maker"],
        {},
        PrintsModel(10_000_000_000),
        read_tape(tmp_path / "short.jsonl"),
        Setup(latency_us=0),
    )
    assert result == msgspec.json.decode(result_json(here))
    fills = await asked.rows.executions(made.id)
    assert len(fills) == here.figures.fills > 0
    assert [(one.at, one.price, one.quantity, one.fee) for one in fills] == [
        (one.at, one.price, one.quantity, one.fee) for one in here.executions
    ]
    assert await asked.rows.delete(1, made.id)
    assert await asked.pool.fetchval("SELECT count(*) FROM backtest_executions") == 0


def test_bounds_are_told_as_what_they_are(tmp_path: Path) -> None:
    path = write_short(tmp_path)
    told = run(order(path, events=3), lambda _: None)
    assert isinstance(told, Done)
    assert msgspec.json.decode(told.result)["stopped"] == "3 events"
    assert len(told.fills) <= FILLS_KEPT
    path.write_text('{"kind":"book","at":1,"market":"m"}\n')
    refused = run(order(path), lambda _: None)
    assert isinstance(refused, Failed)
    assert "isn't listed" in refused.reason
    path.unlink()
    gone = run(order(path), lambda _: None)
    assert gone == Failed("what it is played on couldn't be read", "FileNotFoundError")


def test_what_is_wrong_with_the_journal_is_told_to_nobody_outside(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def broken(_order: Order) -> None:
        raise TapeBroken("the journal after 7: /srv/segments/7") from HistoryMismatch("of a disk")

    monkeypatch.setattr(process, "_played", broken)
    told = run(order(None), lambda _: None)
    assert told == Failed("what it is played on couldn't be read", "HistoryMismatch")


@pytest.mark.parametrize(
    ("bound", "told"),
    [
        ({"time_s": 0}, "longer than 0 s"),
        ({"cpu_s": 1}, "more than 1 s of a processor"),
    ],
)
async def test_a_process_that_takes_too_much_is_ended(bound: dict[str, int], told: str) -> None:
    ended = await BacktestProcess(order(None, **bound)).run()
    assert isinstance(ended, Failed)
    assert told in ended.reason


def test_a_process_has_no_more_memory_than_it_may() -> None:
    program = (
        "from gateway.research.asked.plan import Limits;"
        "from gateway.research.asked.process import bind;"
        "bind(Limits(time_s=9, cpu_s=60, memory_mib=512, events=9)); bytearray(600 << 20)"
    )
    ended = subprocess.run(
        [sys.executable, "-P", "-c", program], capture_output=True, text=True, check=False
    )
    assert "MemoryError" in ended.stderr


async def test_one_of_a_person_and_so_many_in_all(
    asked: Asked, monkeypatch: pytest.MonkeyPatch
) -> None:
    held = Held(monkeypatch)
    first, second, other = await asked.ask(1), await asked.ask(1), await asked.ask(2)
    job = asked.job(configure_logs("error", io.StringIO()), BACKTESTS_AT_ONCE=3)
    running = asyncio.create_task(job.run({}))
    await eventually(lambda: held.at_once == 2)
    stands = {one.id: (await asked.one(one))[0].status for one in (first, second, other)}
    assert stands == {first.id: RUNNING, second.id: QUEUED, other.id: RUNNING}
    held.let_go.set()
    await running
    assert held.most == 2
    for one in (first, second, other):
        row, _ = await asked.one(one)
        assert (row.status, row.error) == (FAILED, "let go")


async def test_nobody_waits_behind_a_long_one_while_there_is_a_lane(
    asked: Asked, monkeypatch: pytest.MonkeyPatch
) -> None:
    held, now = Held(monkeypatch), [0.0]
    monkeypatch.setattr(jobs, "time", SimpleNamespace(monotonic=lambda: now[0]))
    await asked.ask(1)
    job = asked.job(configure_logs("error", io.StringIO()), BACKTESTS_AT_ONCE=2)
    running = asyncio.create_task(job.run({}))
    await eventually(lambda: held.at_once == 1)
    now[0] = jobs.TURN_S + 1
    await asked.ask(2)
    await eventually(lambda: held.at_once == 2)
    held.let_go.set()
    await asyncio.wait_for(running, 30)


async def test_a_database_that_is_away_for_a_while_ends_no_run(
    asked: Asked, monkeypatch: pytest.MonkeyPatch
) -> None:
    held, said = Held(monkeypatch), asked.rows
    away = {"claim": 2, "note": 3, "fail": 2}

    def failing(name: str) -> Any:
        real = getattr(said, name)

        async def call(*given: Any) -> Any:
            if away[name]:
                away[name] -= 1
                raise ConnectionRefusedError
            return await real(*given)

        return call

    for name in away:
        monkeypatch.setattr(said, name, failing(name))
    one, other = await asked.ask(1), await asked.ask(2)
    log = io.StringIO()
    running = asyncio.create_task(
        asked.job(configure_logs("error", log), BACKTESTS_AT_ONCE=2).run({})
    )
    await eventually(lambda: held.at_once == 2 and away["note"] == 0)
    held.let_go.set()
    await running
    stands = [((await asked.one(each))[0].status, each.id) for each in (one, other)]
    assert (stands, log.getvalue()) == ([(FAILED, one.id), (FAILED, other.id)], "")
    assert away == {"claim": 0, "note": 0, "fail": 0}


async def test_what_goes_wrong_with_one_run_ends_that_alone(
    asked: Asked, monkeypatch: pytest.MonkeyPatch
) -> None:
    held = Held(monkeypatch)
    one, other = await asked.ask(1), await asked.ask(2)
    real = asked.rows.note

    async def note(run: Backtest, *rest: Any) -> bool:
        if run.id == one.id:
            raise TypeError("a fault of ours")
        return await real(run, *rest)

    monkeypatch.setattr(asked.rows, "note", note)
    log = io.StringIO()
    job = asked.job(configure_logs("error", log), BACKTESTS_AT_ONCE=2)
    running = asyncio.create_task(job.run({}))
    await eventually(lambda: held.most == 2 and held.at_once == 1)
    held.let_go.set()
    await running
    assert ((await asked.one(one))[0].error, (await asked.one(other))[0].error) == (
        "it failed, by a fault of ours",
        "let go",
    )
    assert '"error":"TypeError"' in log.getvalue()


@pytest.mark.parametrize("deletes", [True, False])
async def test_what_nobody_wants_any_more_is_ended(
    asked: Asked, monkeypatch: pytest.MonkeyPatch, *, deletes: bool
) -> None:
    held = Held(monkeypatch)
    one = await asked.ask(1)
    running = asyncio.create_task(asked.job(configure_logs("error", io.StringIO())).run({}))
    await eventually(lambda: held.at_once == 1)
    if deletes:
        assert await asked.rows.delete(1, one.id)
    else:
        ended = await asked.rows.cancel(1, one.id, now_us())
        assert ended is not None
    await running
    assert held.at_once == 0
    if not deletes:
        assert (await asked.one(one))[0].status == CANCELLED
        assert await asked.rows.cancel(1, one.id, now_us()) is None


async def test_a_worker_that_ends_puts_back_what_it_ran(
    asked: Asked, monkeypatch: pytest.MonkeyPatch
) -> None:
    held = Held(monkeypatch)
    one = await asked.ask(1)
    running = asyncio.create_task(asked.job(configure_logs("error", io.StringIO())).run({}))
    await eventually(lambda: held.at_once == 1)
    running.cancel()
    await asyncio.wait([running])
    row, _ = await asked.one(one)
    assert (row.status, row.tries, held.at_once) == (QUEUED, 0, 0)


async def test_what_a_dead_worker_left_is_begun_anew_and_fails_at_last(asked: Asked) -> None:
    one = await asked.ask(1)
    claimed: list[Backtest] = []
    for number in range(1, TRIES_MAX + 1):
        found = await asked.rows.claim(1_000)
        assert found is not None
        assert (found.id, found.tries) == (one.id, number)
        claimed.append(found)
        assert await asked.rows.claim(1_000) is None
        assert await asked.rows.rescue(1_000, 2_000) == 0, "it was heard of"
        assert await asked.rows.rescue(1_001, 2_000) == 1
    row, _ = await asked.one(one)
    assert (row.status, row.error, row.ended_at) == (FAILED, LEFT, 2_000)
    for late in claimed:
        assert not await asked.rows.note(late, 3_000, 1, 1)
        assert not await asked.rows.end(late, "{}", 1, [], 3_000)
    assert (await asked.one(one))[0] == row


async def test_a_tape_that_is_gone_is_named(asked: Asked) -> None:
    one = await asked.ask(1, tape="gone")
    await asked.job(configure_logs("error", io.StringIO())).run({})
    row, _ = await asked.one(one)
    assert (row.status, row.error) == (FAILED, "there is no tape gone any more")


async def test_one_that_cannot_be_read_ends_nothing_beside_it(
    asked: Asked, monkeypatch: pytest.MonkeyPatch
) -> None:
    held = Held(monkeypatch)
    good = await asked.ask(1)
    log = io.StringIO()
    job = asked.job(configure_logs("info", log), BACKTESTS_AT_ONCE=2)
    running = asyncio.create_task(job.run({}))
    await eventually(lambda: held.at_once == 1)
    bad = await asked.rows.create(
        *(2, "momentum", "{}", now_us()), most=9, waiting_most=9, waiting_of_one=9
    )
    async with asyncio.timeout(30):
        while (await asked.one(bad))[0].status != FAILED:
            assert not running.done()
            await asyncio.sleep(0.01)
    assert (held.at_once, (await asked.one(good))[0].tries) == (1, 1), "it goes on"
    held.let_go.set()
    await running
    assert "a plan that can't be read" in log.getvalue()
    assert (await asked.one(bad))[0].error == "it failed, by a fault of ours"


async def test_a_process_that_cannot_be_had_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(child, "_COMMAND", (str(tmp_path / "nothing"),))
    told = await BacktestProcess(order(None)).run()
    assert told == Failed("it couldn't be begun", "no process: FileNotFoundError")


def test_where_none_are_taken_there_is_no_job(tmp_path: Path) -> None:
    asked = Asked(None, "", tmp_path)  # type: ignore[arg-type]
    assert asked.job(None, BACKTESTS_AT_ONCE=0).jobs() == ()
    (job,) = asked.job(None).jobs()
    assert job.time_limit_s > 2 * 600, "one may begin while another one has all its time"
