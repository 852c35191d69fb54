"""A batch that is undone leaves the state as it was, to the last mark and list."""

from dataclasses import fields
from typing import Any

import pytest

from exchange.engine import Engine
from exchange.messages.commands import BatchOrders
from exchange.messages.events import CommandRejected
from exchange.model.accounts import Account
from exchange.model.market import Market
from exchange.model.order_book import Level
from exchange.model.state import State
from tests.lengths import length
from tests.properties.choosing import Dice
from tests.properties.market_day import MarketDay
from tests.properties.twin import Twin

LINKS = {"level", "previous", "next", "positions", "orders", "book", "key"}


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
        "timers": [list(state.timers.of(kind)) for kind in state.timers._set],
        "open ids": dict(state.open_client_ids),
        "recent ids": (ids.snapshot(), list(ids._order), list(ids.added), ids.oldest),
        "dirty": [_named(one) for one in (dirty.orders, dirty.accounts, dirty.markets)],
        "dirty holdings": [marks(holding) for holding in dirty.holdings],
    }


def _account(account: Account) -> Any:
    held = account.positions.items()
    positions = {market_id: (marks(p.yes), marks(p.no)) for market_id, p in held}
    return marks(account), sorted(account.orders), positions


def _market(market: Market) -> Any:
    holders = [(number, p.realised) for number, p in market.positions.items()]
    return marks(market), holders


def _named(records: list[Any]) -> list[tuple[int, Any]]:
    return [(record.id, marks(record)) for record in records]


@pytest.mark.parametrize("seed", range(2))
def test_nothing_remains_of_a_batch_that_was_undone(seed: int) -> None:
    """But its request id and its number."""
    twin, dice, state = Twin(), Dice(seed), State()
    engine, day, undone = Engine(state), MarketDay(twin), 0
    for _ in range(length(900, long=50_000)):
        command, at = day.any_command(dice), max(state.now, day.next_time(dice))
        engine.run_timers(at)
        twin.run(at)
        is_batch = isinstance(command, BatchOrders) and command.all_or_none
        if is_batch and isinstance(command, BatchOrders) and command.request_id is None:
            before = everything(state)
            (event, *_) = engine.execute(at, command).events
            if isinstance(event, CommandRejected):
                undone += 1
                assert everything(state) == before
        else:
            engine.execute(at, command)
        twin.run(at, command)
        if dice.number(0, 2) == 0:
            # Lists that are not empty are cut back to what they were, too.
            state.dirty.clear()
            state.recent_ids.added.clear()
    assert undone > 5
    assert twin.undone_after_trades
