"""What each event changes.  Nothing else in Probity changes a `State`.

The engine applies an event the moment it decides it, the committed view applies the same events
after their commit, and `probity verify` applies them from the journal: one code, so the three
can't drift apart.  No rule is asked here and nothing is refused; an event that doesn't fit raises
(KeyError, InvariantViolated) and the process must stop.

The sequences that clients see are counted here too: `account.seq` moves once per command for each
order, for the cash and for each holding that the command changed, which is one private message
each; `market.seq` moves once per command that changed the market's public state.
"""

from collections.abc import Callable
from typing import Any, Final

from exchange.accounts import Account, Holding
from exchange.bounds import PRICE_SCALE
from exchange.events import (
    AccountOpened,
    CommandRejected,
    CommandReplayed,
    Event,
    ExchangeModeChanged,
    FundsCredited,
    MarketCreated,
    MarketResolved,
    MarketStatusChanged,
    OrderCancelled,
    OrderFilled,
    OrderPlaced,
    OrderRested,
    OrdersCancelled,
    PairsNetted,
    PositionSettled,
    TradeExecuted,
)
from exchange.idempotency import ORDER_ID
from exchange.market import UNFINISHED, Market
from exchange.order_book import Order
from exchange.state import State
from exchange.terms import BUY, YES, MarketStatus, OrderStatus, Resolution, TradeKind

_OPEN: Final = OrderStatus.OPEN
_PARTIAL: Final = OrderStatus.PARTIAL
_FILLED: Final = OrderStatus.FILLED
_CANCELLED: Final = OrderStatus.CANCELLED
_MINT: Final = TradeKind.MINT
_MERGE: Final = TradeKind.MERGE


def begin(state: State, seq: int, at: int) -> None:
    """Start the command `seq` at time `at`; every event applied until the next call belongs to
    it.
    """
    state.seq = seq
    state.now = at


def apply(state: State, event: Event) -> None:
    """Change the state by one event."""
    _APPLY[type(event)](state, event)


def command_rejected(state: State, event: CommandRejected) -> None:
    """A refusal changes nothing."""


def command_replayed(state: State, event: CommandReplayed) -> None:
    """A repeat changes nothing."""


def account_opened(state: State, event: AccountOpened) -> None:
    """Add an empty account."""
    account = Account(event.account_id, opened_seq=state.seq)
    state.accounts[event.account_id] = account
    _touch_cash(state, account)


def funds_credited(state: State, event: FundsCredited) -> None:
    """Issue money."""
    account = state.accounts[event.account_id]
    account.available += event.amount
    state.issued += event.amount
    _touch_cash(state, account)


def market_created(state: State, event: MarketCreated) -> None:
    """List a market and set its closing."""
    market = Market(
        id=event.market_id,
        slug=event.slug,
        question=event.question,
        description=event.description,
        category=event.category,
        close_time=event.close_time,
        tick_size=event.tick_size,
        min_quantity=event.min_quantity,
        maker_fee=event.maker_fee,
        taker_fee=event.taker_fee,
        fee_model=event.fee_model,
        status=event.status,
        created_at=state.now,
    )
    state.markets[market.id] = market
    state.market_by_slug[market.slug] = market
    state.closings.add((market.close_time, market.id))
    state.next_market_id = market.id + 1
    _touch_public(state, market)


def market_status_changed(state: State, event: MarketStatusChanged) -> None:
    """Move a market's life on."""
    market = state.markets[event.market_id]
    _set_status(state, market, event.status)
    _touch_public(state, market)


def market_resolved(state: State, event: MarketResolved) -> None:
    """End a market; the payments follow as events of their own."""
    market = state.markets[event.market_id]
    void = event.outcome is Resolution.VOID
    _set_status(state, market, MarketStatus.VOID if void else MarketStatus.RESOLVED)
    market.resolution = event.outcome
    market.yes_payout = event.yes_payout
    market.source = event.source
    market.resolved_at = state.now
    _touch_public(state, market)


def position_settled(state: State, event: PositionSettled) -> None:
    """Turn all shares of one holder into cash from the collateral."""
    market = state.markets[event.market_id]
    account = state.accounts[event.account_id]
    position = market.positions[event.account_id]
    position.realised += event.payout - position.yes.cost - position.no.cost
    for holding in (position.yes, position.no):
        holding.free = holding.cost = 0
        _touch_holding(state, account, holding)
    account.available += event.payout
    market.collateral -= event.payout
    _touch_cash(state, account)
    _touch_market(state, market)


def exchange_mode_changed(state: State, event: ExchangeModeChanged) -> None:
    """Change what the exchange takes."""
    state.mode = event.mode


def order_placed(state: State, event: OrderPlaced) -> None:
    """Open an order, lock its reservation, and put it into the book if it crosses nothing."""
    price = event.price
    bid = (event.side is BUY) is (event.outcome is YES)
    if price is None:
        yes_price = 0
    elif event.outcome is YES:
        yes_price = price
    else:
        yes_price = PRICE_SCALE - price
    quantity = event.quantity
    seq, now = state.seq, state.now
    order = Order(
        event.order_id,
        event.account_id,
        event.market_id,
        event.side,
        event.outcome,
        event.type,
        price,
        yes_price,
        bid,
        quantity,
        quantity or 0,
        event.time_in_force,
        event.self_trade_prevention,
        event.max_cost,
        event.client_order_id,
        event.locked,
        seq,
        seq,
        now,
        now,
    )
    account = state.accounts[event.account_id]
    state.orders[event.order_id] = order
    account.orders[event.order_id] = order
    state.next_order_id = event.order_id + 1
    account.seq += 1
    dirty = state.dirty
    dirty.orders[event.order_id] = order
    dirty.accounts[event.account_id] = account
    if event.client_order_id is not None:
        state.open_client_ids[(event.account_id, ORDER_ID, event.client_order_id)] = event.order_id
    locked = event.locked
    if locked:
        if event.side is BUY:
            account.available -= locked
            account.locked += locked
            account.touched = seq
            account.seq += 1
        else:
            holding = state.holding_of(order)
            holding.free -= locked
            holding.locked += locked
            _touch_holding(state, account, holding)
    if event.resting:
        market = state.markets[event.market_id]
        book = market.book
        (book.bids if bid else book.asks).add(order)
        _touch_public(state, market)


def trade_executed(state: State, event: TradeExecuted) -> None:
    """Fill both orders, move the shares and the money, and take what was traded off the book."""
    market = state.markets[event.market_id]
    maker = state.orders[event.maker_order_id]
    taker = state.orders[event.taker_order_id]
    quantity = event.quantity
    side = market.book.bids if maker.is_bid else market.book.asks
    if maker.remaining > quantity:
        side.reduce(maker, quantity)
    else:
        side.remove(maker)
    _fill(state, market, maker, event, event.maker_unlocked, event.maker_fee, event.maker_fee_carry)
    _fill(state, market, taker, event, event.taker_unlocked, event.taker_fee, event.taker_fee_carry)
    if event.kind is _MINT:
        market.collateral += PRICE_SCALE * quantity
    elif event.kind is _MERGE:
        market.collateral -= PRICE_SCALE * quantity
    state.fees += event.maker_fee + event.taker_fee
    market.trade_no = event.trade_no
    market.last_price = event.yes_price
    market.volume += quantity
    _touch_public(state, market)


def order_rested(state: State, event: OrderRested) -> None:
    """Put what the order didn't trade into the book, and free what it needs no longer."""
    order = state.orders[event.order_id]
    account = state.accounts[order.account_id]
    if event.unlocked:
        _unlock(state, account, order, event.unlocked)
    market = state.markets[order.market_id]
    market.book.own_side(order).add(order)
    _touch_order(state, account, order)
    _touch_public(state, market)


def order_filled(state: State, event: OrderFilled) -> None:
    """End an order by maximal cost that bought all it could."""
    order = state.orders[event.order_id]
    order.status = _FILLED
    account = state.accounts[order.account_id]
    _touch_order(state, account, order)
    _close(state, account, order)


def order_cancelled(state: State, event: OrderCancelled) -> None:
    """End an order early: out of the book, and everything it had locked is free."""
    order = state.orders[event.order_id]
    account = state.accounts[order.account_id]
    if order.resting:
        market = state.markets[order.market_id]
        book = market.book
        (book.bids if order.is_bid else book.asks).remove(order)
        _touch_public(state, market)
    if event.unlocked:
        _unlock(state, account, order, event.unlocked)
    order.status = _CANCELLED
    order.cancel_reason = event.reason
    _touch_order(state, account, order)
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
    proceeds = PRICE_SCALE * event.quantity
    position.realised += proceeds
    for holding in (position.yes, position.no):
        cost = holding.cost_of(event.quantity)
        holding.free -= event.quantity
        holding.cost -= cost
        position.realised -= cost
        _touch_holding(state, account, holding)
    account.available += proceeds
    market.collateral -= proceeds
    _touch_cash(state, account)
    _touch_market(state, market)


def _fill(
    state: State,
    market: Market,
    order: Order,
    trade: TradeExecuted,
    unlocked: int,
    fee: int,
    carry: int,
) -> None:
    quantity, yes_price = trade.quantity, trade.yes_price
    account = state.accounts[order.account_id]
    position = market.positions.get(order.account_id)
    if position is None:
        position = state.open_position(order.account_id, market.id)
    if order.outcome is YES:
        holding, amount = position.yes, quantity * yes_price
    else:
        holding, amount = position.no, quantity * (PRICE_SCALE - yes_price)
    if order.side is BUY:
        account.locked -= unlocked
        account.available += unlocked - amount - fee
        holding.free += quantity
        holding.cost += amount
    else:
        cost = holding.cost_of(quantity)
        holding.locked -= quantity
        holding.cost -= cost
        position.realised += amount - cost
        account.available += amount - fee
    order.locked -= unlocked
    order.filled += quantity
    order.filled_cash += amount
    if fee or carry or order.fee_carry:
        order.fees_paid += fee
        order.fee_carry = carry
    _touch_order(state, account, order)
    _touch_holding(state, account, holding)
    if account.touched != state.seq:
        account.touched = state.seq
        account.seq += 1
    if order.quantity is None or order.remaining > quantity:
        order.status = _PARTIAL
        order.remaining -= quantity if order.remaining else 0
    else:
        order.remaining = 0
        order.status = _FILLED
        _close(state, account, order)


def _unlock(state: State, account: Account, order: Order, amount: int) -> None:
    order.locked -= amount
    if order.side is BUY:
        account.locked -= amount
        account.available += amount
        _touch_cash(state, account)
    else:
        holding = state.holding_of(order)
        holding.locked -= amount
        holding.free += amount
        _touch_holding(state, account, holding)


def _close(state: State, account: Account, order: Order) -> None:
    del state.orders[order.id]
    del account.orders[order.id]
    if order.client_order_id is not None:
        key = (order.account_id, ORDER_ID, order.client_order_id)
        del state.open_client_ids[key]
        state.recent_ids.order_closed(key, state.seq)


def _set_status(state: State, market: Market, status: MarketStatus) -> None:
    if market.status in UNFINISHED and status not in UNFINISHED:
        state.closings.remove((market.close_time, market.id))
    market.status = status


def _touch_order(state: State, account: Account, order: Order) -> None:
    if order.seq != state.seq:
        order.seq = state.seq
        order.updated_at = state.now
        account.seq += 1
        state.dirty.orders[order.id] = order
        state.dirty.accounts[account.id] = account


def _touch_cash(state: State, account: Account) -> None:
    if account.touched != state.seq:
        account.touched = state.seq
        account.seq += 1
        state.dirty.accounts[account.id] = account


def _touch_holding(state: State, account: Account, holding: Holding) -> None:
    if holding.touched != state.seq:
        holding.touched = state.seq
        account.seq += 1
        state.dirty.accounts[account.id] = account
        state.dirty.holdings.append(holding)


def _touch_market(state: State, market: Market) -> None:
    if market.touched != state.seq:
        market.touched = state.seq
        state.dirty.markets[market.id] = market


def _touch_public(state: State, market: Market) -> None:
    if market.published != state.seq:
        market.published = state.seq
        market.seq += 1
        state.dirty.markets[market.id] = market


_APPLY: Final[dict[type[Any], Callable[[State, Any], None]]] = {
    CommandRejected: command_rejected,
    CommandReplayed: command_replayed,
    AccountOpened: account_opened,
    FundsCredited: funds_credited,
    MarketCreated: market_created,
    MarketStatusChanged: market_status_changed,
    MarketResolved: market_resolved,
    PositionSettled: position_settled,
    ExchangeModeChanged: exchange_mode_changed,
    OrderPlaced: order_placed,
    TradeExecuted: trade_executed,
    OrderRested: order_rested,
    OrderFilled: order_filled,
    OrderCancelled: order_cancelled,
    OrdersCancelled: orders_cancelled,
    PairsNetted: pairs_netted,
}
