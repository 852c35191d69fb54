"""The state hash changes with every single thing the exchange remembers, and with nothing else."""

from collections.abc import Iterator
from dataclasses import fields
from enum import Enum
from typing import Any

import pytest

from exchange.messages.command_bases import Prior
from exchange.messages.terms import BUY, YES, CancelReason, ExchangeMode, Resolution
from exchange.model.idempotency import ORDER_ID
from exchange.model.state import State
from exchange.model.timers import CLOSING
from exchange.proof.state_hash import state_hash
from tests.exchange.worlds import ANN, BOB, CEM, World, busy_world

# (record, field) of everything that the hash leaves out, each for a reason said beside it.
WORKING_MARKS = {"touched", "published", "listed", "key"}
LINKS = {
    *("level", "previous", "next", "book", "waiting", "positions", "orders", "yes", "no"),
    *("unpaid", "by_market"),
}
KEYS = {"account_id", "market_id", "outcome"}
# What a field that is None and no number becomes.
FIRST_VALUES: dict[str, object] = {
    "source": "x",
    "client_order_id": "x",
    "resolution": Resolution.VOID,
    "cancel_reason": CancelReason.USER,
}


def the_records(state: State) -> Iterator[tuple[str, object]]:
    """Yield one record of each kind."""
    market = state.markets[1]
    yield "account", state.accounts[CEM]
    yield "market", market
    yield "holding", market.positions[ANN].yes
    yield "holding", market.positions[BOB].no
    yield "position", market.positions[ANN]
    yield "order", next(iter(market.book.bids.orders()))
    yield "order", next(iter(market.book.asks.orders()))


def field_names(record: Any) -> list[str]:
    names = [field.name for field in fields(record)]
    return [name for name in names if name not in WORKING_MARKS | LINKS]


def other_value(name: str, value: Any) -> Any:
    """Return a value of the same kind that is another one."""
    if value is None and name in FIRST_VALUES:
        return FIRST_VALUES[name]
    if isinstance(value, Enum):
        return next(member for member in type(value) if member is not value)
    if isinstance(value, bool):
        return not value
    if isinstance(value, str):
        return value + "x"
    if isinstance(value, tuple):
        return (*value, (1, 1, 1))
    return 1 if value is None else value + 1


def cases() -> list[Any]:
    found = []
    for index, (kind, record) in enumerate(the_records(busy_world().state)):
        for name in field_names(record):
            if kind == "holding" and name in KEYS:
                continue  # which holding it is follows from where it is
            found.append(pytest.param(index, name, id=f"{kind}-{index}-{name}"))
    return found


@pytest.mark.parametrize(("index", "name"), cases())
def test_every_field_counts(index: int, name: str) -> None:
    state = busy_world().state
    before = state_hash(state)
    _, record = list(the_records(state))[index]
    if name == "fee_model":
        state.markets[1].fee_model = other_value(name, state.markets[1].fee_model)
    else:
        setattr(record, name, other_value(name, getattr(record, name)))
    assert state_hash(state) != before


@pytest.mark.parametrize(
    "name", ["seq", "now", "issued", "fees", "next_order_id", "next_market_id"]
)
def test_every_number_of_the_exchange_counts(name: str) -> None:
    state = busy_world().state
    before = state_hash(state)
    setattr(state, name, getattr(state, name) + 1)
    assert state_hash(state) != before


def test_mode_closings_and_ids_count() -> None:
    state = busy_world().state
    hashes = [state_hash(state)]
    state.mode = ExchangeMode.HALTED
    hashes.append(state_hash(state))
    state.timers.set(CLOSING, 5, 5)
    hashes.append(state_hash(state))
    bare = state_hash(state, with_ids=False)
    state.recent_ids.add((ANN, ORDER_ID, "new"), Prior(1, b"x"))
    hashes.append(state_hash(state))
    assert len(set(hashes)) == len(hashes)
    assert state_hash(state, with_ids=False) == bare


def test_time_priority_counts() -> None:
    world = World()
    first, _ = (world.rest(account_id, BUY, YES, 5_000, 100) for account_id in (ANN, BOB))
    before = state_hash(world.state)
    world.market.book.bids.remove(first)
    world.market.book.bids.add(first)
    assert state_hash(world.state) != before


def test_what_marks_work_in_progress_does_not_count() -> None:
    state = busy_world().state
    before = state_hash(state)
    state.dirty.clear()
    state.recent_ids.added.clear()
    state.accounts[ANN].touched += 1
    state.markets[1].touched += 1
    state.markets[1].published += 1
    state.markets[1].positions[ANN].yes.touched += 1
    assert state_hash(state) == before


def test_the_same_history_gives_the_same_hash() -> None:
    assert state_hash(busy_world().state) == state_hash(busy_world().state)
