"""Comparing in another process: the same result, and nothing of it here."""

import asyncio
import sys
import time

import psutil
import pytest

from gateway.feeds.matches import compare
from gateway.feeds.matches.compare import ComparingFailed, find_elsewhere
from gateway.feeds.matches.likeness import find
from tests.gateway.feeds.matches.test_likeness import many
from tests.gateway.waiting import eventually
from tests.measured import computing, tries


async def test_the_event_loop_goes_on_while_it_compares() -> None:
    """Held by what this thread computes in a turn: how long others keep the cores says nothing."""
    questions = many(6_000)
    with computing() as took:
        here = find(questions)
    for attempt in tries():
        longest, last = 0.0, time.thread_time()

        async def beat() -> None:
            nonlocal longest, last
            while True:
                await asyncio.sleep(0.001)
                now = time.thread_time()
                longest, last = max(longest, now - last), now

        with computing():
            beating = asyncio.create_task(beat())
            elsewhere = await find_elsewhere(questions)
            beating.cancel()
        assert elsewhere == here
        attempt.holds("one turn, of all comparing", longest / took.seconds, 1 / 4)


async def test_nothing_is_compared_with_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", "/nowhere")
    one_side = [one for one in many(100) if one.ref.platform == "kalshi"]
    assert await find_elsewhere([]) == await find_elsewhere(one_side) == []
    with pytest.raises(FileNotFoundError):
        await find_elsewhere(many(100))


async def test_whoever_stops_waiting_leaves_no_process() -> None:
    def comparing() -> list[psutil.Process]:
        children = psutil.Process().children()
        return [child for child in children if "matches.compare" in " ".join(child.cmdline())]

    waiting = asyncio.create_task(find_elsewhere(many(2_000)))
    await eventually(comparing)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    assert comparing() == []


async def test_a_process_that_fails_says_why(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compare, "__name__", "gateway.feeds.matches.nothing")
    with pytest.raises(ComparingFailed, match="No module named"):
        await find_elsewhere(many(100))
