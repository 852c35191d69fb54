"""A right that ends while a command waits: it is answered, does nothing and uses nothing up."""

import asyncio

import pytest

from exchange.messages.commands import Command
from exchange.messages.events import OrderPlaced
from persistence.loop.authority import acting_by, current_authority
from persistence.loop.command_queue import CommandQueue, Waiting
from persistence.loop.intake import Intake
from persistence.loop.ports import Answer
from tests.persistence.loop.test_intake import Desk
from tests.persistence.running import ANN, BOB, CEM, cancel, limit, open_for_trade, running


class Ended(Exception):
    """What the sender is told."""


class Right:
    """One that ends when it is told to."""

    def __init__(self) -> None:
        self.has_ended = False

    def refusal(self) -> Exception | None:
        return Ended() if self.has_ended else None


def put(
    queue: CommandQueue, right: Right | None, *commands: Command
) -> list[asyncio.Future[Answer]]:
    futures = []
    for command in commands:
        future: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        queue.put(Waiting(command, future, right))
        futures.append(future)
    return futures


def taken(intake: Intake, desk: Desk, count: int = 10_000) -> list[Command]:
    intake.fill(desk.state)
    return [waiting.command for waiting in intake.take(count, desk.state.seq)]


async def test_a_right_goes_with_the_context_and_with_tasks_begun_in_it() -> None:
    right = Right()

    async def asked() -> object:
        return current_authority()

    with acting_by(right):
        assert current_authority() is right
        inside = asyncio.create_task(asked())
    assert current_authority() is None
    assert await inside is right
    with pytest.raises(Ended), acting_by(right):
        raise Ended
    assert current_authority() is None


async def test_what_no_longer_stands_is_refused_and_the_rest_keeps_its_order() -> None:
    desk, right = Desk(), Right()
    first, second = limit(ANN, 50, 1), limit(BOB, 51, 1)
    put(desk.queue, None, first)
    gone = put(desk.queue, right, limit(CEM, 52, 1), limit(CEM, 53, 1))
    put(desk.queue, None, second)
    assert taken(desk.intake, desk, 1) == [first]
    right.has_ended = True
    assert taken(desk.intake, desk) == [second]
    assert [type(future.exception()) for future in gone] == [Ended, Ended]
    assert desk.intake.is_idle


async def test_a_right_is_asked_again_behind_a_look_up() -> None:
    desk, right = Desk(), Right()
    (waits,) = put(desk.queue, right, limit(ANN, 50, 1, id="known"))
    assert taken(desk.intake, desk) == []
    right.has_ended = True
    await desk.looked_up()
    assert taken(desk.intake, desk) == []
    assert isinstance(waits.exception(), Ended)


async def test_what_passed_others_is_counted_right_when_some_of_it_is_refused() -> None:
    desk, right = Desk(), Right()
    put(desk.queue, None, limit(ANN, 50, 1), limit(ANN, 51, 1))
    desk.intake.fill(desk.state)
    (gone,) = put(desk.queue, right, cancel(BOB, 7))
    put(desk.queue, None, cancel(CEM, 8))
    right.has_ended = True
    part = desk.intake.take(3, desk.state.seq)
    assert [waiting.command for waiting in part] == [cancel(CEM, 8), limit(ANN, 50, 1)]
    assert isinstance(gone.exception(), Ended)
    desk.intake.give_back(part[1:])
    put(desk.queue, None, cancel(ANN, 9), cancel(BOB, 9))
    # Ann's cancel doesn't overtake her orders; Bob's passes both.
    assert taken(desk.intake, desk) == [cancel(BOB, 9), limit(ANN, 50, 1), limit(ANN, 51, 1)]
    assert taken(desk.intake, desk) == [cancel(ANN, 9)]


async def test_one_who_stopped_waiting_is_not_told() -> None:
    desk, right = Desk(), Right()
    (gone,) = put(desk.queue, right, limit(ANN, 50, 1))
    gone.cancel()
    right.has_ended = True
    assert taken(desk.intake, desk) == []


async def test_the_engine_runs_nothing_by_a_right_that_ended_and_its_id_is_not_used_up(
    database_url: str,
) -> None:
    async with running(database_url) as engine:
        await open_for_trade(engine)
        right = Right()
        command = limit(ANN, 60, 10, id="mine")
        with acting_by(right):
            waits = engine.sequencer.submit(command)
            right.has_ended = True
        with pytest.raises(Ended):
            await waits
        placed = await engine.send(command)
        assert type(placed.events[0]) is OrderPlaced
        assert (placed.seq, placed.replayed) == (5, False)
