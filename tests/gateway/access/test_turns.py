"""What waits to go on, and what came at once, shares each turn of the event loop."""

import asyncio
from time import monotonic

from gateway.access.connections import PIPELINED_PER_TURN, REQUESTS_PER_TURN, TURN_SECONDS
from gateway.access.turns import Turns


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
