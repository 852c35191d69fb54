"""Fair places: the bound holds, addresses take turns, and a crowd pushes nobody else out."""

import asyncio

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from starlette.types import Message

from gateway.accounts.passwords.fair_queue import FairQueue
from gateway.http.reading.bodies import ClientGone
from gateway.http.reading.hanging_up import asked_by
from gateway.wire.errors import RateLimited


class Door:
    """A queue with one place inside, taken, and the addresses in the order they got in."""

    def __init__(self, waiting: int, at_once: int = 1) -> None:
        self.queue = FairQueue(at_once=at_once, waiting=waiting)
        self.got_in: list[str] = []
        self.refused: list[str] = []

    async def come(self, address: str) -> None:
        try:
            await self.queue.enter(address)
        except RateLimited:
            self.refused.append(address)
        else:
            self.got_in.append(address)

    async def crowd(self, addresses: str) -> list[asyncio.Task[None]]:
        """Let e.g. "aab" come, one after the other; return when all wait or are refused."""
        tasks = [asyncio.create_task(self.come(address)) for address in addresses]
        await turn()
        return tasks

    async def let_all_in(self) -> None:
        while len(self.queue):
            self.queue.leave()
            await turn()


async def turn() -> None:
    for _ in range(3):
        await asyncio.sleep(0)


async def test_addresses_take_turns_each_with_its_oldest_first() -> None:
    door = Door(waiting=9)
    await door.crowd("xaaabbc")
    assert door.got_in == ["x"]
    await door.let_all_in()
    assert "".join(door.got_in) == "xabcaba"
    assert door.refused == []


async def test_an_address_alone_may_have_all_places_and_no_more() -> None:
    door = Door(waiting=3)
    await door.crowd("aaaaaa")
    assert (len(door.queue), door.refused) == (3, ["a", "a"])


async def test_a_crowd_makes_place_for_another_and_the_other_is_next() -> None:
    door = Door(waiting=4)
    await door.crowd("xaaaa")
    await door.crowd("b")
    assert (len(door.queue), door.refused) == (4, ["a"])
    door.queue.leave()
    door.queue.leave()
    await turn()
    assert door.got_in == ["x", "a", "b"]


async def test_who_has_as_many_as_anybody_is_refused() -> None:
    door = Door(waiting=4)
    await door.crowd("xaabb")
    await door.crowd("bc")
    assert door.refused == ["b", "a"]
    assert len(door.queue) == 4


async def test_one_who_stops_waiting_leaves_the_place_to_others() -> None:
    door = Door(waiting=2)
    _, first, second = await door.crowd("xab")
    first.cancel()
    await turn()
    await door.crowd("c")
    assert (len(door.queue), door.refused) == (2, [])
    # Its turn comes in the step in which it stops waiting: the place isn't lost.
    door.queue.leave()
    second.cancel()
    await turn()
    assert door.got_in == ["x", "c"]
    assert len(door.queue) == 0


async def test_without_places_to_wait_whoever_is_late_is_refused() -> None:
    door = Door(waiting=0)
    await door.crowd("ab")
    assert (door.got_in, door.refused) == (["a"], ["b"])


@settings(max_examples=150, deadline=None)
@given(st.integers(0, 5), st.integers(1, 3), st.lists(st.sampled_from("abcde.-"), max_size=40))
def test_whatever_happens_bounds_hold_and_all_are_answered(
    waiting: int, at_once: int, steps: list[str]
) -> None:
    """A letter comes, "." is an end inside, "-" is the oldest of those who came giving up."""

    async def run() -> None:
        door, inside = Door(waiting, at_once), 0
        tasks: list[asyncio.Task[None]] = []
        for step in steps:
            if step == ".":
                if len(door.got_in) > inside:
                    inside += 1
                    door.queue.leave()
            elif step == "-":
                waits = [task for task in tasks if not task.done()]
                if waits:
                    waits[0].cancel()
            else:
                tasks += [asyncio.create_task(door.come(step))]
            await turn()
            assert len(door.queue) <= waiting
            assert len(door.got_in) - inside <= at_once
            assert not len(door.queue) or len(door.got_in) - inside == at_once
            assert len(door.queue) == sum(not task.done() for task in tasks)
        await door.let_all_in()
        await asyncio.gather(*tasks, return_exceptions=True)
        assert len(door.queue) == 0

    asyncio.run(run())


async def test_whoever_hangs_up_leaves_the_place_to_others() -> None:
    door, hung_up = Door(waiting=2), asyncio.Event()

    async def receive() -> Message:
        await hung_up.wait()
        return {"type": "http.disconnect"}

    await door.crowd("x")
    with asked_by(receive):
        [first] = await door.crowd("a")
    await door.crowd("b")
    hung_up.set()
    with pytest.raises(ClientGone):
        await first
    await door.crowd("c")
    assert (len(door.queue), door.refused) == (2, [])
    await door.let_all_in()
    assert door.got_in == ["x", "b", "c"]


async def test_whose_turn_comes_while_hanging_up_goes_on() -> None:
    door, hung_up = Door(waiting=1), asyncio.Event()

    async def receive() -> Message:
        await hung_up.wait()
        return {"type": "http.disconnect"}

    await door.crowd("x")
    with asked_by(receive):
        [first] = await door.crowd("a")
    hung_up.set()
    door.queue.leave()
    await first
    assert door.got_in == ["x", "a"]
