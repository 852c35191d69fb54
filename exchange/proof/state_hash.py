"""One hash of everything the exchange remembers: the same state gives the same 32 bytes, anywhere.

The state is laid out as plain numbers and texts in a fixed order (ids ascending, orders of a level
by time priority, those that wait for a price behind the book), encoded as msgpack and hashed.  What
only marks work in progress (`touched`, `published`, `listed`, `stirred`, `dirty`) and what the
shell can ask the store for is left out.
"""

from collections.abc import Iterator
from dataclasses import fields
from hashlib import blake2b
from typing import Any, Final

import msgspec

from exchange.messages.conditions import OrderConditions
from exchange.messages.terms import Standing
from exchange.model.accounts import Account
from exchange.model.market import Market
from exchange.model.order_book import NOT_OF_THE_ORDER, Order
from exchange.model.order_groups import OrderGroup
from exchange.model.state import State
from exchange.model.timers import CLOSING

_encode: Final = msgspec.msgpack.Encoder().encode
_MARKET_SKIPS: Final = (
    *("key", "book", "waiting", "positions", "touched", "published", "listed"),
    *("next_payout", "unpaid", "limits", "resumes_at", "extremes"),
)
_MARKET_FIELDS: Final = tuple(f.name for f in fields(Market) if f.name not in _MARKET_SKIPS)
_ORDER_SKIPS: Final = (*NOT_OF_THE_ORDER, "conditions", "place", "version")
_ORDER_FIELDS: Final = tuple(f.name for f in fields(Order) if f.name not in _ORDER_SKIPS)


def state_hash(state: State, *, with_ids: bool = True) -> bytes:
    """Return the hash; `with_ids=False` leaves out the remembered client ids, which views don't
    keep.

    O(everything): for tests, recovery and `probity verify`.  It only reads: a thread that is left
    at it harms no state that goes on, and what it returns then means nothing.
    """
    digest = blake2b(digest_size=32)
    for record in records(state, with_ids=with_ids):
        digest.update(_encode(record))
    return digest.digest()


def records(state: State, *, with_ids: bool = True) -> Iterator[list[Any]]:
    """Yield the state as flat records, each beginning with its kind; comparing two streams finds a
    difference.
    """
    yield ["exchange", state.seq, state.now, state.mode, state.next_order_id, state.next_market_id]
    if state.moved:
        yield ["moved", state.moved]
    if state.post_only_until is not None:
        yield ["post-only until", state.post_only_until]
    yield ["money", state.issued, state.fees]
    for account_id in sorted(state.accounts):
        yield from _of_account(state.accounts[account_id])
    for market_id in sorted(state.markets):
        market = state.markets[market_id]
        yield ["market", *(getattr(market, field) for field in _MARKET_FIELDS)]
        yield from _rare_of_market(market)
        for account_id in sorted(market.positions):
            position = market.positions[account_id]
            shares = [
                number
                for held in (position.yes, position.no)
                for number in (held.free, held.locked, held.cost)
            ]
            yield ["position", market_id, account_id, *shares, position.realised]
        for order in _orders_of(market):
            yield ["order", *(getattr(order, field) for field in _ORDER_FIELDS), *_rare(order)]
    yield ["closings", *state.timers.of(CLOSING)]
    if state.leases:
        yield ["leases", *sorted(state.leases.items())]
    for account_id in sorted(state.groups):
        for _, group in sorted(state.groups[account_id].items()):
            yield from _of_group(group)
    if with_ids:
        for (account_id, kind, client_id), prior in state.recent_ids.snapshot():
            yield ["id", account_id, kind, client_id, prior.seq, prior.fingerprint]


def _of_account(account: Account) -> Iterator[list[Any]]:
    cash = account.available, account.locked
    yield ["account", account.id, account.opened_seq, *cash, account.seq]
    # What is rare is left out where there is none: older states hash as they did.
    if account.dead_man is not None:
        yield ["dead man", account.id, account.dead_man]
    if account.standing is not Standing.ACTIVE:
        yield ["standing", account.id, account.standing]
    if account.limits is not None:
        yield ["account limits", account.id, account.limits]


def _rare_of_market(market: Market) -> Iterator[list[Any]]:
    if market.next_payout is not None:
        yield ["payout", market.id, market.next_payout]
    if market.limits is not None:
        yield ["market limits", market.id, market.limits]
    if market.resumes_at is not None:
        yield ["reopening", market.id, market.resumes_at]
    if market.extremes:
        yield ["extremes", market.id, *market.extremes]


def _of_group(group: OrderGroup) -> Iterator[list[Any]]:
    limits = group.max_filled, group.window, group.max_net
    sums = group.triggered, group.filled, group.net
    yield ["group", group.account_id, group.name, *limits, *sums]
    for number in sorted(group.slices):
        yield ["slice", number, *group.slices[number]]


def _orders_of(market: Market) -> Iterator[Order]:
    yield from market.book.bids.orders()
    yield from market.book.asks.orders()
    if market.waiting is not None:
        yield from market.waiting.orders.values()


def _rare(order: Order) -> list[OrderConditions | list[int]]:
    """What only some orders have; all others hash as they did before there was such."""
    rare: list[OrderConditions | list[int]] = []
    if order.conditions is not None:
        rare.append(order.conditions)
    if order.version or order.place != order.id:
        rare.append([order.place, order.version])
    return rare
