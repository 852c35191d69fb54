"""What the events of an order's life change, from its placing to its end; see `transitions.py`.

The events that come most have two doors to the same code: `order_placed`, `trade_executed` and
`order_cancelled` find the records that the event names, for whoever has nothing but the event;
`open_order`, `fill_both` and `cancel_order` are handed them by the rules, which have just judged
them. Looking each of them up again was a quarter of a command.
"""

from typing import Final

from msgspec.structs import astuple

from exchange.messages.bounds import PRICE_SCALE, TALLY_MAX
from exchange.messages.events import (
    OrderAmended,
    OrderAmendedFields,
    OrderCancelled,
    OrderCancelledFields,
    OrderFilled,
    OrderPlaced,
    OrderRested,
    OrdersCancelled,
    PairsNetted,
    TradeExecuted,
    TradeExecutedFields,
)
from exchange.messages.terms import BUY, YES, CancelReason, OrderStatus, TradeKind
from exchange.model.accounts import Account, Position
from exchange.model.idempotency import ORDER_ID
from exchange.model.market import Market
from exchange.model.order_book import Order
from exchange.model.state import State
from exchange.model.timers import EXPIRY
from exchange.transitions import undoing
from exchange.transitions.group_transitions import count_fill, join_group, leave_group
from exchange.transitions.limit_transitions import note_price
from exchange.transitions.marks import (
    touch_cash,
    touch_holding,
    touch_market,
    touch_order,
    touch_public,
)
from exchange.transitions.switch_transitions import tie, untie
from exchange.transitions.waiting_index import forget_due, join_waiting, leave_waiting

# Compiled code finds a `Final` of its own module at once, another module's name in a dict.
_BUY: Final = BUY
_YES: Final = YES
_astuple: Final = astuple
_FILLED: Final = OrderStatus.FILLED
_CANCELLED: Final = OrderStatus.CANCELLED
_EXPIRED: Final = OrderStatus.EXPIRED
_PENDING: Final = OrderStatus.PENDING
_BY_TIME: Final = CancelReason.EXPIRED
_MINT: Final = TradeKind.MINT
_MERGE: Final = TradeKind.MERGE


def order_placed(state: State, event: OrderPlaced) -> None:
    """Open an order, lock its reservation, and put it into the book if it crosses nothing."""
    account, market = state.accounts[event.account_id], state.markets[event.market_id]
    open_order(state, event, account, market, resting=event.resting)


def open_order(
    state: State, event: OrderPlaced, account: Account, market: Market, *, resting: bool
) -> Order:
    """Apply `order_placed` to its records; return the new one."""
    order = Order(event, state.seq, state.now)
    if state.undo is not None:
        undoing.note_opening(state, order, account, market, resting=resting)
    state.orders[order.key] = order
    account.orders[order.key] = order
    if account.by_market is not None:
        account.note_order(account.by_market, order)
    state.dirty.add_order(order)
    state.dirty.add_account(account)
    state.next_order_id = order.id + 1
    if state.moved:
        order.place += state.moved
    account.seq += 1
    if order.client_order_id is not None:
        state.open_client_ids[(account.key, ORDER_ID, order.client_order_id)] = order.key
    locked = order.locked
    if locked:
        if order.side is _BUY:
            account.available -= locked
            account.locked += locked
            touch_cash(state, account)
        else:
            holding = state.holding_of(order)
            holding.free -= locked
            holding.locked += locked
            touch_holding(state, account, holding)
    if order.conditions is not None:
        set_expiry(state, order)
        tie(state, order)
        join_group(state, order)
        if order.status is _PENDING:
            join_waiting(state, market, order)
    if resting:
        market.book.own_side(order).add(order)
        touch_public(state, market)
    return order


def set_expiry(state: State, order: Order) -> None:
    """Let a GTD order that is open end in its time; recovery does so too."""
    expires_at = order.expires_at
    if expires_at is not None:
        state.timers.set(EXPIRY, expires_at, order.id)
        if state.undo is not None:
            undoing.note_timer(state, expires_at, order.id, is_set=True)


def unset_expiry(state: State, order: Order) -> None:
    """Take back what `set_expiry` did."""
    expires_at = order.expires_at
    if expires_at is not None:
        state.timers.unset(EXPIRY, expires_at, order.id)
        if state.undo is not None:
            undoing.note_timer(state, expires_at, order.id, is_set=False)


def order_amended(state: State, event: OrderAmended) -> None:
    """Give an order other terms, and another place unless it keeps its own."""
    order = state.orders[event.order_id]
    account, market = state.accounts[order.account_id], state.markets[order.market_id]
    amend_order(state, event, account, market, order)


def amend_order(
    state: State, event: OrderAmended, account: Account, market: Market, order: Order
) -> None:
    """Apply `order_amended` to its records."""
    fields: OrderAmendedFields = _astuple(event)
    (
        _order_id,
        _account_id,
        _market_id,
        _side,
        _outcome,
        _previous_price,
        price,
        quantity,
        reserved,
        keeps_place,
        resting,
        conditions,
    ) = fields
    side = market.book.own_side(order)
    gone = (order.quantity or 0) - quantity
    if state.undo is not None:
        undoing.note_amend(state, order, account, market, gone, moves=not keeps_place)
    if not keeps_place:
        side.remove(order)
        order.place = state.next_place
        state.moved += 1
    elif gone:
        side.reduce(order, gone)
    if gone or not keeps_place:
        touch_public(state, market)
    unset_expiry(state, order)
    order.amend(price, quantity, reserved, conditions)
    set_expiry(state, order)
    if resting and not keeps_place:
        side.add(order)
        if state.undo is not None:
            undoing.note_moved(state, market, order)
    if reserved:
        unlock(state, account, order, -reserved)
    touch_order(state, account, order)


def trade_executed(state: State, event: TradeExecuted) -> None:
    """Fill both orders, move the shares and the money, and take what was traded off the book."""
    taker, maker = state.orders[event.taker_order_id], state.orders[event.maker_order_id]
    fill_both(state, event, state.markets[event.market_id], taker, maker)


def fill_both(
    state: State, event: TradeExecuted, market: Market, taker: Order, maker: Order
) -> None:
    """Apply `trade_executed` to its records."""
    fields: TradeExecutedFields = _astuple(event)
    (
        _market_id,
        trade_no,
        _market_seq,
        kind,
        _side,
        _outcome,
        _price,
        yes_price,
        quantity,
        _taker_id,
        _taker_account_id,
        taker_unlocked,
        taker_fee,
        taker_carry,
        _maker_id,
        _maker_account_id,
        maker_unlocked,
        maker_fee,
        maker_carry,
    ) = fields
    if state.undo is not None:
        undoing.note_fill(state, market, taker, maker, quantity)
    side = market.book.own_side(maker)
    if maker.remaining > quantity:
        side.reduce(maker, quantity)
    else:
        side.remove(maker)
    _fill(state, market, maker, yes_price, quantity, maker_unlocked, maker_fee, maker_carry)
    _fill(state, market, taker, yes_price, quantity, taker_unlocked, taker_fee, taker_carry)
    if kind is _MINT:
        market.collateral += PRICE_SCALE * quantity
    elif kind is _MERGE:
        market.collateral -= PRICE_SCALE * quantity
    state.fees += maker_fee + taker_fee
    market.trade_no = trade_no
    market.last_price = yes_price
    market.volume = min(market.volume + quantity, TALLY_MAX)
    if market.limits is not None:
        note_price(state, market, yes_price)
    touch_public(state, market)


def order_rested(state: State, event: OrderRested) -> None:
    """Put what the order didn't trade into the book, and free what it needs no longer."""
    order = state.orders[event.order_id]
    account, market = state.accounts[order.account_id], state.markets[order.market_id]
    if state.undo is not None:
        undoing.note_order(state, order, account, market)
    order.rest(event.unlocked)
    if event.unlocked:
        unlock(state, account, order, event.unlocked)
    market.book.own_side(order).add(order)
    if state.undo is not None:
        undoing.note_moved(state, market, order)
    touch_order(state, account, order)
    touch_public(state, market)


def order_filled(state: State, event: OrderFilled) -> None:
    """End an order by maximal cost that bought all it could."""
    order = state.orders[event.order_id]
    account = state.accounts[order.account_id]
    if state.undo is not None:
        undoing.note_order(state, order, account, state.markets[order.market_id])
    order.end(_FILLED)
    touch_order(state, account, order)
    _close(state, account, order)


def order_cancelled(state: State, event: OrderCancelled) -> None:
    """End an order early: out of the book, and everything it had locked is free."""
    fields: OrderCancelledFields = _astuple(event)
    order_id, account_id, market_id, _side, reason, unlocked = fields
    account, market = state.accounts[account_id], state.markets[market_id]
    cancel_order(state, account, market, state.orders[order_id], reason, unlocked)


def cancel_order(
    state: State,
    account: Account,
    market: Market,
    order: Order,
    reason: CancelReason,
    unlocked: int,
) -> None:
    """Apply `order_cancelled` to its records."""
    waited = order.status is _PENDING
    if waited:
        leave_waiting(state, market, order)
    if state.undo is not None:
        undoing.note_cancel(state, order, account, market)
    if waited:
        forget_due(order)
    if order.resting:
        market.book.own_side(order).remove(order)
        touch_public(state, market)
    order.end(_EXPIRED if reason is _BY_TIME else _CANCELLED, reason, unlocked)
    touch_order(state, account, order)
    if unlocked:
        unlock(state, account, order, unlocked)
    _close(state, account, order)


def orders_cancelled(state: State, event: OrdersCancelled) -> None:
    """Sum up a cancel-all, whose orders ended by events of their own."""


def pairs_netted(state: State, event: PairsNetted) -> None:
    """Turn free pairs into cash from the collateral; the profit is what they pay less what they
    cost.
    """
    market = state.markets[event.market_id]
    account = state.accounts[event.account_id]
    position = market.positions[event.account_id]
    profit = proceeds = PRICE_SCALE * event.quantity
    for holding in (position.yes, position.no):
        cost = holding.cost_of(event.quantity)
        holding.free -= event.quantity
        holding.cost -= cost
        profit -= cost
        touch_holding(state, account, holding)
    realise(position, profit)
    account.available += proceeds
    market.collateral -= proceeds
    touch_cash(state, account)
    touch_market(state, market)


def realise(position: Position, profit: int) -> None:
    """Add a profit, or a loss below zero, to the sum of all there were."""
    position.realised = max(-TALLY_MAX, min(position.realised + profit, TALLY_MAX))


def _fill(
    state: State,
    market: Market,
    order: Order,
    yes_price: int,
    quantity: int,
    unlocked: int,
    fee: int,
    carry: int,
) -> None:
    account = state.accounts[order.account_id]
    position = market.positions.get(order.account_id)
    if position is None:
        position = state.open_position(order.account_id, market.id)
    if order.outcome is _YES:
        holding, amount = position.yes, quantity * yes_price
    else:
        holding, amount = position.no, quantity * (PRICE_SCALE - yes_price)
    if order.side is _BUY:
        account.locked -= unlocked
        account.available += unlocked - amount - fee
        holding.free += quantity
        holding.cost += amount
    else:
        cost = holding.cost_of(quantity)
        holding.locked -= quantity
        holding.cost -= cost
        realise(position, amount - cost)
        account.available += amount - fee
    order.fill(quantity, amount, unlocked, fee, carry)
    if order.conditions is not None:
        count_fill(state, order, quantity)
    touch_order(state, account, order)
    touch_cash(state, account)
    touch_holding(state, account, holding)
    if order.status is _FILLED:
        _close(state, account, order)


def unlock(state: State, account: Account, order: Order, amount: int) -> None:
    """Give the owner back what an order has given up of its reservation; below 0: take it."""
    if order.side is _BUY:
        account.locked -= amount
        account.available += amount
        touch_cash(state, account)
    else:
        holding = state.holding_of(order)
        holding.locked -= amount
        holding.free += amount
        touch_holding(state, account, holding)


def _close(state: State, account: Account, order: Order) -> None:
    if state.undo is not None:
        undoing.note_closing(state, account, order)
    del state.orders[order.key]
    del account.orders[order.key]
    if account.by_market is not None:
        account.drop_order(account.by_market, order)
    if order.conditions is not None:
        unset_expiry(state, order)
        untie(state, order)
        leave_group(state, order)
    if order.client_order_id is not None:
        key = (account.key, ORDER_ID, order.client_order_id)
        del state.open_client_ids[key]
        state.recent_ids.order_closed(key, state.seq)
