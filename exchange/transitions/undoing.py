"""Taking back the operations of a batch that is all or none (RULEBOOK 13).

    mark = begin(state) ... the transitions note what they are about to change ... roll_back(state,
    mark) or keep(state)

Laws: nothing is copied but the records that a change touches, so it costs O(changes). What is noted
is taken back in reverse, so each step finds its record and the book as they were right after its
change: a transition notes first what it does to the book and to who is open, then the records'
values, and last what it does to the book after them. The steps bring back marks and dirty lists
too: to journal and messages the operations never were. While nothing may be undone `state.undo` is
None, which is all that other commands pay. What a new transition of an order changes is noted here
as well.
"""

from typing import Any, NamedTuple

from exchange.messages.command_bases import Prior
from exchange.messages.errors import InvariantViolated
from exchange.messages.terms import BUY
from exchange.model.accounts import Account, Position
from exchange.model.idempotency import ORDER_ID, Key
from exchange.model.market import Market
from exchange.model.order_book import BookSide, Order
from exchange.model.price_window import Window
from exchange.model.state import State, UndoStep
from exchange.model.timers import EXPIRY
from exchange.transitions.limit_transitions import set_extremes


class Mark(NamedTuple):
    """What is counted once for a batch and not noted step by step."""

    next_order_id: int
    moved: int
    fees: int
    stirred: int
    ids: int
    orders: int
    accounts: int
    markets: int
    holdings: int


def begin(state: State) -> Mark:
    """Note from here on what is changed."""
    state.undo = []
    dirty = state.dirty
    return Mark(
        state.next_order_id,
        state.moved,
        state.fees,
        len(state.stirred),
        len(state.recent_ids.added),
        len(dirty.orders),
        len(dirty.accounts),
        len(dirty.markets),
        len(dirty.holdings),
    )


def keep(state: State) -> None:
    """Let stand what was changed."""
    state.undo = None


def roll_back(state: State, mark: Mark) -> None:
    """Make the state what it was at the mark."""
    steps = _steps(state)
    state.undo = None
    for step, arguments in reversed(steps):
        step(*arguments)
    state.next_order_id, state.moved, state.fees = mark.next_order_id, mark.moved, mark.fees
    del state.stirred[mark.stirred :]
    state.recent_ids.take_back(len(state.recent_ids.added) - mark.ids)
    dirty = state.dirty
    del dirty.orders[mark.orders :]
    del dirty.accounts[mark.accounts :]
    del dirty.markets[mark.markets :]
    del dirty.holdings[mark.holdings :]


# -- what transitions are about to change -------------------------------------------------------


def note_opening(
    state: State, order: Order, account: Account, market: Market, *, resting: bool
) -> None:
    """An order is about to be opened."""
    side = market.book.own_side(order) if resting else None
    steps = _steps(state)
    steps.append((_shut, (state, order, account, side)))
    _note_values(steps, account, market)
    if order.side is not BUY:
        _note_position(steps, market, account)


def note_fill(state: State, market: Market, taker: Order, maker: Order, quantity: int) -> None:
    """Two orders are about to trade."""
    steps = _steps(state)
    if market.limits is not None:
        was_noted = market.id in state.dirty.windows
        steps.append((_restore_window, (state, market, market.extremes, was_noted)))
    side = market.book.own_side(maker)
    if maker.remaining > quantity:
        steps.append((_enlarge, (side, maker, quantity)))
    else:
        steps.append((side.put_back, (maker, maker.previous)))
    for order in (maker, taker):
        account = state.accounts[order.account_id]
        steps.append((restore_order, (order, order_values(order))))
        _note_values(steps, account, market)
        _note_position(steps, market, account)


def note_amend(
    state: State, order: Order, account: Account, market: Market, gone: int, *, moves: bool
) -> None:
    """An order is about to become another; with `moves` it leaves its place."""
    steps = _steps(state)
    side = market.book.own_side(order)
    if moves:
        steps.append((side.put_back, (order, order.previous)))
    elif gone:
        steps.append((_enlarge, (side, order, gone)))
    note_order(state, order, account, market)


def note_moved(state: State, market: Market, order: Order) -> None:
    """An order is in the book behind others, where it was not before."""
    _steps(state).append((market.book.own_side(order).remove, (order,)))


def note_cancel(state: State, order: Order, account: Account, market: Market) -> None:
    """An order is about to end."""
    if order.resting:
        side = market.book.own_side(order)
        _steps(state).append((side.put_back, (order, order.previous)))
    note_order(state, order, account, market)


def note_order(state: State, order: Order, account: Account, market: Market) -> None:
    """An order's own values are about to change, and with them what its owner has."""
    steps = _steps(state)
    steps.append((restore_order, (order, order_values(order))))
    _note_values(steps, account, market)
    if order.side is not BUY:
        _note_position(steps, market, account)


def note_closing(state: State, account: Account, order: Order) -> None:
    """An order is about to leave those that are open."""
    key = prior = None
    if order.client_order_id is not None:
        key = (account.key, ORDER_ID, order.client_order_id)
        prior = state.recent_ids.find(key)
    _steps(state).append((_reopen, (state, account, order, key, prior)))


def note_timer(state: State, due: int, id_: int, *, is_set: bool) -> None:
    """A timer of an order was set or unset."""
    timers = state.timers
    _steps(state).append((timers.unset if is_set else timers.set, (EXPIRY, due, id_)))


# -- taking it back -----------------------------------------------------------------------------


def _shut(state: State, order: Order, account: Account, side: BookSide | None) -> None:
    if side is not None:
        side.remove(order)
    del state.orders[order.key]
    del account.orders[order.key]
    if account.by_market is not None:
        account.drop_order(account.by_market, order)
    if order.client_order_id is not None:
        del state.open_client_ids[(account.key, ORDER_ID, order.client_order_id)]


def _reopen(
    state: State, account: Account, order: Order, key: Key | None, prior: Prior | None
) -> None:
    state.orders[order.key] = order
    account.orders[order.key] = order
    if account.by_market is not None:
        account.note_order(account.by_market, order)
    if key is not None:
        state.open_client_ids[key] = order.key
        if prior is not None:
            state.recent_ids.reopened(key, prior)


def _enlarge(side: BookSide, order: Order, quantity: int) -> None:
    side.reduce(order, -quantity)


def order_values(order: Order) -> tuple[Any, ...]:
    """Return what of an order may change, but for where it is."""
    return (
        order.price,
        order.yes_price,
        order.quantity,
        order.remaining,
        order.conditions,
        order.locked,
        order.seq,
        order.updated_at,
        order.status,
        order.cancel_reason,
        order.filled,
        order.filled_cash,
        order.fees_paid,
        order.fee_carry,
        order.place,
        order.version,
        order.listed,
    )


def restore_order(order: Order, values: tuple[Any, ...]) -> None:
    """Give an order such values."""
    (
        order.price,
        order.yes_price,
        order.quantity,
        order.remaining,
        order.conditions,
        order.locked,
        order.seq,
        order.updated_at,
        order.status,
        order.cancel_reason,
        order.filled,
        order.filled_cash,
        order.fees_paid,
        order.fee_carry,
        order.place,
        order.version,
        order.listed,
    ) = values


def _note_values(steps: list[UndoStep], account: Account, market: Market) -> None:
    cash = account.available, account.locked, account.seq, account.touched, account.listed
    steps.append((_restore_account, (account, cash)))
    values = (
        market.collateral,
        market.seq,
        market.touched,
        market.published,
        market.listed,
        market.trade_no,
        market.volume,
        market.last_price,
    )
    steps.append((_restore_market, (market, values)))


def _restore_account(account: Account, values: tuple[Any, ...]) -> None:
    account.available, account.locked, account.seq, account.touched, account.listed = values


def _restore_market(market: Market, values: tuple[Any, ...]) -> None:
    (
        market.collateral,
        market.seq,
        market.touched,
        market.published,
        market.listed,
        market.trade_no,
        market.volume,
        market.last_price,
    ) = values


def _restore_window(state: State, market: Market, window: Window, was_noted: bool) -> None:
    set_extremes(state, market, window)
    if not was_noted:
        state.dirty.windows.pop(market.id, None)


def _note_position(steps: list[UndoStep], market: Market, account: Account) -> None:
    position = market.positions.get(account.id)
    if position is None:
        steps.append((_forget_position, (market, account)))
        return
    holdings = tuple((h.free, h.locked, h.cost, h.touched) for h in (position.yes, position.no))
    steps.append((_restore_position, (position, position.realised, holdings)))


def _forget_position(market: Market, account: Account) -> None:
    del market.positions[account.id]
    del account.positions[market.id]


def _restore_position(
    position: Position, realised: int, holdings: tuple[tuple[int, int, int, int], ...]
) -> None:
    position.realised = realised
    for holding, values in zip((position.yes, position.no), holdings, strict=True):
        holding.free, holding.locked, holding.cost, holding.touched = values


def _steps(state: State) -> list[UndoStep]:
    steps = state.undo
    if steps is None:
        raise InvariantViolated("nothing is being noted that could be undone")
    return steps
