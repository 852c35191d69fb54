"""Taking orders out of the book: one, or all of an account.

Whether an order may be cancelled is decided here and not only at the edge: it must be open, the
sender's own, and its market and the exchange must admit cancels (always, but for FULL_HALT and the
mode `halted`).  An admin takes out whosever it is, wherever.
"""

from typing import Final

from exchange.messages.admin.commands import ForceCancel
from exchange.messages.commands import CancelAll, CancelOrder
from exchange.messages.events import CommandRejected, Event, OrdersCancelled
from exchange.messages.reasons import Reason
from exchange.messages.terms import BUY, CancelReason, ExchangeMode
from exchange.messages.units import Boxed
from exchange.model.market import ADMITS_CANCEL, Market
from exchange.model.state import State
from exchange.rules.ending import end_order, end_orders
from exchange.rules.groups.limits import no_group_refusal
from exchange.rules.netting import net

_HALTED: Final = ExchangeMode.HALTED
_USER: Final = CancelReason.USER


def cancel(state: State, command: CancelOrder) -> list[Event]:
    """Run a CancelOrder and return its events, already applied."""
    account_id: Boxed = command.account_id
    order_id: Boxed = command.order_id
    account = state.accounts.get(account_id)
    if account is None:
        return [CommandRejected(Reason.ACCOUNT_NOT_FOUND, "", "the account is not open yet")]
    order = state.orders.get(order_id)
    if order is None:
        return [not_open_refusal(state, order_id)]
    if order.account_id != account.id:
        return [CommandRejected(Reason.NOT_ORDER_OWNER, "orderId", "the order is not yours")]
    market = state.markets[order.market_id]
    if state.mode is _HALTED or market.status not in ADMITS_CANCEL:
        return [uncancellable_refusal(state, market)]
    events: list[Event] = []
    end_order(state, account, market, order, _USER, events)
    if order.side is not BUY:
        net(state, market, (order.account_id,), events)
    return events


def force_cancel(state: State, command: ForceCancel) -> list[Event]:
    """Run a ForceCancel and return its events, already applied."""
    order = state.orders.get(command.order_id)
    if order is None:
        return [not_open_refusal(state, command.order_id)]
    account, market = state.accounts[order.account_id], state.markets[order.market_id]
    events: list[Event] = []
    end_order(state, account, market, order, CancelReason.ADMIN, events)
    net(state, market, (account.id,), events)
    return events


def cancel_all(state: State, command: CancelAll) -> list[Event]:
    """Run a CancelAll and return its events, already applied.  O(open orders of the account)."""
    account = state.accounts.get(command.account_id)
    if account is None:
        return [CommandRejected(Reason.ACCOUNT_NOT_FOUND, "", "the account is not open yet")]
    market = None if command.market_id is None else state.markets.get(command.market_id)
    if market is None and command.market_id is not None:
        return [CommandRejected(Reason.MARKET_NOT_FOUND, "market", "there is no such market")]
    orders = account.orders
    if command.group is not None:
        group = state.groups.get(account.id, {}).get(command.group)
        if group is None:
            return [no_group_refusal()]
        orders = group.orders
    if market is None:
        if state.mode is _HALTED:
            return [CommandRejected(Reason.EXCHANGE_HALTED, "", "the exchange is halted")]
    elif state.mode is _HALTED or market.status not in ADMITS_CANCEL:
        return [uncancellable_refusal(state, market)]
    events: list[Event] = []
    ending = [
        order
        for order in orders.values()
        if command.market_id in (None, order.market_id)
        and command.side in (None, order.side)
        and command.outcome in (None, order.outcome)
        and state.markets[order.market_id].status in ADMITS_CANCEL
    ]
    count = end_orders(state, account, ending, _USER, events)
    events.append(OrdersCancelled(account.id, command.market_id, count))
    return events


def not_open_refusal(state: State, order_id: int) -> CommandRejected:
    """Return the refusal of an order that isn't open: it has ended, or never was."""
    if 0 < order_id < state.next_order_id:
        return CommandRejected(Reason.ORDER_NOT_OPEN, "orderId", "the order is no longer open")
    return CommandRejected(Reason.ORDER_NOT_FOUND, "orderId", "there is no such order")


def uncancellable_refusal(state: State, market: Market) -> CommandRejected:
    """Return the refusal of a cancel where none is admitted."""
    if state.mode is _HALTED:
        return CommandRejected(Reason.EXCHANGE_HALTED, "", "the exchange is halted")
    message = f"the market is {market.status.value}"
    return CommandRejected(Reason.MARKET_NOT_OPEN, "market", message)
