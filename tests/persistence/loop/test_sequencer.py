"""The engine's loop over a real database: order, answers, repeats, timers, endings."""

import asyncio

import pytest

from exchange.messages.commands import (
    CancelAll,
    CancelOrder,
    CreditAccount,
    OpenAccount,
    SetExchangeMode,
)
from exchange.messages.events import (
    CommandRejected,
    CommandReplayed,
    FundsCredited,
    MarketStatusChanged,
    OrderCancelled,
    OrderPlaced,
    OrderRested,
    TradeExecuted,
)
from exchange.messages.reasons import Reason
from exchange.messages.terms import NO, ExchangeMode, MarketStatus
from exchange.model.idempotency import RecentIds
from persistence.errors import CommandNotTaken, EngineClosed, OutcomeUnknown, QueueFull
from persistence.journal.journal import SealedBatch
from persistence.loop import intake
from persistence.loop.open_batch import BATCH_BOUND, HURRIED_BOUND
from tests.conftest import SetBound
from tests.persistence.running import (
    ANN,
    BOB,
    CASH,
    CEM,
    cancel,
    commits_held,
    limit,
    listing,
    open_for_trade,
    running,
    until,
)

_CROWD = 512


async def test_an_answer_says_what_happened_and_what_is_left(database_url: str) -> None:
    async with running(database_url) as engine:
        await open_for_trade(engine)
        rested = await engine.send(limit(ANN, 60, 10))
        crossed = await engine.send(limit(BOB, 45, 4, NO))
    assert (rested.seq, rested.available, rested.locked) == (5, CASH - 6_000_000, 6_000_000)
    assert [type(event) for event in crossed.events] == [OrderPlaced, TradeExecuted]
    assert (crossed.available, crossed.locked) == (CASH - 1_600_000, 0)
    assert not crossed.replayed


async def test_each_answer_has_the_balance_of_its_own_moment(database_url: str) -> None:
    async with running(database_url) as engine:
        await open_for_trade(engine)
        answers = await engine.send_all(*[limit(ANN, 50, 1) for _ in range(5)])
    assert [answer.available for answer in answers] == [CASH - n * 500_000 for n in range(1, 6)]
    assert [answer.seq for answer in answers] == [5, 6, 7, 8, 9]


async def test_a_cancel_overtakes_others_but_not_its_own(database_url: str) -> None:
    async with running(database_url) as engine:
        await open_for_trade(engine)
        theirs = await engine.send(limit(BOB, 40, 1))
        placed = theirs.events[0]
        assert isinstance(placed, OrderPlaced)
        order, own, quick = await engine.send_all(
            limit(ANN, 50, 1), CancelAll(ANN, None), cancel(BOB, placed.order_id)
        )
    assert [quick.seq, order.seq, own.seq] == [6, 7, 8]
    assert isinstance(own.events[0], OrderCancelled)


async def test_listeners_hear_every_command_once_in_order_before_its_answer(
    database_url: str,
) -> None:
    async with running(database_url) as engine:
        await open_for_trade(engine)
        future = engine.sequencer.submit(limit(ANN, 50, 1))
        heard_first: list[bool] = []
        future.add_done_callback(
            lambda done: heard_first.append(engine.heard.executions[-1].seq >= done.result().seq)
        )
        await future
        await asyncio.sleep(0)
        assert heard_first == [True]
        assert [e.seq for e in engine.heard.executions] == [1, 2, 3, 4, 5]
        assert engine.heard.dirty_orders[-1] == [1]
        assert not engine.view.dirty.orders


async def test_a_repeat_gets_the_first_answer_whatever_came_since(database_url: str) -> None:
    async with running(database_url) as engine:
        await open_for_trade(engine)
        first = await engine.send(limit(ANN, 60, 10, id="one"))
        await engine.send_all(limit(BOB, 40, 10, NO), limit(ANN, 10, 1))
        again = await engine.send(limit(ANN, 60, 10, id="one"))
        assert again.replayed
        assert (again.seq, again.at, list(again.events)) == (first.seq, first.at, first.events)
        assert (again.available, again.locked) == (first.available, first.locked)
        assert engine.heard.executions[-1].events == [CommandReplayed(first.seq)]


async def test_repeats_in_one_batch_take_effect_once(database_url: str) -> None:
    async with running(database_url) as engine:
        await open_for_trade(engine)
        answers = await engine.send_all(*[limit(ANN, 60, 10, id="one") for _ in range(20)])
        assert [answer.replayed for answer in answers] == [False] + [True] * 19
        assert {(answer.seq, answer.available) for answer in answers} == {(5, CASH - 6_000_000)}
        assert len(engine.view.orders) == 1


async def test_other_content_under_the_same_id_is_a_conflict(database_url: str) -> None:
    async with running(database_url) as engine:
        await open_for_trade(engine)
        _, other = await engine.send_all(limit(ANN, 60, 1, id="one"), limit(ANN, 61, 1, id="one"))
        rejected = other.events[0]
        assert isinstance(rejected, CommandRejected)
        assert rejected.reason is Reason.CONFLICT


async def test_a_refusal_uses_its_id_up(database_url: str) -> None:
    async with running(database_url) as engine:
        await open_for_trade(engine)
        first = await engine.send(limit(ANN, 60, 10**6, id="big"))
        await engine.send(CreditAccount(ANN, 10**14, "gift"))
        again = await engine.send(limit(ANN, 60, 10**6, id="big"))
        assert isinstance(first.events[0], CommandRejected)
        assert (again.replayed, again.events) == (True, first.events)


async def test_a_credit_with_a_request_id_happens_once(database_url: str) -> None:
    async with running(database_url) as engine:
        await open_for_trade(engine)
        answers = await engine.send_all(*[CreditAccount(ANN, 5, "gift", "r-1") for _ in range(3)])
        assert [a.available for a in answers] == [CASH + 5] * 3
        assert isinstance(answers[2].events[0], FundsCredited)


async def test_a_repeat_whose_first_answer_is_lost_is_unknown(database_url: str) -> None:
    async with running(database_url) as engine:
        await open_for_trade(engine)
        await engine.send(limit(ANN, 50, 1, id="one"))
        await engine.pool.execute("DELETE FROM journal WHERE last_seq = 5")
        with pytest.raises(OutcomeUnknown, match="doesn't hold command 5"):
            await engine.send(limit(ANN, 50, 1, id="one"))
        assert (await engine.send(limit(ANN, 50, 1))).seq == 7


async def test_an_account_opens_once(database_url: str) -> None:
    async with running(database_url) as engine:
        first = await engine.send(OpenAccount(ANN, 7))
        await engine.send(CreditAccount(ANN, 5, "gift"))
        again = await engine.send(OpenAccount(ANN, 7))
        assert (again.replayed, again.available, again.events) == (True, 7, first.events)


async def test_the_store_is_asked_for_ids_that_memory_forgot(database_url: str) -> None:
    async with running(database_url) as engine:
        await open_for_trade(engine)
        first = await engine.send(limit(ANN, 50, 1, id="old"))
        await engine.send(cancel(ANN, 1))
        engine.live.recent_ids = RecentIds()
        again = await engine.send(limit(ANN, 50, 1, id="old"))
        assert (again.seq, again.replayed) == (first.seq, True)
        command = engine.heard.executions[-1].command
        assert getattr(command, "prior").seq == first.seq  # noqa: B009 - of one kind only


async def test_a_store_that_cannot_be_asked_leaves_the_engine_up(database_url: str) -> None:
    async with running(database_url) as engine:
        await open_for_trade(engine)
        await engine.send(limit(ANN, 50, 1, id="old"))
        await engine.pool.close()
        engine.live.recent_ids = RecentIds()
        with pytest.raises(CommandNotTaken, match="nothing was done"):
            await engine.send(limit(ANN, 50, 1, id="old"))
        assert (await engine.send(limit(ANN, 50, 1))).seq == 6


async def test_markets_close_by_themselves(database_url: str) -> None:
    async with running(database_url) as engine:
        await open_for_trade(engine)
        await engine.send(limit(ANN, 50, 1))
        close_time = engine.view.markets[1].close_time
        engine.clock.fixed = close_time
        await until(lambda: engine.view.markets[1].status is MarketStatus.CLOSED)
        closed = engine.heard.executions[-1]
        assert closed.at == close_time
        assert [type(event) for event in closed.events] == [MarketStatusChanged, OrderCancelled]
        assert engine.view.accounts[ANN].available == CASH


async def test_closings_run_before_the_commands_of_their_time(database_url: str) -> None:
    async with running(database_url) as engine:
        await open_for_trade(engine)
        future = engine.sequencer.submit(limit(ANN, 50, 1))
        engine.clock.fixed = engine.live.markets[1].close_time
        refused = (await future).events[0]
        assert isinstance(refused, CommandRejected)
        assert refused.reason is Reason.MARKET_NOT_OPEN


async def test_time_never_runs_back_across_restarts(database_url: str) -> None:
    async with running(database_url) as engine:
        await open_for_trade(engine)
        last = engine.view.now
    async with running(database_url) as engine:
        engine.clock.fixed = last - 10**9
        assert (await engine.send(CancelAll(ANN, None))).at == last


async def test_a_full_queue_refuses_and_the_rest_is_answered(database_url: str) -> None:
    async with running(database_url, queue_bound=3) as engine:
        futures = [engine.sequencer.submit(OpenAccount(n, 1)) for n in (ANN, BOB, CEM)]
        with pytest.raises(QueueFull):
            engine.sequencer.submit(OpenAccount(4, 1))
        assert [(await future).seq for future in futures] == [1, 2, 3]


async def test_draining_answers_everything_that_was_taken(database_url: str) -> None:
    async with running(database_url) as engine:
        await open_for_trade(engine)
        futures = [
            engine.sequencer.submit(limit(ANN, 10, 1, id=f"n{n % 1000}")) for n in range(3000)
        ]
        await engine.sequencer.drain()
        assert all(future.done() and future.result() for future in futures)
        assert not engine.sequencer.is_open
        with pytest.raises(EngineClosed):
            engine.sequencer.submit(CancelAll(ANN, None))


async def test_a_client_that_went_away_takes_nothing_back(database_url: str) -> None:
    async with running(database_url) as engine:
        await open_for_trade(engine)
        engine.sequencer.submit(limit(ANN, 50, 1)).cancel()
        assert (await engine.send(CancelOrder(ANN, 1))).seq == 6


async def test_texts_that_no_store_can_hold_are_refused_at_the_door(database_url: str) -> None:
    async with running(database_url) as engine:
        await open_for_trade(engine)
        for command in (
            limit(ANN, 50, 1, id="a\0b"),
            limit(ANN, 50, 1, id="a\nb"),
            limit(ANN, 50, 1, id=""),
            listing(question="\ud800"),
            CreditAccount(ANN, 1, "\udfff"),
        ):
            with pytest.raises(ValueError, match=r"ASCII|surrogates"):
                engine.sequencer.submit(command)
        assert (await engine.send(SetExchangeMode(ExchangeMode.OPEN))).seq == 5


async def test_a_batch_is_visible_only_after_its_commit(database_url: str) -> None:
    async with running(database_url) as engine:
        await open_for_trade(engine)
        async with commits_held(database_url):
            first = engine.sequencer.submit(limit(ANN, 50, 1))
            await until(lambda: engine.live.seq == 5)
            second = engine.sequencer.submit(limit(BOB, 51, 1, NO))
            await until(lambda: engine.live.seq == 6)
            assert engine.view.seq == 4
            assert not first.done()
            assert not second.done()
        assert (await first).seq == 5
        assert [type(event) for event in (await second).events][1:] == [TradeExecuted]


async def test_a_full_batch_waits_sealed_and_what_comes_later_is_in_the_next(
    database_url: str,
) -> None:
    async with running(database_url) as engine:
        await open_for_trade(engine)
        async with commits_held(database_url):
            orders = [limit(ANN, 10, 1, id=f"n{n}") for n in range(900)]
            orders += [limit(BOB, 10, 1, id=f"n{n}") for n in range(900)]
            orders += [limit(CEM, 10, 1, id=f"n{n}") for n in range(900)]
            futures = [engine.sequencer.submit(order) for order in orders]
            await until(lambda: engine.sequencer._batch.sealed is not None)
            sealed = engine.sequencer._batch.sealed
            assert sealed is not None
            assert sealed.last_seq - sealed.first_seq + 1 >= BATCH_BOUND
            assert not any(future.done() for future in futures)
        answers = await asyncio.gather(*futures)
        assert [answer.seq for answer in answers] == list(range(5, 5 + len(orders)))
        assert len(engine.view.orders) == len(orders)


async def test_a_large_batch_is_sealed_when_nothing_else_waits_and_a_small_one_grows(
    database_url: str,
) -> None:
    async with running(database_url) as engine:
        await open_for_trade(engine)
        async with commits_held(database_url):
            sequencer = engine.sequencer
            futures = [sequencer.submit(limit(ANN, 10, 1))]
            await until(lambda: sequencer._in_flight is not None)
            futures += [sequencer.submit(limit(BOB, 10, 1)) for _ in range(10)]
            await until(lambda: len(sequencer._batch) == 10)
            assert sequencer._batch.can_grow
            large = BATCH_BOUND // 2
            futures += [sequencer.submit(limit(BOB, 10, 1)) for _ in range(large)]
            await until(lambda: not sequencer._batch.can_grow)
            assert len(sequencer._batch) == large + 10
            futures.append(sequencer.submit(limit(CEM, 10, 1)))
        answers = await asyncio.gather(*futures)
        assert [answer.seq for answer in answers] == list(range(5, 5 + len(futures)))
        batches = await engine.pool.fetch("SELECT last_seq FROM journal ORDER BY first_seq")
        assert [row["last_seq"] for row in batches][-3:] == [5, 15 + large, 16 + large]


async def test_what_rests_after_trading_is_in_the_book(database_url: str) -> None:
    async with running(database_url) as engine:
        await open_for_trade(engine)
        _, crossed = await engine.send_all(limit(ANN, 60, 4), limit(BOB, 40, 10, NO))
        assert isinstance(crossed.events[-1], OrderRested)
        assert engine.view.markets[1].book.asks.depth(1) == [(6000, 600)]


async def test_a_cancel_is_done_before_a_crowd_that_came_first(database_url: str) -> None:
    async with running(database_url, queue_bound=_CROWD) as engine:
        await open_for_trade(engine)
        mine = (await engine.send(limit(ANN, 10, 1))).events[0]
        assert isinstance(mine, OrderPlaced)
        submit = engine.sequencer.submit
        crowd = [submit(limit(BOB, 10, 1, id=f"b{number}")) for number in range(_CROWD)]
        with pytest.raises(QueueFull):
            engine.sequencer.submit(limit(BOB, 10, 1))
        quick = engine.sequencer.submit(cancel(ANN, mine.order_id))
        own = engine.sequencer.submit(CancelAll(BOB, None))
        done = await asyncio.gather(*crowd)
        seq = (await quick).seq
        assert seq < min(answer.seq for answer in done)
        assert (await own).seq > max(answer.seq for answer in done)
        assert not engine.view.orders


async def test_batches_stay_small_while_cancels_come(
    database_url: str, set_bound: SetBound
) -> None:
    set_bound(intake, "HURRY_S", 600)
    async with running(database_url) as engine:
        await open_for_trade(engine)
        sizes: list[int] = []
        write = engine.sequencer._journal.write

        async def noted(batch: SealedBatch) -> None:
            sizes.append(batch.last_seq - batch.first_seq + 1)
            # A commit that takes as long as the next batch may grow, however fast the machine.
            seq = -1
            while seq != engine.live.seq:
                seq = engine.live.seq
                for _ in range(50):
                    await asyncio.sleep(0)
            await write(batch)

        engine.sequencer._journal.write = noted  # type: ignore[method-assign]
        orders = [limit(ANN, 10, 1) for _ in range(8 * HURRIED_BOUND)]
        await engine.send_all(*orders)
        assert max(sizes) > HURRIED_BOUND + 32
        await engine.send(cancel(BOB, 1))
        sizes.clear()
        await engine.send_all(*orders)
        assert max(sizes) < HURRIED_BOUND + 32
