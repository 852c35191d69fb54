"""The door: stamps, timers, dispatch, and what a command marks as changed."""

import msgspec
import pytest

from exchange.engine import Engine
from exchange.messages import bounds
from exchange.messages.commands import CloseMarket, Command, OpenAccount
from exchange.messages.errors import CoreError, InvariantViolated, MalformedNumber
from exchange.messages.events import AccountOpened, Event, MarketStatusChanged, OrderPlaced
from exchange.messages.execution import Execution
from exchange.messages.reasons import Reason
from exchange.messages.terms import BUY, NO, SELL, YES, MarketStatus, Resolution
from exchange.model.state import State
from exchange.transitions import transitions
from tests.exchange.worlds import ANN, BOB, CEM, CLOSE_TIME, World, market_command, reason_of


def test_commands_are_stamped_densely_and_time_never_runs_back() -> None:
    engine = Engine(State())
    first = engine.run(100, [OpenAccount(1, 0), OpenAccount(2, 0)])
    later = engine.run(50, [OpenAccount(3, 0)])
    assert [(e.seq, e.at) for e in first + later] == [(1, 100), (2, 100), (3, 100)]
    assert later[0] == Execution(3, 100, OpenAccount(3, 0), [AccountOpened(3)])
    with pytest.raises(InvariantViolated, match="time would run back"):
        engine.execute(99, OpenAccount(4, 0))


def test_timers_are_commands_that_run_before_the_others() -> None:
    world = World()
    done = world.engine.run(CLOSE_TIME, [OpenAccount(9, 0)])
    assert [type(e.command) for e in done] == [CloseMarket, OpenAccount]
    assert done[0].events == [MarketStatusChanged(1, MarketStatus.CLOSED)]
    assert world.engine.run(CLOSE_TIME, []) == []


def test_a_closing_that_comes_twice_is_refused() -> None:
    world = World()
    world.send(CloseMarket(1))
    assert reason_of(world.send(CloseMarket(1))) is Reason.MARKET_NOT_OPEN
    assert reason_of(world.send(CloseMarket(2))) is Reason.MARKET_NOT_OPEN


def test_every_kind_of_command_and_event_survives_the_journal() -> None:
    world = World()
    world.mint(ANN, BOB, 100)
    world.rest(ANN, SELL, YES, 6_000, 10)
    events = world.resolve(Resolution.SPLIT, 3_333)
    encoded = msgspec.msgpack.encode(events)
    assert msgspec.msgpack.decode(encoded, type=list[Event]) == events
    commands: list[Command] = [OpenAccount(1, 2), CloseMarket(3), market_command()]
    encoded = msgspec.msgpack.encode(commands)
    assert msgspec.msgpack.decode(encoded, type=list[Command]) == commands


def test_dirty_lists_what_a_command_changed_in_the_order_of_the_first_change() -> None:
    world = World()
    world.limit(ANN, BUY, YES, 5_000, 100)
    dirty = world.state.dirty
    dirty.clear()
    assert (dirty.orders, dirty.accounts, dirty.markets, dirty.holdings) == ([], [], [], [])
    world.limit(BOB, BUY, NO, 5_000, 100)
    assert [order.id for order in dirty.orders] == [2, 1]
    assert [account.id for account in dirty.accounts] == [BOB, ANN]
    assert [market.id for market in dirty.markets] == [1]
    assert [(held.account_id, held.outcome) for held in dirty.holdings] == [(ANN, YES), (BOB, NO)]
    assert {order.status.value for order in dirty.orders} == {"FILLED"}


def test_a_refusal_marks_nothing() -> None:
    world = World()
    world.state.dirty.clear()
    world.limit(ANN, SELL, YES, 5_000, 1)
    assert not world.state.dirty.orders
    assert not world.state.dirty.accounts


def test_private_messages_are_counted_once_per_command_and_thing() -> None:
    world = World()
    accounts = world.state.accounts
    before = {account_id: accounts[account_id].seq for account_id in (ANN, BOB, CEM)}

    def counted() -> list[int]:
        moved = [accounts[account_id].seq - before[account_id] for account_id in (ANN, BOB, CEM)]
        before.update({account_id: accounts[account_id].seq for account_id in before})
        return moved

    world.limit(ANN, BUY, YES, 5_000, 100)
    assert counted() == [2, 0, 0]  # the order, the cash
    world.limit(BOB, BUY, YES, 5_000, 100)
    assert counted() == [0, 2, 0]
    world.limit(CEM, BUY, NO, 5_000, 150)
    assert counted() == [3, 3, 3]  # the order, the cash, the shares; once for both trades of cem
    world.rest(ANN, SELL, YES, 6_000, 10)
    assert counted() == [2, 0, 0]  # the order, the shares
    world.limit(CEM, BUY, YES, 6_000, 10)
    assert counted() == [3, 0, 4]  # cem's pair is netted: the order, the cash, both kinds of share
    world.limit(CEM, SELL, YES, 6_000, 10**6)
    assert counted() == [0, 0, 0]
    world.resolve(Resolution.YES)
    assert counted() == [3, 4, 3]  # all shares and the cash; bob's open order as well


def test_the_market_sequence_counts_public_changes_only() -> None:
    world = World()
    market = world.market
    assert market.seq == 1
    world.limit(ANN, BUY, YES, 5_000, 100)
    world.limit(ANN, SELL, YES, 5_000, 100)
    assert market.seq == 2
    world.limit(BOB, BUY, NO, 5_000, 250)
    assert market.seq == 3
    world.take(ANN, SELL, NO, 1)
    world.credit(ANN, 1)
    assert market.seq == 3


def test_two_orders_in_one_command_count_the_cash_and_the_book_once() -> None:
    # A batch will be one command: the marks are the command's, not the order's.
    world = World()
    state = world.state
    placed = world.limit(ANN, BUY, YES, 5_000, 100)[0]
    assert isinstance(placed, OrderPlaced)
    account_seq, market_seq = state.accounts[ANN].seq, world.market.seq
    transitions.begin(state, state.seq + 1, state.now)
    for order_id in (2, 3):
        transitions.apply(state, msgspec.structs.replace(placed, order_id=order_id))
    assert state.accounts[ANN].seq - account_seq == 3
    assert world.market.seq - market_seq == 1


def test_an_event_that_does_not_fit_stops_the_process() -> None:
    world = World()
    placed = world.limit(ANN, BUY, YES, 5_000, 100)[0]
    assert isinstance(placed, OrderPlaced)
    with pytest.raises(KeyError):
        transitions.apply(world.state, msgspec.structs.replace(placed, account_id=77))


def test_bounds_are_checked_at_import(monkeypatch: pytest.MonkeyPatch) -> None:
    bounds._check()
    monkeypatch.setattr(bounds, "RATE_MAX", 2_000)
    with pytest.raises(InvariantViolated, match="bounds: a fee never exceeds the proceeds"):
        bounds._check()


def test_errors_have_one_root() -> None:
    assert issubclass(MalformedNumber, CoreError)
    assert issubclass(InvariantViolated, CoreError)
    assert issubclass(MalformedNumber, ValueError)
