"""Waiting until the view holds a command: as long as needed, never for longer than agreed."""

import asyncio
from typing import Any, cast

import pytest

from exchange.messages.commands import CancelAll
from exchange.messages.events import OrdersCancelled
from exchange.messages.execution import Execution
from exchange.model.state import State
from gateway.engine_side import progress as progress_module
from gateway.engine_side.progress import Progress
from gateway.wire.errors import NotYetReached, Unavailable
from tests.conftest import SetBound

LONG_S = 60.0


def commit(progress: Progress, view: State, seq: int) -> None:
    view.seq = seq
    execution = Execution(seq, 1, CancelAll(1, None), [OrdersCancelled(1, None, 0)])
    progress.on_execution(cast("Any", execution), view)


async def test_what_is_known_already_is_not_waited_for() -> None:
    view = State()
    view.seq = 7
    progress = Progress(view, 0.0)
    await progress.reach(0)
    await progress.reach(7)
    assert progress.seq == 7


async def test_each_goes_on_at_its_own_command() -> None:
    view = State()
    progress = Progress(view, LONG_S)
    waits = [asyncio.create_task(progress.reach(seq)) for seq in (3, 1, 2, 2)]
    await asyncio.sleep(0)
    for seq, done in (1, 1), (2, 3), (3, 4):
        commit(progress, view, seq)
        for _ in range(3):
            await asyncio.sleep(0)
        assert sum(wait.done() for wait in waits) == done
    await asyncio.gather(*waits)


async def test_a_view_that_was_loaded_anew_lets_go_on() -> None:
    view = State()
    progress = Progress(view, LONG_S)
    waiting = asyncio.create_task(progress.reach(50))
    await asyncio.sleep(0)
    view.seq = 80
    progress.on_reload(view)
    await waiting


async def test_patience_ends_with_what_is_known() -> None:
    view = State()
    view.seq = 4
    with pytest.raises(NotYetReached, match="minSeq: is 5, but this process has come to 4") as told:
        await Progress(view, 0.01).reach(5)
    assert (told.value.status, told.value.details[0].field) == (504, "minSeq")


async def test_those_who_wait_are_bounded_and_leave_nothing(set_bound: SetBound) -> None:
    set_bound(progress_module, "WAITS_MAX", 2)
    view = State()
    progress = Progress(view, LONG_S)
    waits = [asyncio.create_task(progress.reach(seq)) for seq in (5, 9)]
    await asyncio.sleep(0)
    with pytest.raises(Unavailable):
        await progress.reach(6)
    waits[0].cancel()
    await asyncio.wait(waits[:1])
    third = asyncio.create_task(progress.reach(6))
    await asyncio.sleep(0)
    commit(progress, view, 6)
    await third
    commit(progress, view, 9)
    await waits[1]
