"""Turns are taken side by side, no failure ends another, and nothing is begun after its time."""

import asyncio
from collections.abc import Collection

import pytest

from gateway.jobs import turns
from gateway.jobs.turns import take_turns


async def test_one_that_fails_ends_no_other_and_is_raised_at_the_end(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(turns, "LOOK_S", 0.01)
    due, told, ended, room = [1, 2, 3, 4], list[tuple[int, str]](), list[int](), 3
    has_failed = asyncio.Event()

    async def take(under_way: Collection[int]) -> list[int]:
        taken = due[: room - len(under_way)]
        del due[: len(taken)]
        return taken

    async def turn(one: int) -> int:
        if one == 1:
            raise ValueError("one")
        await has_failed.wait()
        ended.append(one)
        return one

    def failed(one: int, error: Exception) -> None:
        told.append((one, str(error)))
        has_failed.set()

    with pytest.raises(ValueError, match="one"):
        await take_turns(take, turn, failed, span_s=60)
    assert told == [(1, "one")]
    assert sorted(ended) == [2, 3], "what was under way had its turn"
    assert due == [4], "nothing more was begun"
    assert await take_turns(take, turn, failed, span_s=60) == 4


async def test_nothing_is_begun_when_its_time_is_over() -> None:
    async def take(_under_way: Collection[int]) -> list[int]:
        raise AssertionError("it is over")

    async def turn(one: int) -> int:
        return one

    assert await take_turns(take, turn, lambda _one, _error: None, span_s=0) == 0
