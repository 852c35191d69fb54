"""A batch that is undone leaves the state as it was, to the last mark and list."""

from dataclasses import fields
from typing import Any

import pytest

from exchange.engine import Engine
from exchange.messages.bounds import TRIGGERS_BETWEEN
from exchange.messages.commands import (
    AmendOrder,
    BatchOrders,
    CancelOrder,
    Operation,
    PlaceOco,
    PlaceOrder,
)
from exchange.messages.conditions import OrderConditions
from exchange.messages.events import CommandRejected
from exchange.messages.reasons import Reason
from exchange.messages.terms import BUY, GTC, IOC, LIMIT, SELL, STOP, YES, TriggerBy
from exchange.model.accounts import Account
from exchange.model.market import Market
from exchange.model.order_book import Level
from exchange.model.order_groups import OrderGroup
from exchange.model.state import State
from exchange.proof.invariants import check
from exchange.rules.batching import run_batch
from exchange.transitions import transitions
from tests.exchange.worlds import ANN, BOB, CEM, World, reason_of
from tests.lengths import length
from tests.properties.choosing import Dice
from tests.properties.market_day import MarketDay
from tests.properties.twin import Twin

LINKS = {
    *("level", "previous", "next", "positions", "orders", "book", "waiting", "key"),
    # Made when it is first asked for; the invariants look at it.
    "by_market",
}


def marks(record: object) -> tuple[Any, ...]:
    """Everything of a record but where it is, and the order's neighbours."""
    names = [f.name for f in fields(record) if f.name not in LINKS]  # type: ignore[arg-type]
    return tuple(getattr(record, name) for name in names)


def level(of: Level) -> tuple[Any, ...]:
    chain = [(o.id, o.previous and o.previous.id, o.next and o.next.id) for o in of.orders()]
    return of.price, of.quantity, of.count, of.head.id, of.tail.id, chain


def everything(state: State) -> dict[str, Any]:
    dirty, ids = state.dirty, state.recent_ids
    books = [side for m in state.markets.values() for side in (m.book.bids, m.book.asks)]
    return {
        "numbers": (state.next_order_id, state.moved, state.fees, state.issued, state.undo),
        "accounts": [_account(account) for account in state.accounts.values()],
        "markets": [_market(market) for market in state.markets.values()],
        "orders": {order.id: marks(order) for order in state.orders.values()},
        "books": [([level(one) for one in s.levels()], s.best and s.best.key) for s in books],
        "waiting": [_waiting(market) for market in state.markets.values()],
        "due": (list(state.due), list(state.stirred), sorted(state.volatile)),
        "groups": [_group(g) for mine in state.groups.values() for g in mine.values()],
        "dirty groups": list(dirty.groups),
        "dirty windows": list(dirty.windows),
        "sessions": ({g: {k: sorted(v) for k, v in t.items()} for g, t in state.tied.items()},),
        "timers": [list(state.timers.of(kind)) for kind in state.timers._set],
        "open ids": dict(state.open_client_ids),
        "recent ids": (ids.snapshot(), list(ids._order), list(ids.added), ids.oldest),
        "dirty": [_named(one) for one in (dirty.orders, dirty.accounts, dirty.markets)],
        "dirty holdings": [marks(holding) for holding in dirty.holdings],
    }


def _group(group: OrderGroup) -> Any:
    sums = group.filled, group.net, list(group.slices.items())
    return group.key, group.triggered, sums, sorted(group.orders)


def _account(account: Account) -> Any:
    held = account.positions.items()
    positions = {market_id: (marks(p.yes), marks(p.no)) for market_id, p in held}
    return marks(account), sorted(account.orders), positions


def _market(market: Market) -> Any:
    holders = [(number, p.realised) for number, p in market.positions.items()]
    return marks(market), holders


def _waiting(market: Market) -> Any:
    waiting = market.waiting
    return waiting and (list(waiting.orders), list(waiting.watched()))


def _named(records: list[Any]) -> list[tuple[int, Any]]:
    return [(record.id, marks(record)) for record in records]


@pytest.mark.parametrize("seed", [3, 4, 5])
def test_nothing_remains_of_a_batch_that_was_undone(seed: int) -> None:
    """But its request id and its number."""
    twin, dice, state = Twin(), Dice(seed), State()
    engine, day, undone, waited = Engine(state), MarketDay(twin), 0, 0
    grouped = 0
    for _ in range(length(2_500, long=50_000)):
        command, at = day.any_command(dice), max(state.now, day.next_time(dice))
        engine.run_timers(at)
        twin.run(at)
        engine.run_triggers(at, TRIGGERS_BETWEEN)
        is_batch = isinstance(command, BatchOrders) and command.all_or_none
        if is_batch and isinstance(command, BatchOrders) and command.request_id is None:
            before = everything(state)
            (event, *_) = engine.execute(at, command).events
            if isinstance(event, CommandRejected):
                undone += 1
                grouped += bool(state.groups) and any(map(_grouped, command.operations))
                waited += any(map(_waits, command.operations))
                assert everything(state) == before
        else:
            engine.execute(at, command)
        engine.run_halts(at)
        twin.run(at, command)
        if dice.number(0, 2) == 0:
            # Lists that are not empty are cut back to what they were, too.
            state.dirty.clear()
            state.recent_ids.added.clear()
    assert undone > 5
    assert waited > 1
    assert grouped > 1
    assert twin.undone_after_trades


def _grouped(operation: Operation) -> bool:
    if not isinstance(operation, PlaceOrder) or operation.conditions is None:
        return False
    return operation.conditions.group is not None


def _waits(operation: Operation) -> bool:
    if not isinstance(operation, PlaceOrder) or operation.conditions is None:
        return False
    return operation.conditions.trigger_price is not None


def stop(trigger: int = 4_000, **terms: Any) -> PlaceOrder:
    """Ann's, of one share of YES."""
    conditions = OrderConditions(trigger_price=trigger, **terms)
    return PlaceOrder(ANN, 1, SELL, YES, STOP, None, 100, IOC, conditions=conditions)


IN_A_BATCH: dict[str, tuple[Operation, ...]] = {
    "placed": (stop(), stop(3_000, trigger_by=TriggerBy.BEST), stop(session=(71, 1))),
    "amended": (
        AmendOrder(ANN, 5, quantity=200, trigger_price=4_300),
        AmendOrder(ANN, 5, quantity=50),
    ),
    "cancelled": (CancelOrder(ANN, 5),),
    "placed, amended and cancelled": (
        stop(),
        AmendOrder(ANN, 12, trigger_price=3_500),
        CancelOrder(ANN, 12),
    ),
    "the carrier of a pair cancelled": (CancelOrder(ANN, 6),),
    "the other of a pair cancelled": (CancelOrder(ANN, 7),),
    "the carrier of a pair amended": (AmendOrder(ANN, 6, quantity=300),),
    "the other of a pair amended": (AmendOrder(ANN, 7, price=7_500, quantity=400),),
    "the limit of a pair takes": (AmendOrder(ANN, 7, price=4_600),),
    "the limit of a pair is taken": (PlaceOrder(CEM, 1, BUY, YES, LIMIT, 7_000, 40, IOC),),
    "reached by its trades": (PlaceOrder(CEM, 1, SELL, YES, LIMIT, 4_400, 150, IOC),),
    "cancelled when it is due": (CancelOrder(CEM, 9),),
    "all of them cancelled": tuple(CancelOrder(ANN, number) for number in (5, 6, 7)),
}
"""Operations upon the orders of `waiting_world`."""


def waiting_world() -> World:
    """Ann's order 5 waits, 6 and 7 are a pair, a stop and a limit; Cem's 9 is due."""
    world = World()
    world.mint(ANN, BOB, 1_000)
    world.mint(CEM, BOB, 500)
    world.send(stop(4_400))
    limit = PlaceOrder(ANN, 1, SELL, YES, LIMIT, 7_000, 100, GTC)
    world.send(PlaceOco(ANN, limit, stop(3_000)))
    world.limit(BOB, BUY, YES, 4_800, 100)
    terms = OrderConditions(trigger_price=4_700, trigger_by=TriggerBy.BEST)
    world.send(PlaceOrder(CEM, 1, SELL, YES, STOP, None, 50, IOC, conditions=terms))
    world.limit(BOB, BUY, YES, 4_600, 100)
    world.limit(BOB, BUY, YES, 4_400, 100)
    world.cancel(BOB, 8)
    assert [number for *_, number in world.state.due] == [9]
    return world


@pytest.mark.parametrize("name", IN_A_BATCH)
def test_nothing_remains_of_what_was_done_to_orders_that_wait(name: str) -> None:
    """Undone it is as if it had not been, and can be done then."""
    world, operations = waiting_world(), IN_A_BATCH[name]
    state, account_id = world.state, operations[0].account_id
    before = everything(state)
    batch = BatchOrders(account_id, (*operations, CancelOrder(account_id, 10**6)), True)
    undone = world.engine.execute(state.now, batch)
    assert reason_of(undone.events) is Reason.ORDER_NOT_FOUND
    assert everything(state) == before
    check(state)
    done = world.engine.execute(state.now, BatchOrders(account_id, operations, True))
    assert not any(isinstance(event, CommandRejected) for event in done.events)
    assert everything(state) != before
    check(state)


def test_markets_that_an_undone_batch_stirred_are_left_in_peace() -> None:
    """Nobody looks for what the prices reached that came to nothing."""
    state = waiting_world().state
    operations = (*IN_A_BATCH["reached by its trades"], CancelOrder(CEM, 10**6))
    for all_or_none in (True, False):
        transitions.begin(state, state.seq + 1, state.now)
        run_batch(state, BatchOrders(CEM, operations, all_or_none))
        assert state.stirred == ([] if all_or_none else [state.markets[1]])
