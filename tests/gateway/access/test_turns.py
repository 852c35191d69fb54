"""What waits to go on, and what came at once, shares each turn of the event loop."""

import asyncio
from time import monotonic
from typing import Final

from gateway.access.connections import (
    PIPELINED_PER_TURN,
    REQUESTS_PER_TURN,
    SPARED_PER_TURN,
    TURN_SECONDS,
)
from gateway.access.turns import Bounds, Turns


async def test_all_go_on_in_their_order_and_share_a_turn() -> None:
    turns, went_on, loop_turns = Turns(), [], 0

    def of(name: str) -> None:
        went_on.append((name, loop_turns))
        until = monotonic() + 2 * TURN_SECONDS
        while monotonic() < until:
            pass

    for name in "abc":
        turns.ask(lambda name=name: of(name))  # type: ignore[misc]
    while len(went_on) < 3:
        await asyncio.sleep(0)
        loop_turns += 1
    assert went_on == [("a", 0), ("b", 1), ("c", 2)]


async def test_those_that_are_quick_go_on_together_and_may_ask_again() -> None:
    turns, went_on = Turns(), []

    def again(name: str) -> None:
        went_on.append(name)
        if len(went_on) < 6:
            turns.ask(lambda: again(name))

    for name in "ab":
        turns.ask(lambda name=name: again(name))  # type: ignore[misc]
    for _ in range(10):
        await asyncio.sleep(0)
    assert "".join(went_on) in {"abababa", "ababab"}


async def test_few_requests_are_begun_in_a_turn_and_in_their_order() -> None:
    turns, begun, loop_turns = Turns(), [], 0
    for number in range(3 * REQUESTS_PER_TURN):
        turns.begin(lambda number=number: begun.append((number, loop_turns)))  # type: ignore[misc]
    assert len(begun) == REQUESTS_PER_TURN
    while len(begun) < 3 * REQUESTS_PER_TURN:
        loop_turns += 1
        await asyncio.sleep(0)
    assert [number for number, _ in begun] == list(range(3 * REQUESTS_PER_TURN))
    assert [turn for _, turn in begun[::REQUESTS_PER_TURN]] == [0, 1, 2]
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    turns.begin(lambda: begun.append((-1, 0)))
    assert begun[-1] == (-1, 0)


async def test_fewer_are_begun_of_those_that_lay_behind_another() -> None:
    turns, begun = Turns(), []
    for number in range(2 * PIPELINED_PER_TURN):
        turns.begin(lambda number=number: begun.append(number), is_pipelined=True)  # type: ignore[misc]
    turns.begin(lambda: begun.append(-1))
    assert begun == [-1]
    await asyncio.sleep(0)
    assert begun == [-1, *range(PIPELINED_PER_TURN)]
    await asyncio.sleep(0)
    assert begun == [-1, *range(2 * PIPELINED_PER_TURN)]


class Clock:
    """Seconds that pass when a test says so."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def sheds(turns: Turns) -> bool:
    return turns.sheds


BEHIND: Final = 10 * REQUESTS_PER_TURN


async def crowd(turns: Turns, begun: list[int], count: int = BEHIND) -> None:
    """Let so many requests come at once."""
    for number in range(count):
        turns.begin(lambda number=number: begun.append(number))  # type: ignore[misc]


async def test_what_comes_is_shed_while_somebody_has_waited_for_too_long() -> None:
    clock, begun = Clock(), list[int]()
    turns = Turns(Bounds(wait_seconds=0.25, most=1_000), clock)
    await crowd(turns, begun)
    assert not sheds(turns), "a crowd is no overload"
    clock.now = 0.2
    await asyncio.sleep(0)
    assert not sheds(turns)
    clock.now = 0.3
    await asyncio.sleep(0)
    assert sheds(turns)
    for _ in range(BEHIND // REQUESTS_PER_TURN):
        await asyncio.sleep(0)
    assert not sheds(turns), "nobody waits any more"
    assert begun == [*range(BEHIND)], "who was let in is answered"


async def test_a_process_that_stood_still_begins_what_waits_before_it_sheds() -> None:
    clock, begun = Clock(), list[int]()
    turns = Turns(Bounds(wait_seconds=0.25, most=1_000), clock)
    await crowd(turns, begun, 2 * REQUESTS_PER_TURN)
    clock.now = 60
    assert not sheds(turns)
    await asyncio.sleep(0)
    assert not sheds(turns), "all that waited has been begun"


async def test_what_comes_is_shed_when_too_many_wait() -> None:
    turns, begun = Turns(Bounds(wait_seconds=60, most=REQUESTS_PER_TURN)), list[int]()
    await crowd(turns, begun, 2 * REQUESTS_PER_TURN - 1)
    assert not sheds(turns)
    await crowd(turns, begun, 1)
    assert sheds(turns)
    await asyncio.sleep(0)
    assert not sheds(turns)


async def test_what_is_spared_comes_before_the_rest_and_leaves_it_half_of_each_turn() -> None:
    turns, begun = Turns(), list[int]()
    await crowd(turns, begun, 3 * REQUESTS_PER_TURN)
    for number in range(2 * SPARED_PER_TURN):
        turns.begin(lambda number=number: begun.append(-number - 1), is_spared=True)  # type: ignore[misc]
    del begun[:]
    for _ in range(2):
        await asyncio.sleep(0)
    share = REQUESTS_PER_TURN - SPARED_PER_TURN
    first, second = begun[:REQUESTS_PER_TURN], begun[REQUESTS_PER_TURN:]
    assert first == [
        *range(-1, -SPARED_PER_TURN - 1, -1),
        *range(REQUESTS_PER_TURN, REQUESTS_PER_TURN + share),
    ]
    assert len([number for number in second if number < 0]) == SPARED_PER_TURN


async def test_those_behind_another_are_shed_for_one_another_and_nobody_else_is() -> None:
    clock, begun = Clock(), list[int]()
    turns = Turns(Bounds(wait_seconds=0.25, most=3 * PIPELINED_PER_TURN), clock)

    def behind(count: int) -> None:
        for number in range(count):
            turns.begin(lambda number=number: begun.append(number), is_pipelined=True)  # type: ignore[misc]

    behind(3 * PIPELINED_PER_TURN - 1)
    assert not turns.refuses(is_pipelined=True)
    behind(1)
    assert turns.refuses(is_pipelined=True), "too many wait"
    assert not turns.refuses(is_pipelined=False)
    await asyncio.sleep(0)
    assert not turns.refuses(is_pipelined=True)
    clock.now = 0.3
    await asyncio.sleep(0)
    assert turns.refuses(is_pipelined=True), "somebody has waited for too long"
    assert not turns.refuses(is_pipelined=False)
    await asyncio.sleep(0)
    assert not turns.refuses(is_pipelined=True)
    assert len(begun) == 3 * PIPELINED_PER_TURN, "who was let in is answered"


async def test_where_everybody_is_shed_those_behind_another_are_too() -> None:
    turns, begun = Turns(Bounds(wait_seconds=60, most=REQUESTS_PER_TURN)), list[int]()
    await crowd(turns, begun, 2 * REQUESTS_PER_TURN)
    assert turns.refuses(is_pipelined=True)
