"""A preview says what would happen, to the event, and nothing of the view is changed."""

from collections.abc import Sequence

import msgspec
import pytest

from exchange.engine import Engine
from exchange.messages.bounds import TRIGGERS_BETWEEN
from exchange.messages.commands import BatchOrders, CancelOrder, Operation, PlaceOrder
from exchange.messages.conditions import OrderConditions
from exchange.messages.events import (
    CommandRejected,
    CommandReplayed,
    Event,
    OrderCancelled,
    OrderPlaced,
    PairsNetted,
)
from exchange.messages.group_events import GroupTriggered
from exchange.messages.limit_commands import SetMarketLimits
from exchange.messages.limits import MarketLimits
from exchange.messages.reasons import Reason
from exchange.messages.terms import (
    BUY,
    GTC,
    IOC,
    LIMIT,
    MARKET,
    NO,
    SELL,
    YES,
    CancelReason,
    Outcome,
)
from exchange.messages.waiting_events import LockPassed, OrdersReached, PendingAmended
from exchange.model.state import State
from exchange.proof.state_hash import state_hash
from exchange.rules import preview as previews
from exchange.rules.preview import TooMuchToPreview, preview
from tests.conftest import SetBound
from tests.exchange.transitions.test_undoing import everything
from tests.exchange.worlds import ANN, BOB, CEM, World
from tests.lengths import length
from tests.properties.choosing import Dice
from tests.properties.market_day import MarketDay
from tests.properties.twin import Twin


def nameless(command: BatchOrders) -> BatchOrders:
    """The batch without the ids that make it a repeat."""
    operations = tuple(
        msgspec.structs.replace(one, client_order_id=None) if isinstance(one, PlaceOrder) else one
        for one in command.operations
    )
    return msgspec.structs.replace(command, operations=operations, request_id=None)


@pytest.mark.parametrize("seed", range(2))
def test_what_is_previewed_is_what_happens(seed: int) -> None:
    twin, dice, state = Twin(), Dice(seed), State()
    engine, day, seen, trades = Engine(state), MarketDay(twin), 0, 0
    reached = waited = limits = 0
    for _ in range(length(1_400, long=50_000)):
        command, at = day.any_command(dice), max(state.now, day.next_time(dice))
        if isinstance(command, PlaceOrder):
            command = BatchOrders(command.account_id, (command,))
        if isinstance(command, BatchOrders):
            command = nameless(command)
        engine.run_timers(at)
        twin.run(at)
        engine.run_triggers(at, TRIGGERS_BETWEEN)
        if isinstance(command, BatchOrders):
            before = everything(state)
            scratch, events = preview(state, at, command)
            assert everything(state) == before
            seen += 1
            done = engine.execute(at, command)
            shown = [event for event in done.events if not isinstance(event, OrdersReached)]
            mine = command.account_id
            assert _told(events, mine) == _told(shown, mine)
            limits += any(isinstance(event, GroupTriggered) for event in events)
            reached += events != done.events
            waited += any(isinstance(event, PendingAmended) or _waits(event) for event in events)
            trades += len(events) > 9
            account = state.accounts.get(command.account_id)
            if account is not None:
                copy = scratch.accounts[account.id]
                assert (copy.available, copy.locked) == (account.available, account.locked)
        else:
            engine.execute(at, command)
        twin.run(at, command)
        state.recent_ids.added.clear()
        state.dirty.clear()
    assert seen > 200
    assert trades
    assert reached
    assert waited > 5
    assert limits > 2


def _told(events: Sequence[Event], account_id: int) -> Sequence[Event]:
    """Return the events less what the end of somebody else's group did to orders of his that the
    batch couldn't have met.
    """
    if not any(isinstance(event, GroupTriggered) for event in events):
        return events
    own = []
    for event in events:
        of_others = getattr(event, "account_id", account_id) != account_id
        by_limit = isinstance(event, OrderCancelled) and event.reason is CancelReason.GROUP_LIMIT
        if not (of_others and (by_limit or isinstance(event, LockPassed | PairsNetted))):
            own.append(event)
    return own


def _waits(event: Event) -> bool:
    terms = event.conditions if isinstance(event, OrderPlaced) else None
    return terms is not None and terms.trigger_price is not None


def test_a_used_id_is_previewed_as_if_it_were_new() -> None:
    """It tells what the order would do; that it comes again is the exchange's to say."""
    world = World()
    world.credit(ANN, 10**9)
    order = PlaceOrder(ANN, 1, BUY, YES, LIMIT, 5_000, 100, GTC, client_order_id="a")
    world.send(order)
    batch = BatchOrders(ANN, (order,), request_id="r")
    for _ in range(2):
        _, events = preview(world.state, world.state.now, batch)
        assert not any(isinstance(one, CommandReplayed | CommandRejected) for one in events)
    assert world.state.recent_ids.find((ANN, 1, "r")) is None


@pytest.mark.parametrize(("outcome", "other"), [(YES, NO), (NO, YES)])
def test_a_band_around_the_middle_of_the_book_sees_both_sides(
    outcome: Outcome, other: Outcome
) -> None:
    world = World()
    world.limit(ANN, BUY, outcome, 4_200, 100)
    world.limit(BOB, BUY, outcome, 4_000, 100)
    world.limit(CEM, BUY, other, 5_000, 100)
    world.send(SetMarketLimits(1, MarketLimits(price_band=500)))
    # With the own bid there 0.51 would be taken, without it 0.50.
    batch = BatchOrders(
        ANN,
        (
            CancelOrder(ANN, 1),
            PlaceOrder(ANN, 1, BUY, outcome, LIMIT, 5_100, 100, GTC),
            PlaceOrder(ANN, 1, BUY, outcome, LIMIT, 4_900, 100, GTC),
        ),
    )
    _, events = preview(world.state, world.state.now, batch)
    refusals = [event.reason for event in events if isinstance(event, CommandRejected)]
    assert refusals == [Reason.OUTSIDE_BAND]
    assert events == world.send(batch)


def test_it_looks_at_so_many_orders_and_no_more(set_bound: SetBound) -> None:
    set_bound(previews, "PREVIEW_ORDERS", 10)
    world = World()
    for account in (ANN, BOB):
        world.credit(account, 10**10)
    for _ in range(12):
        world.limit(BOB, BUY, NO, 5_000, 100)
    few = PlaceOrder(ANN, 1, BUY, YES, MARKET, None, 900, IOC)
    many = msgspec.structs.replace(few, quantity=1_100)
    digest = state_hash(world.state)
    _, events = preview(world.state, 1, BatchOrders(ANN, (few,)))
    assert len(events) == 11
    with pytest.raises(TooMuchToPreview):
        preview(world.state, 1, BatchOrders(ANN, (many,)))
    assert state_hash(world.state) == digest


def test_it_looks_no_further_than_the_worst_price_that_is_paid(set_bound: SetBound) -> None:
    """A large order that would rest, or take little, is looked at however deep the book is."""
    set_bound(previews, "PREVIEW_ORDERS", 10)
    world = World(cash=10_000)
    world.mint(CEM, BOB, 2_000)
    for price in (5_000, 5_100, *(5_500,) * 12):
        world.limit(BOB, BUY, NO, 10_000 - price, 100)
    for price in (4_800, *(4_500,) * 12):
        world.limit(BOB, BUY, YES, price, 100)
    buy_yes = PlaceOrder(ANN, 1, BUY, YES, LIMIT, 5_100, 10**4, GTC)
    passive = msgspec.structs.replace(buy_yes, price=4_700)
    buy_no = msgspec.structs.replace(buy_yes, outcome=NO, price=5_200)
    to_a_price = msgspec.structs.replace(
        buy_yes,
        type=MARKET,
        price=None,
        time_in_force=IOC,
        conditions=OrderConditions(worst_price=5_200),
    )
    sell = msgspec.structs.replace(buy_yes, account_id=CEM, side=SELL, price=4_700, quantity=1_900)
    for operation in (buy_yes, passive, buy_no, to_a_price, sell):
        batch, looked_at = BatchOrders(operation.account_id, (operation,)), list[int]()
        _, events = preview(world.state, world.state.now, batch, looked_at.append)
        assert looked_at[0] <= 4
        assert events == world.send(batch), operation
        world.cancel_all(operation.account_id)
    for further in (
        msgspec.structs.replace(buy_yes, price=5_500),
        msgspec.structs.replace(to_a_price, conditions=None),
    ):
        with pytest.raises(TooMuchToPreview):
            preview(world.state, world.state.now, BatchOrders(ANN, (further,)))


def test_it_may_be_refused_before_any_order_is_copied(set_bound: SetBound) -> None:
    world = World()
    for _ in range(3):
        world.limit(BOB, BUY, NO, 5_000, 100)
    batch = BatchOrders(ANN, (PlaceOrder(ANN, 1, BUY, YES, MARKET, None, 150, IOC),))

    def admit(orders: int) -> None:
        raise ArithmeticError(orders)

    with pytest.raises(ArithmeticError, match=r"^3$"):
        preview(world.state, 1, batch, admit)
    # What is too much was looked at as well.
    set_bound(previews, "PREVIEW_ORDERS", 2)
    with pytest.raises(ArithmeticError, match=r"^2$"):
        preview(world.state, 1, batch, admit)


def test_an_account_that_is_not_open_is_told_so() -> None:
    operations: tuple[Operation, ...] = (PlaceOrder(99, 1, BUY, YES, LIMIT, 5_000, 100, GTC),)
    _, events = preview(World().state, 1, BatchOrders(99, operations))
    refusal = events[1]
    assert isinstance(refusal, CommandRejected)
    assert refusal.reason is Reason.ACCOUNT_NOT_FOUND
