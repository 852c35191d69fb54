"""Placing an order that waits for a price (RULEBOOK 14), and giving it other terms meanwhile.

It stands outside the book and locks what it will need once it is triggered. One whose price is
there already is refused: whoever wants to trade now says so.
"""

from typing import Final

import msgspec
from msgspec.structs import astuple

from exchange.messages.commands import AmendOrder, PlaceOrder, PlaceOrderFields
from exchange.messages.events import CommandRejected, Event
from exchange.messages.reasons import Reason
from exchange.messages.terms import BUY, ExchangeMode
from exchange.messages.units import format_price
from exchange.messages.waiting_events import PendingAmended
from exchange.model.accounts import Account
from exchange.model.market import OPEN, Market
from exchange.model.order_book import Order
from exchange.model.state import State
from exchange.model.waiting import is_reached, trigger_of
from exchange.rules.entries import entry_again, entry_of
from exchange.rules.escrow import needed
from exchange.rules.groups.limits import triggered_refusal
from exchange.rules.limits.judging import open_orders_refusal
from exchange.rules.means import means_refusal
from exchange.rules.netting import net
from exchange.rules.waiting.pairs import lock_change, pass_lock
from exchange.transitions import order_transitions, waiting_transitions

_astuple: Final = astuple
_MODE_OPEN: Final = ExchangeMode.OPEN


def enter(state: State, account: Account, market: Market, command: PlaceOrder) -> list[Event]:
    """Place an order with a trigger, whose terms are fine; return its events, already applied."""
    fields: PlaceOrderFields = _astuple(command)
    placed = entry_of(fields, state.next_order_id, 0, command.conditions, resting=False)
    order = Order(placed, state.seq, state.now)
    lock = needed(market, order)
    refusal = means_refusal(market, account, order, lock) or reached_refusal(market, order)
    if refusal is None:
        refusal = open_orders_refusal(account, market, 1)
    if refusal is None:
        refusal = triggered_refusal(state, account.id, command.conditions)
    if refusal is not None:
        return [refusal]
    placed = msgspec.structs.replace(placed, locked=lock)
    order_transitions.open_order(state, placed, account, market, resting=False)
    return [placed]


def amend_pending(
    state: State, account: Account, market: Market, order: Order, command: AmendOrder
) -> list[Event]:
    """Give a pending order other terms, which are fine; only what it locks more must be there."""
    terms = trigger_of(order)
    price = order.price if command.price is None else command.price
    quantity = order.quantity if command.quantity is None else command.quantity
    conditions = msgspec.structs.replace(
        terms,
        expires_at=terms.expires_at if command.expires_at is None else command.expires_at,
        trigger_price=terms.trigger_price
        if command.trigger_price is None
        else command.trigger_price,
    )
    wanted = Order(entry_again(order, price, quantity, 0, conditions), state.seq, state.now)
    carrier, added = lock_change(state, market, order, needed(market, wanted))
    refusal = means_refusal(market, account, order, added, " more")
    if refusal is None and terms.due:
        message = "the price has reached the order, which is about to trade"
        refusal = CommandRejected(Reason.TRIGGER_REACHED, "", message)
    # Where nothing trades it is only lessened, and nothing is due.
    if refusal is None and state.mode is _MODE_OPEN and market.status is OPEN:
        refusal = reached_refusal(market, wanted)
    if refusal is not None:
        return [refusal]
    amended = PendingAmended(
        order.id,
        account.id,
        market.id,
        order.side,
        price,
        quantity,
        added if carrier is order else 0,
        conditions,
    )
    events: list[Event] = [amended]
    waiting_transitions.pending_amended(state, amended)
    if carrier is not order:
        pass_lock(state, carrier, added, events)
    if order.side is not BUY:
        net(state, market, (account.id,), events)
    return events


def reached_refusal(market: Market, order: Order) -> CommandRejected | None:
    """Refuse an order whose trigger the price has reached."""
    bid, ask = market.book.bids.best, market.book.asks.best
    best = None if bid is None else bid.price, None if ask is None else ask.price
    if not is_reached(order, market.last_price, *best):
        return None
    price = format_price(trigger_of(order).trigger_price or 0)
    message = f"the price has reached {price} already"
    return CommandRejected(Reason.TRIGGER_REACHED, "triggerPrice", message)
