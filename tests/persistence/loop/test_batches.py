"""Batches of orders over a real database: stored whole, told again, and counted as what they do."""

import asyncio

import msgspec

from exchange.messages.bounds import BATCH_COMMANDS, BATCH_OPERATIONS
from exchange.messages.commands import AmendOrder, BatchOrders, NamedOrder, Operation
from exchange.messages.events import CommandRejected, CommandReplayed, Event, OrderPlaced
from exchange.messages.operations import sections
from exchange.messages.reasons import Reason
from exchange.messages.terms import NO
from persistence.loop.command_queue import CommandQueue, Waiting
from persistence.loop.open_batch import BATCH_BOUND
from persistence.loop.ports import Answer
from tests.persistence.proof.test_verification import CHECKS, results
from tests.persistence.running import (
    ANN,
    BOB,
    cancel,
    hashes,
    limit,
    listing,
    open_for_trade,
    running,
)


def batch(*operations: Operation, request: str | None = None, whole: bool = False) -> BatchOrders:
    return BatchOrders(ANN, operations, whole, request)


def firsts(answer: Answer) -> list[Event]:
    return [section[0] for section in sections(answer.events)]


async def clean(url: str) -> bool:
    found = [(check.name, check.passed) for check in await results(url)]
    return found == [(name, True) for name in CHECKS]


async def test_what_a_batch_did_survives_a_crash_and_is_told_again(database_url: str) -> None:
    several = batch(
        limit(ANN, 50, 3, id="a"),
        limit(ANN, 40, 2, NO, market=2, id="b"),
        cancel(ANN, 1),
        NamedOrder(ANN, "b", AmendOrder(ANN, 0, price=4_100)),
        limit(ANN, 50, 1, id="a"),
        limit(ANN, 55, 9, id="c"),
        request="r",
    )
    async with running(database_url) as engine:
        await open_for_trade(engine)
        await engine.send(listing("snow"))
        await engine.send_all(limit(ANN, 10, 1), limit(BOB, 45, 2, NO), limit(BOB, 50, 1, NO))
        await engine.send(limit(BOB, 60, 1, market=2))
        answer = await engine.send(several)
        assert [type(event).__name__ for event in firsts(answer)] == [
            *("OrderPlaced", "OrderPlaced", "OrderCancelled", "OrderAmended"),
            *("CommandRejected", "OrderPlaced"),
        ]
        before = hashes(engine)
        engine.crash()
    async with running(database_url) as engine:
        assert hashes(engine) == before
        again = await engine.send(several)
        assert again == msgspec.structs.replace(answer, replayed=True)
        # The order's id was used by its operation, with that operation's answer.
        told = await engine.send(limit(ANN, 55, 9, id="c"))
        assert (told.replayed, told.events) == (True, sections(answer.events)[5])
        other = await engine.send(msgspec.structs.replace(several, all_or_none=True))
        assert isinstance(other.events[0], CommandRejected)
        assert other.events[0].reason is Reason.CONFLICT
    assert await clean(database_url)


async def test_ids_used_before_come_again_within_a_batch(database_url: str) -> None:
    """By a single order, an earlier batch, this one; and then all of the batch again."""
    async with running(database_url) as engine:
        await open_for_trade(engine)
        single = await engine.send(limit(ANN, 50, 1, id="single"))
        earlier = await engine.send(batch(limit(ANN, 49, 1, id="x"), limit(ANN, 48, 1, id="y")))
        repeats = batch(
            limit(ANN, 50, 1, id="single"),
            limit(ANN, 48, 1, id="y"),
            limit(ANN, 47, 1, id="new"),
            limit(ANN, 47, 1, id="new"),
            request="r",
            whole=True,
        )
        answer = await engine.send(repeats)
        again = await engine.send(repeats)
        assert again == msgspec.structs.replace(answer, replayed=True)
        assert [isinstance(event, CommandReplayed) for event in firsts(answer)] == [
            *(True, True, False, True),
        ]
        told = [one.events for one in answer.repeats]
        expected = [single.events, sections(earlier.events)[1], sections(answer.events)[2]]
        assert told == expected
        assert all(one.replayed for one in answer.repeats)
    assert await clean(database_url)


async def test_of_a_batch_that_was_undone_only_its_own_id_is_left(database_url: str) -> None:
    undone = batch(
        limit(ANN, 50, 2, id="a"), cancel(ANN, 1), cancel(ANN, 99), request="r", whole=True
    )
    async with running(database_url) as engine:
        await open_for_trade(engine)
        await engine.send_all(limit(ANN, 10, 1), limit(BOB, 50, 3, NO))
        before = await engine.pool.fetch("SELECT * FROM orders ORDER BY id")
        answer = await engine.send(undone)
        (event,) = answer.events
        assert isinstance(event, CommandRejected)
        assert (event.reason, event.field) == (Reason.ORDER_NOT_FOUND, "operations[2].orderId")
        assert await engine.pool.fetch("SELECT * FROM orders ORDER BY id") == before
        ids = await engine.pool.fetch("SELECT kind, client_id FROM idempotency")
        assert [tuple(row) for row in ids] == [(1, "r")]
        assert (await engine.send(undone)).replayed
        placed = (await engine.send(limit(ANN, 50, 2, id="a"))).events[0]
        assert isinstance(placed, OrderPlaced)
        assert placed.order_id == 3
        before_ = hashes(engine)
    async with running(database_url) as engine:
        assert hashes(engine) == before_
    assert await clean(database_url)


async def test_one_that_the_store_refuses_uses_up_its_own_id_alone(database_url: str) -> None:
    refused = batch(limit(ANN, 50, 1, id="a"), request="r")
    async with running(database_url) as engine:
        await open_for_trade(engine)
        await engine.pool.execute(
            "ALTER TABLE orders ADD CONSTRAINT none_of_these CHECK (client_order_id <> 'a')"
        )
        (event,) = (await engine.send(refused)).events
        assert isinstance(event, CommandRejected)
        assert event.reason is Reason.NOT_STORED
        assert (await engine.send(refused)).replayed
        await engine.pool.execute("ALTER TABLE orders DROP CONSTRAINT none_of_these")
        assert isinstance((await engine.send(limit(ANN, 50, 1, id="a"))).events[0], OrderPlaced)
    assert await clean(database_url)


async def test_they_fill_the_queue_and_the_growing_batch_by_their_operations() -> None:
    full = batch(*[cancel(ANN, 1)] * BATCH_OPERATIONS)
    future = asyncio.get_running_loop().create_future()
    queue = CommandQueue(bound=120)
    queue.put(Waiting(full, future))
    queue.put(Waiting(full, future))
    queue.put(Waiting(batch(*[cancel(ANN, 1)] * 20), future))
    assert len(queue.take(51)) == 2
    assert len(queue.take(1)) == 1
    assert BATCH_BOUND < BATCH_COMMANDS


async def test_many_at_once_are_committed_in_several_batches(database_url: str) -> None:
    async with running(database_url) as engine:
        await open_for_trade(engine)
        places = [limit(ANN, 1 + n % 40, 1) for n in range(BATCH_OPERATIONS)]
        answers = await engine.send_all(*[batch(*places) for _ in range(100)])
        assert len({answer.seq for answer in answers}) == 100
        sizes = await engine.pool.fetch("SELECT last_seq - first_seq + 1 FROM journal")
        assert max(size for (size,) in sizes) <= BATCH_BOUND // BATCH_OPERATIONS + 2
    assert await clean(database_url)
