"""A command that PostgreSQL refuses is found, refused and journaled; everybody else trades."""

import asyncio
import os
import threading
from random import Random

import msgspec
import pytest

from exchange.messages.commands import (
    CancelAll,
    CreditAccount,
    PlaceOrder,
    RefuseUnstorable,
    TriggerOrder,
)
from exchange.messages.conditions import OrderConditions
from exchange.messages.events import CommandRejected, OrderCancelled, OrderPlaced
from exchange.messages.group_commands import SetOrderGroup
from exchange.messages.limit_commands import HaltMarket, SetMarketLimits
from exchange.messages.limits import MarketLimits, VolatilityHalt
from exchange.messages.reasons import Reason
from exchange.messages.terms import NO, CancelReason, MarketStatus
from exchange.messages.waiting_events import OrdersStoodDown
from exchange.model.idempotency import RecentIds
from exchange.model.state import State
from exchange.proof import invariants
from persistence.errors import BatchRefused, CommandLate, OutcomeUnknown
from persistence.journal import tables
from persistence.loop.authority import acting_by
from persistence.loop.open_batch import BATCH_BOUND
from persistence.postgres.database import connect
from tests.lengths import length
from tests.persistence.loop.test_triggers import all_is_well, open_with_shares, stop
from tests.persistence.random_orders import commands, opening
from tests.persistence.running import (
    ANN,
    BOB,
    CEM,
    commits_held,
    hashes,
    limit,
    open_for_trade,
    running,
    until,
)

_TRIGGER = """
CREATE FUNCTION refuse_it() RETURNS trigger LANGUAGE plpgsql AS
    $$ BEGIN RAISE EXCEPTION 'poison'; END $$;
CREATE TRIGGER poison BEFORE INSERT ON {table}
    FOR EACH ROW WHEN ({condition}) EXECUTE FUNCTION refuse_it();
"""


async def poison(url: str, condition: str, table: str = "orders") -> None:
    """Make the database refuse rows."""
    connection = await connect(url)
    await connection.execute(_TRIGGER.format(condition=condition, table=table))
    await connection.close()


async def test_the_offender_alone_is_refused(database_url: str) -> None:
    await poison(database_url, "NEW.client_order_id = 'bad'")
    async with running(database_url) as engine:
        await open_for_trade(engine)
        answers = await engine.send_all(
            limit(ANN, 50, 1, id="good"),
            limit(BOB, 50, 1, id="bad"),
            limit(CEM, 50, 1, NO, id="late"),
        )
        good, bad, late = (answer.events[0] for answer in answers)
        assert isinstance(good, OrderPlaced)
        assert bad == CommandRejected(Reason.NOT_STORED, "", "the command could not be stored")
        assert isinstance(late, OrderPlaced)
        assert [answer.seq for answer in answers] == [5, 6, 7]
        before = hashes(engine)
        assert engine.heard.executions[-1].seq == 7
    async with running(database_url) as engine:
        assert hashes(engine) == before


async def test_everybody_else_has_the_loop_while_the_tables_are_built_again(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A hundred thousand orders take seconds: a lead that didn't beat meanwhile would be lost."""
    await poison(database_url, "NEW.client_order_id = 'bad'")
    async with running(database_url) as engine:
        await open_for_trade(engine)
        begun, went_on, build = threading.Event(), threading.Event(), tables.build

        def waits_for_the_loop(snapshot: tables.Snapshot, *, with_ids: bool) -> State:
            begun.set()
            assert went_on.wait(timeout=10), "nobody else had the loop"
            return build(snapshot, with_ids=with_ids)

        monkeypatch.setattr(tables, "build", waits_for_the_loop)
        bad = engine.sequencer.submit(limit(ANN, 50, 1, id="bad"))
        await until(begun.is_set)
        went_on.set()
        assert isinstance((await bad).events[0], CommandRejected)
        assert isinstance((await engine.send(limit(BOB, 50, 1))).events[0], OrderPlaced)


async def test_what_it_held_up_runs_by_a_right_that_still_stands_alone(database_url: str) -> None:
    """As a command of another process, whose deadline passed while the tables were loaded again."""

    class Right:
        asked = 0

        def refusal(self) -> Exception | None:
            self.asked += 1
            return CommandLate("too late") if self.asked > 1 else None

    await poison(database_url, "NEW.client_order_id = 'bad'")
    async with running(database_url) as engine:
        await open_for_trade(engine)
        with acting_by(Right()):
            late = engine.sequencer.submit(limit(BOB, 50, 1, id="late"))
        bad, good = await engine.send_all(limit(ANN, 50, 1, id="bad"), limit(CEM, 50, 1, id="good"))
        assert isinstance(bad.events[0], CommandRejected)
        assert isinstance(good.events[0], OrderPlaced)
        with pytest.raises(CommandLate):
            await late
        assert [answer.seq for answer in (bad, good)] == [5, 6], "it used nothing up"


async def test_the_offenders_id_is_used_up(database_url: str) -> None:
    await poison(database_url, "NEW.client_order_id = 'bad'")
    async with running(database_url) as engine:
        await open_for_trade(engine)
        first = await engine.send(limit(BOB, 50, 1, id="bad"))
        again = await engine.send(limit(BOB, 50, 1, id="bad"))
        assert (again.seq, again.replayed, again.events) == (first.seq, True, first.events)
        other = (await engine.send(limit(BOB, 51, 1, id="bad"))).events[0]
        assert isinstance(other, CommandRejected)
        assert other.reason is Reason.CONFLICT


async def test_the_batch_built_upon_it_runs_again_without_it(database_url: str) -> None:
    await poison(database_url, "NEW.client_order_id = 'bad'")
    async with running(database_url) as engine:
        await open_for_trade(engine)
        async with commits_held(database_url):
            bad = engine.sequencer.submit(limit(ANN, 60, 5, id="bad"))
            await until(lambda: engine.live.seq == 5)
            crossing = engine.sequencer.submit(limit(BOB, 40, 5, NO, id="meets nothing now"))
            await until(lambda: engine.live.seq == 6)
            assert engine.live.markets[1].trade_no == 1
        assert isinstance((await bad).events[0], CommandRejected)
        assert [type(event) for event in (await crossing).events] == [OrderPlaced]
        assert engine.view.markets[1].trade_no == 0


async def test_a_full_batch_that_waits_sealed_runs_again_too(database_url: str) -> None:
    await poison(database_url, "NEW.client_order_id = 'bad'")
    async with running(database_url) as engine:
        await open_for_trade(engine)
        async with commits_held(database_url):
            bad = engine.sequencer.submit(limit(ANN, 60, 5, id="bad"))
            await until(lambda: engine.live.seq == 5)
            orders = [limit(n % 3 + 1, 10, 1) for n in range(BATCH_BOUND)]
            rest = [engine.sequencer.submit(order) for order in orders]
            await until(lambda: engine.sequencer._batch.sealed is not None)
        assert isinstance((await bad).events[0], CommandRejected)
        answers = await asyncio.gather(*rest)
        assert [answer.seq for answer in answers] == list(range(6, 6 + BATCH_BOUND))
        before = hashes(engine)
    async with running(database_url) as engine:
        assert hashes(engine) == before


async def test_a_market_may_close_meanwhile(database_url: str) -> None:
    await poison(database_url, "NEW.client_order_id = 'bad'")
    async with running(database_url) as engine:
        await open_for_trade(engine)
        async with commits_held(database_url):
            bad = engine.sequencer.submit(limit(ANN, 60, 5, id="bad"))
            await until(lambda: engine.live.seq == 5)
            engine.clock.fixed = engine.live.markets[1].close_time
        refused = await bad
        assert isinstance(refused.events[0], CommandRejected)
        assert refused.events[0].reason is Reason.MARKET_NOT_OPEN
        assert [e.seq for e in engine.heard.executions[-2:]] == [5, 6]
        assert engine.view.markets[1].status is MarketStatus.CLOSED


async def test_what_a_command_reached_and_halted_comes_in_its_order(database_url: str) -> None:
    """By itself, each with a commit of its own, before the next command that was asked for."""
    await poison(database_url, "NEW.client_order_id = 'bad'")
    halts = MarketLimits(volatility_halt=VolatilityHalt(move=700, window=60, halted=60))
    async with running(database_url) as engine:
        await open_with_shares(engine)
        await engine.send_all(SetOrderGroup(ANN, "g", 100, 60), SetMarketLimits(1, halts))
        in_group = msgspec.structs.replace(
            stop(), conditions=OrderConditions(trigger_price=4_500, group="g")
        )
        await engine.send_all(in_group, in_group, stop(), limit(CEM, 40, 9))
        falls = limit(CEM, 50, 1), limit(BOB, 50, 1, NO), limit(CEM, 45, 1), limit(BOB, 55, 1, NO)
        async with commits_held(database_url):
            futures = [engine.sequencer.submit(limit(BOB, 10, 1, NO, id="bad"))]
            await until(lambda: engine.sequencer._in_flight is not None)
            futures += [engine.sequencer.submit(one) for one in (*falls, limit(CEM, 20, 1))]
            await until(lambda: len(engine.sequencer._batch) == len(falls) + 3)
        await asyncio.gather(*futures)
        done = engine.heard.executions[-len(falls) - 4 :]
        kinds = [type(one.command) for one in done]
        orders = [PlaceOrder] * len(falls)
        assert kinds == [RefuseUnstorable, *orders, TriggerOrder, HaltMarket, PlaceOrder]
        # The first of the group ends the second, the halt lets the third wait again.
        ended = [one for one in done[-3].events if isinstance(one, OrderCancelled)]
        assert [(one.order_id, one.reason) for one in ended] == [(4, CancelReason.GROUP_LIMIT)]
        assert done[-2].events[-1] == OrdersStoodDown(1, [5])
        invariants.check(engine.live)
        before = hashes(engine)
    async with running(database_url) as engine:
        assert hashes(engine) == before
    await all_is_well(database_url)


async def test_commands_without_ids_are_refused_as_well(database_url: str) -> None:
    await poison(database_url, "NEW.kind = 1 AND NEW.available = 666", "ledger")
    async with running(database_url) as engine:
        await open_for_trade(engine)
        refused, fine = await engine.send_all(
            CreditAccount(ANN, 666, "gift"), CreditAccount(BOB, 667, "gift")
        )
        assert isinstance(refused.events[0], CommandRejected)
        assert not isinstance(fine.events[0], CommandRejected)


async def test_a_refused_credit_uses_its_request_id_up(database_url: str) -> None:
    await poison(database_url, "NEW.kind = 1 AND NEW.available = 666", "ledger")
    async with running(database_url) as engine:
        await open_for_trade(engine)
        first = await engine.send(CreditAccount(ANN, 666, "gift", "r-1"))
        again = await engine.send(CreditAccount(ANN, 666, "gift", "r-1"))
        assert (again.seq, again.replayed, again.events) == (first.seq, True, first.events)


async def test_a_repeat_that_is_refused_under_an_id_older_than_memory_is_a_repeat(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with running(database_url) as engine:
        await open_for_trade(engine)
        order, credit = limit(ANN, 60, 10, id="old"), CreditAccount(ANN, 667, "gift", "old")
        first, paid = await engine.send_all(order, credit)
        await engine.send(CancelAll(ANN, None))
        # A stand-in names what it stands for, too.
        text = "encode(NEW.payload, 'escape')"
        condition = f"{text} ~ '(Place|Credit)' AND {text} !~ 'Refuse'"
        await poison(database_url, condition, "journal")
        # Nor does memory know more once the tables are loaded again.
        monkeypatch.setattr(tables, "RECENT_IDS", 0)
        for command, told in ((order, first), (credit, paid)):
            engine.live.recent_ids = RecentIds()
            again = await engine.send(command)
            assert (again.seq, again.replayed, again.events) == (told.seq, True, told.events)
        engine.live.recent_ids = RecentIds()
        other = (await engine.send(limit(ANN, 61, 10, id="old"))).events[0]
        assert isinstance(other, CommandRejected)
        assert other.reason is Reason.CONFLICT
        assert not engine.sequencer.failed.done()
        assert len(engine.view.orders) == 0


async def test_a_repeat_in_the_batch_of_the_offender_gets_its_refusal(database_url: str) -> None:
    await poison(database_url, "NEW.client_order_id = 'bad'")
    async with running(database_url) as engine:
        await open_for_trade(engine)
        bad, fine = limit(BOB, 50, 1, id="bad"), limit(ANN, 50, 1, id="fine")
        first, other, again, repeat = await engine.send_all(bad, fine, bad, fine)
        assert (again.seq, again.replayed, again.events) == (first.seq, True, first.events)
        assert isinstance(other.events[0], OrderPlaced)
        assert (repeat.seq, repeat.replayed) == (other.seq, True)
        before = hashes(engine)
    async with running(database_url) as engine:
        assert hashes(engine) == before
        late = await engine.send(limit(BOB, 50, 1, id="bad"))
        assert (late.seq, late.replayed, late.events) == (first.seq, True, first.events)


async def test_a_refusal_that_cannot_be_stored_ends_the_engine(database_url: str) -> None:
    async with running(database_url) as engine:
        await open_for_trade(engine)
        await poison(database_url, "true", "journal")
        with pytest.raises(OutcomeUnknown):
            await engine.send(CancelAll(ANN, None))
        assert isinstance(await engine.sequencer.failed, BatchRefused)


async def test_any_flow_with_poison_in_it_is_stored_as_it_ran(database_url: str) -> None:
    seed = int(os.environ.get("SEED", Random().randrange(2**32)))
    print(f"SEED={seed}")
    await poison(database_url, "NEW.id % 97 = 0")
    async with running(database_url) as engine:
        await engine.send_all(*opening())
        await engine.send_all(*commands(seed, length(400, long=6_000)))
    # Once it has stopped: a timer may come due behind the last answer.
    before = hashes(engine)
    async with running(database_url) as engine:
        assert hashes(engine) == before
