"""Commands between queue and rules: their order, their look-ups, and a memory that is outrun."""

import asyncio
from typing import Any

import pytest

from exchange.messages.bounds import BATCH_COMMANDS
from exchange.messages.command_bases import Prior
from exchange.messages.commands import Command, OpenAccount, PlaceOrder
from exchange.model.idempotency import ORDER_ID
from exchange.model.state import State
from persistence.errors import CommandNotTaken
from persistence.loop.client_ids.known_ids import KnownIds
from persistence.loop.command_queue import CommandQueue, Waiting
from persistence.loop.intake import CHUNK_COMMANDS, HURRY_S, Intake
from tests.persistence.running import ANN, BOB, cancel, limit, until

_PRIOR = Prior(3, b"first")


class Store:
    """Knows one id, answers when it is let, and remembers what it was asked."""

    def __init__(self) -> None:
        self.may_answer = asyncio.Event()
        self.is_lost = False
        self.fails_when_cancelled = False
        self.asked: list[list[str]] = []

    async def fetch(self, query: str, /, *arguments: Any) -> Any:
        if "LIMIT" in query:
            return []  # nothing was used before this engine
        self.asked.append(list(arguments[2]))
        try:
            await self.may_answer.wait()
        except asyncio.CancelledError:
            if self.fails_when_cancelled:
                raise ConnectionResetError("gone while it was given up") from None
            raise
        if self.is_lost:
            raise ConnectionResetError("gone")
        known = [text for text in arguments[2] if text == "known"]
        return [(ANN, ORDER_ID, text, _PRIOR.seq, _PRIOR.fingerprint) for text in known]

    async def fetchrow(self, _query: str, /, *_arguments: Any) -> Any:
        raise AssertionError("one query a chunk is all it needs")

    async def fetchval(self, _query: str, /, *_arguments: Any) -> Any:
        raise AssertionError("one query a chunk is all it needs")


class Desk:
    """An intake with its queue, its store and a state that has run nothing."""

    def __init__(self) -> None:
        self.queue, self.store, self.state = CommandQueue(3 * BATCH_COMMANDS), Store(), State()
        self.woken = asyncio.Event()
        self.known = KnownIds(self.store)
        self.intake = Intake(self.queue, self.store, self.known, lambda _done: self.woken.set())
        self.futures: list[asyncio.Future[Any]] = []

    def send(self, *commands: Command) -> None:
        for command in commands:
            future: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
            self.futures.append(future)
            self.queue.put(Waiting(command, future))

    async def learn(self) -> None:
        """Read what the store knows: from now on an id may be new."""
        self.known.start()
        await until(lambda: self.known.is_complete)

    async def looked_up(self) -> None:
        self.store.may_answer.set()
        await asyncio.wait_for(self.woken.wait(), 30)
        self.woken.clear()
        self.store.may_answer.clear()

    def take_all(self) -> list[Command]:
        self.intake.fill(self.state)
        return [waiting.command for waiting in self.intake.take(10_000, self.state.seq)]


def order(text: str | None) -> PlaceOrder:
    return limit(ANN, 50, 1, id=text)


async def test_what_has_no_id_runs_at_once() -> None:
    desk = Desk()
    commands: list[Command] = [OpenAccount(ANN, 5), order(None)]
    desk.send(*commands)
    assert desk.take_all() == commands
    assert desk.store.asked == []
    assert desk.intake.is_idle


async def test_the_next_chunk_is_looked_up_while_one_runs_and_order_is_kept() -> None:
    desk = Desk()
    plain = [order(None) for _ in range(CHUNK_COMMANDS)]
    named = [order("a"), order("known"), order("a")]
    desk.send(*plain, *named, order(None))
    assert desk.intake.fill(desk.state)
    assert len(desk.intake) == CHUNK_COMMANDS
    first = desk.intake.take(1, 0)
    assert desk.intake.fill(desk.state)
    await asyncio.sleep(0)
    assert desk.store.asked == [["a", "known"]]
    await desk.looked_up()
    assert not desk.intake.fill(desk.state), "what runs comes first"
    rest = desk.intake.take(10_000, 0)
    assert [waiting.command for waiting in first + rest] == plain
    a, known, again, last = desk.take_all()
    assert (a, again, last) == (named[0], named[2], order(None))
    assert isinstance(known, PlaceOrder)
    assert known.prior == _PRIOR


async def test_an_id_that_memory_keeps_is_not_looked_up() -> None:
    desk = Desk()
    desk.state.recent_ids.add((ANN, ORDER_ID, "a"), Prior(1, b""))
    desk.send(order("a"))
    assert desk.take_all() == [order("a")]
    assert desk.store.asked == []


async def test_an_id_that_was_never_used_is_not_looked_up_and_used_by_being_seen() -> None:
    desk = Desk()
    await desk.learn()
    desk.send(order("known"), order("a"), order("a"))
    assert desk.take_all() == [order("known"), order("a"), order("a")]
    assert desk.store.asked == []
    # It is in nobody's memory: what ran there may be undone, or be forgotten.
    desk.send(order("b"), order("a"), order("known"))
    assert desk.take_all() == []
    await asyncio.sleep(0)
    assert desk.store.asked == [["a", "known"]]
    await desk.looked_up()
    b, a, known = desk.take_all()
    assert (a, b) == (order("a"), order("b"))
    assert isinstance(known, PlaceOrder)
    assert known.prior == _PRIOR


async def test_the_ids_of_a_chunk_that_was_refused_are_looked_up_again() -> None:
    desk = Desk()
    await desk.learn()
    desk.known.may_be_used([(ANN, ORDER_ID, "known")])
    desk.store.is_lost = True
    desk.send(order("known"), order("a"))
    assert desk.take_all() == []
    await desk.looked_up()
    assert desk.take_all() == []
    desk.store.is_lost = False
    desk.send(order("a"))
    assert desk.take_all() == []
    await desk.looked_up()
    assert desk.take_all() == [order("a")]
    assert desk.store.asked == [["known"], ["a"]]
    for future in desk.futures[:2]:
        with pytest.raises(CommandNotTaken):
            await future


async def test_a_store_that_is_lost_refuses_its_chunk_and_nothing_else() -> None:
    desk = Desk()
    desk.store.is_lost = True
    desk.send(order("a"), order(None))
    assert desk.take_all() == []
    await desk.looked_up()
    assert desk.take_all() == []
    for future in desk.futures:
        with pytest.raises(CommandNotTaken, match="nothing was done: ConnectionResetError"):
            await future
    desk.send(order(None))
    assert desk.take_all() == [order(None)]


@pytest.mark.parametrize("behind", ["nothing", "asked", "failing", "answered", "lost"])
async def test_a_memory_that_is_outrun_is_not_trusted(behind: str) -> None:
    desk = Desk()
    desk.state.recent_ids.add((ANN, ORDER_ID, "known"), _PRIOR)
    desk.send(order("known"), order(None))
    desk.intake.fill(desk.state)
    if behind != "nothing":
        desk.send(order("b"))
        assert desk.intake.fill(desk.state)
        await asyncio.sleep(0)
        desk.store.is_lost = behind == "lost"
        desk.store.fails_when_cancelled = behind == "failing"
        if behind in ("answered", "lost"):
            await desk.looked_up()
        desk.store.is_lost = False
    # So many markets close before the commands come to run.
    desk.state.seq += BATCH_COMMANDS
    assert desk.intake.take(10, desk.state.seq) == []
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    desk.woken.clear()
    await desk.looked_up()
    known, plain, *rest = desk.take_all()
    assert isinstance(known, PlaceOrder)
    assert known.prior == _PRIOR
    assert plain == order(None)
    assert rest == ([] if behind == "nothing" else [order("b")])
    assert not any(future.done() for future in desk.futures)
    assert desk.intake.is_idle


async def test_a_stream_without_ids_never_waits_for_the_store() -> None:
    desk = Desk()
    sent = [order(None) for _ in range(3 * BATCH_COMMANDS)]
    desk.send(*sent)
    taken = 0
    while taken < len(sent):
        desk.intake.fill(desk.state)
        part = desk.intake.take(32, desk.state.seq)
        assert part
        taken += len(part)
        desk.state.seq += len(part)
    assert desk.store.asked == []
    assert desk.intake.is_idle


async def test_what_has_no_id_runs_on_when_the_memory_is_outrun() -> None:
    desk = Desk()
    desk.send(order(None))
    desk.intake.fill(desk.state)
    desk.state.seq += BATCH_COMMANDS
    assert desk.intake.take(10, desk.state.seq) == []
    assert [waiting.command for waiting in desk.intake.take(10, desk.state.seq)] == [order(None)]


async def test_what_is_abandoned_is_everything_that_waits() -> None:
    desk = Desk()
    desk.send(*[order(None) for _ in range(CHUNK_COMMANDS)], order("a"))
    desk.intake.fill(desk.state)
    desk.intake.take(1, 0)
    desk.intake.fill(desk.state)
    assert [waiting.future for waiting in desk.intake.abandon()] == desk.futures[1:]
    desk.store.may_answer.set()


async def test_cancels_of_others_pass_what_waits_for_the_store_and_what_may_run() -> None:
    desk = Desk()
    desk.send(*[order(None) for _ in range(CHUNK_COMMANDS)], order("a"))
    desk.intake.fill(desk.state)
    desk.intake.take(1, 0)
    desk.intake.fill(desk.state)
    quick, own = [cancel(BOB, 1), cancel(BOB, 2), cancel(BOB, 3)], cancel(ANN, 4)
    desk.send(quick[0], own, quick[1])
    assert [waiting.command for waiting in desk.intake.take(1, 0)] == quick[:1]
    desk.send(quick[2])
    following = [waiting.command for waiting in desk.intake.take(3, 0)]
    assert following == [*quick[1:], order(None)], "its own account's is not passed"
    desk.intake.take(10_000, 0)
    assert not len(desk.intake)
    desk.send(cancel(BOB, 5))
    assert desk.intake.fill(desk.state), "the store is asked meanwhile"
    assert [waiting.command for waiting in desk.intake.take(10, 0)] == [cancel(BOB, 5)]
    await desk.looked_up()
    assert desk.take_all() == [order("a")]
    assert desk.take_all() == [own]


async def test_a_crowd_of_cancels_passes_in_its_order_and_in_bounds() -> None:
    desk = Desk()
    desk.send(*[order(None) for _ in range(CHUNK_COMMANDS)], order("a"))
    desk.intake.fill(desk.state)
    desk.intake.take(1, 0)
    desk.intake.fill(desk.state)
    cancels = [cancel(BOB + number % 50, number) for number in range(3 * CHUNK_COMMANDS)]
    desk.send(*cancels)
    desk.intake.fill(desk.state)
    got: list[Command] = []
    while len(got) < len(cancels):
        assert len(desk.intake) < 2 * CHUNK_COMMANDS
        got += [waiting.command for waiting in desk.intake.take(32, 0)]
    assert got == cancels


async def test_somebody_is_in_a_hurry_for_a_while_after_a_cancel(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    now = 100.0
    monkeypatch.setattr("persistence.loop.intake.time.monotonic", lambda: now)
    desk = Desk()
    desk.send(order(None))
    desk.take_all()
    seen = [desk.intake.is_hurried]
    desk.send(cancel(BOB, 1))
    desk.take_all()
    seen.append(desk.intake.is_hurried)
    now += HURRY_S
    seen.append(desk.intake.is_hurried)
    assert seen == [False, True, False]
