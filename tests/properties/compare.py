"""The engine's state and the twin's, laid out alike, so that `==` and a diff can be asked."""

import dataclasses
from collections.abc import Callable, Container, Iterable
from operator import attrgetter
from typing import Any

import msgspec

from exchange.messages.events import CommandRejected, Event
from exchange.messages.terms import Outcome
from exchange.model.order_book import BookSide, Order
from exchange.model.state import State
from tests.properties.twin import Twin
from tests.properties.twin_records import TwinMarket, TwinOrder

View = dict[str, Any]
MARKET_FIELDS = [field.name for field in dataclasses.fields(TwinMarket)]
MARKET_FIELDS[MARKET_FIELDS.index("tape")] = "extremes"
ORDER_FIELDS = [field.name for field in dataclasses.fields(TwinOrder)]
ORDER_FIELDS[ORDER_FIELDS.index("in_book")] = "remaining"
ORDER_FIELDS[ORDER_FIELDS.index("fees_exact")] = "fees_paid"
ORDER_FIELDS.remove("cap")
ORDER_FIELDS.remove("furthest")
# Hundreds of thousands of times in a day: one call for all of a record.
read_market: Callable[[Any], tuple[Any, ...]] = attrgetter(*MARKET_FIELDS)
read_order: Callable[[Any], tuple[Any, ...]] = attrgetter(*ORDER_FIELDS)


def wordless(events: Iterable[Event]) -> list[Event]:
    """Return the events without the prose of refusals, which is no rule."""
    return [
        msgspec.structs.replace(event, message="") if isinstance(event, CommandRejected) else event
        for event in events
    ]


def engine_view(state: State, markets: Container[int]) -> View:
    """Lay out the engine's state, of markets only those asked for; zero positions are left out."""
    chosen = [market for market in state.markets.values() if market.id in markets]
    return {
        "exchange": (state.seq, state.now, state.mode, state.issued, state.fees),
        "opens": state.post_only_until,
        "next place": state.next_place,
        "leases": state.leases,
        "groups": {
            group.key: (
                *(group.max_filled, group.window, group.max_net, group.triggered),
                group.counted_at(state.now),
                {n: sums for n, sums in group.slices.items() if group.slice_at(state.now) - n < 60},
            )
            for groups in state.groups.values()
            for group in groups.values()
        },
        "accounts": {
            a.id: (a.opened_seq, a.available, a.locked, a.seq, a.dead_man, a.standing, a.limits)
            for a in state.accounts.values()
        },
        "markets": {m.id: read_market(m) for m in chosen},
        "positions": {
            (account_id, market.id): shares
            for market in chosen
            for account_id, position in market.positions.items()
            if any(
                shares := (
                    *(position.yes.free, position.yes.locked, position.yes.cost),
                    *(position.no.free, position.no.locked, position.no.cost),
                    position.realised,
                )
            )
        },
        "orders": {o.id: read_order(o) for o in state.orders.values()},
        "books": {m.id: (_engine_side(m.book.bids), _engine_side(m.book.asks)) for m in chosen},
    }


def twin_view(twin: Twin, markets: Container[int]) -> View:
    """Lay out the twin's memory in the same way."""
    chosen = [market for market in twin.markets.values() if market.id in markets]
    pairs = [(account_id, market.id) for market in chosen for account_id in twin.accounts]
    return {
        "exchange": (twin.seq, twin.now, twin.mode, twin.issued, twin.fees),
        "opens": twin.post_only_until,
        "next place": twin.last_place + 1,
        "leases": twin.leases,
        "groups": {
            key: (
                *(group.max_filled, group.window, group.max_net, group.triggered),
                group.sums(twin.now),
                group.slices(twin.now),
            )
            for key, group in twin.groups.items()
        },
        "accounts": {
            a.id: (a.opened_seq, a.available, a.locked, a.seq, a.dead_man, a.standing, a.limits)
            for a in twin.accounts.values()
        },
        "markets": {m.id: read_market(m) for m in chosen},
        "positions": {pair: shares for pair in pairs if any(shares := _twin_position(twin, *pair))},
        "orders": {o.id: read_order(o) for o in twin.orders.values()},
        "books": {m.id: _twin_book(twin, m.id) for m in chosen},
    }


def ended_orders(orders: Iterable[Order | TwinOrder]) -> dict[int, tuple[Any, ...]]:
    """Lay out orders that have left the state."""
    return {order.id: read_order(order) for order in orders}


def _engine_side(side: BookSide) -> list[tuple[int, int, list[int]]]:
    return [
        (level.price, level.quantity, [order.id for order in level.orders()])
        for level in side.levels()
    ]


def _twin_position(twin: Twin, account_id: int, market_id: int) -> tuple[int, ...]:
    yes = twin.holding(account_id, market_id, Outcome.YES)
    no = twin.holding(account_id, market_id, Outcome.NO)
    realised = twin.realised[account_id, market_id]
    return (yes.free, yes.locked, yes.cost, no.free, no.locked, no.cost, realised)


def _twin_book(twin: Twin, market_id: int) -> tuple[list[Any], list[Any]]:
    resting = [o for o in twin.orders.values() if o.market_id == market_id and o.in_book]
    bids = [order for order in resting if order.is_bid]
    asks = [order for order in resting if not order.is_bid]
    return _twin_side(bids, best_first=-1), _twin_side(asks, best_first=1)


def _twin_side(orders: list[TwinOrder], best_first: int) -> list[tuple[int, int, list[int]]]:
    prices = sorted({order.yes_price for order in orders}, key=lambda price: best_first * price)
    levels = []
    for price in prices:
        level = sorted((o for o in orders if o.yes_price == price), key=lambda o: o.place)
        levels.append((price, sum(o.remaining for o in level), [o.id for o in level]))
    return levels
