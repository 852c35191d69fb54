"""Law 9: what is only an index (timers, what waits for which price and what is due, slugs, client
ids, sessions, positions by account, a group's orders and its sums) matches what it points to,
walked from scratch.
"""

from collections.abc import Iterator

from exchange.messages.limit_commands import THE_EXCHANGE
from exchange.messages.terms import ExchangeMode, OrderStatus, Standing
from exchange.model.accounts import Account
from exchange.model.idempotency import ORDER_ID
from exchange.model.market import HALTED, OPEN, POST_ONLY, RESOLVING, UNFINISHED, Market
from exchange.model.order_book import Order
from exchange.model.price_window import spread
from exchange.model.slices import SLICES
from exchange.model.state import State
from exchange.model.timers import (
    CLOSING,
    DEAD_MAN,
    EXPIRY,
    HALT_END,
    LEASE,
    PAYOUT,
    POST_ONLY_END,
)
from exchange.model.waiting import due_key, trigger_of, waits_for_fall, watched_price, yes_trigger


def index_problems(state: State) -> Iterator[str]:
    """Yield in words each index that differs from what it is made of."""
    resting = sum(
        level.count
        for market in state.markets.values()
        for side in (market.book.bids, market.book.asks)
        for level in side.by_key.values()
    )
    waiting = sum(
        len(market.waiting.orders)
        for market in state.markets.values()
        if market.waiting is not None
    )
    owned = sum(len(account.orders) for account in state.accounts.values())
    if not len(state.orders) == resting + waiting == owned:
        there = f"{resting} in the books, {waiting} waiting, {owned} of accounts"
        yield f"5: {len(state.orders)} open orders, {there}"
    for account in state.accounts.values():
        yield from _orders_of(state, account)
    due = sorted((m.close_time, m.id) for m in state.markets.values() if m.status in UNFINISHED)
    if due != list(state.timers.of(CLOSING)):
        yield "9: the closings don't match the markets"
    ends = sorted((o.expires_at, o.id) for o in state.orders.values() if o.expires_at is not None)
    if ends != list(state.timers.of(EXPIRY)):
        yield "9: the expiries don't match the open orders"
    yield from _payouts(state)
    yield from _halts(state)
    yield from _switches(state)
    if state.market_by_slug != {market.slug: market for market in state.markets.values()}:
        yield "9: the slugs don't match the markets"
    named = {
        (order.account_id, ORDER_ID, order.client_order_id): order.id
        for order in state.orders.values()
        if order.client_order_id is not None
    }
    if state.open_client_ids != named:
        yield "9: the client ids don't match the open orders"
    yield from _groups(state)
    yield from _shared_positions(state)
    for market in state.markets.values():
        yield from _waiting(state, market)
    pending = [o for o in state.orders.values() if o.status is OrderStatus.PENDING]
    if list(state.due) != sorted(due_key(o) for o in pending if trigger_of(o).due):
        yield "9: what is due doesn't match the orders"


def _orders_of(state: State, account: Account) -> Iterator[str]:
    for order_id, order in account.orders.items():
        if order.account_id != account.id or state.orders.get(order_id) is not order:
            yield f"5: order {order_id} is in the wrong hands"
    if account.by_market is not None:
        by_market: dict[int, dict[int, Order]] = {}
        for order in account.orders.values():
            account.note_order(by_market, order)
        if account.by_market != by_market:
            yield f"9: account {account.id} has other orders by market than it has"


def _waiting(state: State, market: Market) -> Iterator[str]:
    if market.waiting is None:
        return
    orders = market.waiting.orders
    if not orders or market.status not in UNFINISHED:
        yield f"9: market {market.id} holds orders for a price that never comes"
    watched = []
    for order_id, order in orders.items():
        terms = trigger_of(order)
        fits = order.id == order_id and order.market_id == market.id and not order.resting
        if not fits or order.status is not OrderStatus.PENDING or order.filled:
            yield f"5: order {order_id} doesn't wait in market {market.id}"
        if state.orders.get(order_id) is not order:
            yield f"5: order {order_id} waits, but isn't open"
        if not terms.due:
            price = yes_trigger(order.outcome, terms)
            watched.append((waits_for_fall(order), watched_price(order), price, order_id))
        elif market.status is not OPEN or state.mode is not ExchangeMode.OPEN:
            yield f"9: order {order_id} is due where nothing trades"
    if sorted(watched) != sorted(market.waiting.watched()):
        yield f"9: market {market.id} watches other prices than its orders wait for"


def _payouts(state: State) -> Iterator[str]:
    paying = [market for market in state.markets.values() if market.status is RESOLVING]
    if sorted((m.next_payout or 0, m.id) for m in paying) != list(state.timers.of(PAYOUT)):
        yield "9: the payouts don't match the markets that are RESOLVING"
    for market in state.markets.values():
        if market.status is RESOLVING:
            if market.unpaid != market.holders() or not market.unpaid:
                yield f"9: market {market.id} has others to pay than its holders"
        elif market.next_payout is not None:
            yield f"9: market {market.id} is not RESOLVING, but pays"


def _halts(state: State) -> Iterator[str]:
    for status, kind in ((HALTED, HALT_END), (POST_ONLY, POST_ONLY_END)):
        markets = [market for market in state.markets.values() if market.status is status]
        ends = sorted((m.resumes_at, m.id) for m in markets if m.resumes_at is not None)
        if status is POST_ONLY and state.post_only_until is not None:
            ends = sorted([*ends, (state.post_only_until, THE_EXCHANGE)])
        if ends != list(state.timers.of(kind)):
            yield f"9: when markets go on that are {status.value} doesn't match the timers"
    if state.post_only_until is not None and state.mode is not ExchangeMode.POST_ONLY:
        yield f"9: the exchange is {state.mode.value}, but to open by itself"
    volatile = []
    for market in state.markets.values():
        if market.resumes_at is not None and market.status not in (HALTED, POST_ONLY):
            yield f"9: market {market.id} is {market.status.value}, but to go on by itself"
        halt = None if market.limits is None else market.limits.volatility_halt
        numbers = [number for number, _, _ in market.extremes]
        if numbers and (halt is None or market.status is not OPEN):
            yield f"9: market {market.id} keeps prices that nobody watches"
        if numbers != sorted(set(numbers)) or (numbers and numbers[-1] - numbers[0] >= SLICES):
            yield f"9: market {market.id} keeps prices out of order, or too long"
        if halt is not None and market.status is OPEN and spread(market.extremes) > halt.move:
            volatile.append(market.id)
    if volatile != sorted(state.volatile):
        yield "9: what is to halt doesn't match the markets' prices"


def _switches(state: State) -> Iterator[str]:
    set_ = sorted(
        (account.dead_man, account.id)
        for account in state.accounts.values()
        if account.dead_man is not None
    )
    if set_ != list(state.timers.of(DEAD_MAN)):
        yield "9: the dead-man deadlines don't match the accounts"
    for account in state.accounts.values():
        if account.standing is not Standing.ACTIVE and account.orders:
            yield f"9: account {account.id} is {account.standing.value}, but has orders"
    leases = sorted((due, gateway) for gateway, due in state.leases.items())
    if leases != list(state.timers.of(LEASE)):
        yield "9: the ends of leases don't match the leases"
    tied: dict[int, dict[tuple[int, int], dict[int, Order]]] = {}
    for order in state.orders.values():
        session = None if order.conditions is None else order.conditions.session
        if session is not None:
            key = session[1], order.account_id
            tied.setdefault(session[0], {}).setdefault(key, {})[order.id] = order
    if tied != state.tied:
        yield "9: what is tied to sessions doesn't match the open orders"
    if not tied.keys() <= state.leases.keys():
        yield "9: orders are tied to a gateway that has no lease"


def _groups(state: State) -> Iterator[str]:
    listed: dict[tuple[int, str], dict[int, Order]] = {}
    for order in state.orders.values():
        name = None if order.conditions is None else order.conditions.group
        if name is not None:
            listed.setdefault((order.account_id, name), {})[order.id] = order
    for account_id, groups in state.groups.items():
        for name, group in groups.items():
            which = f"group {name} of account {account_id}"
            own = listed.pop((account_id, name), {})
            if group.orders != own or group.key != (account_id, name):
                yield f"9: {which} lists other orders than are open"
            if group.triggered and own:
                yield f"9: {which} is triggered, but has orders"
            sums = tuple(sum(part) for part in zip((0, 0), *group.slices.values(), strict=True))
            numbers = list(group.slices)
            if sums != (group.filled, group.net) or numbers != sorted(numbers):
                yield f"9: {which} has filled {group.filled}, {group.net} net, its slices {sums}"
            if numbers and numbers[-1] - numbers[0] >= SLICES:
                yield f"9: {which} remembers more than its window"
            if group.is_over and not group.triggered:
                yield f"9: {which} is over its limit, but takes orders"
    for account_id, name in listed:
        yield f"9: orders of account {account_id} are of the group {name}, which isn't there"


def _shared_positions(state: State) -> Iterator[str]:
    for market in state.markets.values():
        for account_id, position in market.positions.items():
            owner = state.accounts.get(account_id)
            if owner is None or owner.positions.get(market.id) is not position:
                yield f"9: account {account_id} has another position in market {market.id}"
    for account in state.accounts.values():
        for market_id in account.positions:
            listed = state.markets.get(market_id)
            if listed is None or account.id not in listed.positions:
                yield f"9: market {market_id} has no position of account {account.id}"
