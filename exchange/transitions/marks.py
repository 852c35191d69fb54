"""Noting that something changed: the dirty lists, and the sequences that clients see.

`account.seq` moves once per command for each order, for the cash and for each holding that the
command changed, which is one private message each; `market.seq` moves once per command that
changed the market's public state.

Law: these three kinds, and no other, move `account.seq`. Whoever announces them
(`gateway/streaming/account_messages.py`) counts them in `state.dirty` and numbers its messages back
from where `account.seq` ended; clients take a number left out for a loss. A fourth kind needs a
place in `Dirty`, in that count, in the account's after-image and in its replay
(`exchange/projections/account_records.py`), all at once; what isn't an execution gets a sequence of
its own instead (RULEBOOK 8).

A mark (`touched`, `published`, an order's `seq`) holds the
command that set it last, so that the second change within a command costs one comparison.
"""

from exchange.model.accounts import Account, Holding
from exchange.model.market import Market
from exchange.model.order_book import Order
from exchange.model.state import State


def touch_order(state: State, account: Account, order: Order) -> None:
    """The order changed."""
    if order.seq != state.seq:
        order.seq = state.seq
        order.updated_at = state.now
        account.seq += 1
        state.dirty.add_order(order)
        state.dirty.add_account(account)


def touch_cash(state: State, account: Account) -> None:
    """The account's cash changed."""
    if account.touched != state.seq:
        account.touched = state.seq
        account.seq += 1
        state.dirty.add_account(account)


def touch_holding(state: State, account: Account, holding: Holding) -> None:
    """The account's shares changed."""
    if holding.touched != state.seq:
        holding.touched = state.seq
        account.seq += 1
        state.dirty.add_account(account)
        state.dirty.holdings.append(holding)


def touch_market(state: State, market: Market) -> None:
    """The market changed in a way that only its record shows."""
    if market.touched != state.seq:
        market.touched = state.seq
        state.dirty.add_market(market)


def touch_public(state: State, market: Market) -> None:
    """The market's public state changed."""
    if market.published != state.seq:
        market.published = state.seq
        market.seq += 1
        state.dirty.add_market(market)
        if market.waiting is not None:
            state.stirred.append(market)
