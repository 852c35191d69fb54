"""One handle for many waits: never later than asked for, however often that is."""

import asyncio
from collections.abc import Callable

import pytest

from persistence.loop.alarm import Alarm


async def test_it_rings_as_soon_as_the_shortest_asked_for() -> None:
    loop, rang = asyncio.get_running_loop(), asyncio.Event()
    alarm = Alarm(loop, rang.set)
    began = loop.time()
    for seconds in (30.0, 0.05, 20.0):
        alarm.within(seconds)
    await asyncio.wait_for(rang.wait(), 5)
    assert loop.time() - began >= 0.045


async def test_it_can_be_set_again_once_it_rang() -> None:
    rang = asyncio.Event()
    alarm = Alarm(asyncio.get_running_loop(), rang.set)
    for _ in range(3):
        rang.clear()
        alarm.within(0.001)
        await asyncio.wait_for(rang.wait(), 5)


async def test_a_wait_that_is_no_shorter_makes_no_handle(monkeypatch: pytest.MonkeyPatch) -> None:
    loop, made = asyncio.get_running_loop(), list[float]()
    call_at = loop.call_at

    def counted(due: float, ring: Callable[[], None]) -> asyncio.TimerHandle:
        made.append(due)
        return call_at(due, ring)

    monkeypatch.setattr(loop, "call_at", counted)
    alarm = Alarm(loop, lambda: None)
    for _ in range(100):
        alarm.within(10)
    assert len(made) == 1
    alarm.stop()


async def test_one_that_is_stopped_is_silent() -> None:
    rang = list[bool]()
    alarm = Alarm(asyncio.get_running_loop(), lambda: rang.append(True))
    alarm.within(0.001)
    alarm.stop()
    await asyncio.sleep(0.02)
    assert not rang
