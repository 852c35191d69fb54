"""Placing an order: what is checked, in which order, and what becomes of the order after its walk.

    client id -> account, market -> mode, life -> terms -> means -> liquidity -> bounds

Everything that can refuse is asked before the first event, so a refusal changes nothing.
"""

from typing import Final

from msgspec.structs import astuple

from exchange.messages.commands import PlaceOrder, PlaceOrderFields
from exchange.messages.events import (
    CommandRejected,
    Event,
    OrderFilled,
    OrderRested,
    TradeExecuted,
)
from exchange.messages.group_events import GroupTriggered
from exchange.messages.reasons import Reason
from exchange.messages.terms import (
    BUY,
    FOK,
    GTC,
    GTD,
    YES,
    CancelReason,
    Standing,
)
from exchange.model.accounts import Account
from exchange.model.market import Market
from exchange.model.order_book import BookSide, Order, own_price
from exchange.model.state import State
from exchange.rules.accounts.standing import standing_refusal
from exchange.rules.ending import end_order
from exchange.rules.entries import entry_of
from exchange.rules.escrow import reservation, resting_reservation, taking_rate
from exchange.rules.groups.limits import (
    lacks_group,
    net_ended,
    no_group_refusal,
    triggered_refusal,
)
from exchange.rules.limits.band import narrowed
from exchange.rules.limits.judging import open_orders_refusal, position_cap
from exchange.rules.liquidity import liquidity_refusal
from exchange.rules.matching import Stop, walk
from exchange.rules.means import cash_refusal, shares_refusal
from exchange.rules.netting import net
from exchange.rules.order_terms import entry_refusal
from exchange.rules.reducing import reducible
from exchange.rules.waiting.entering import enter
from exchange.rules.waiting.pairs import cut_lock, open_partner
from exchange.transitions import order_transitions

_astuple: Final = astuple
_ACTIVE: Final = Standing.ACTIVE
# Compiled code finds a `Final` of its own module at once, another module's name in a dict.
_BUY: Final = BUY
_YES: Final = YES
_GTC: Final = GTC
_GTD: Final = GTD
_FOK: Final = FOK
_NO_MORE: Final = Stop.NO_MORE
_TradeExecuted: Final = TradeExecuted
_GroupTriggered: Final = GroupTriggered
_OrderRested: Final = OrderRested
_CANCEL_REASONS: Final = {
    _NO_MORE: CancelReason.NO_LIQUIDITY,
    Stop.SELF_TRADE: CancelReason.SELF_TRADE,
    Stop.BUDGET: CancelReason.INSUFFICIENT_BALANCE,
    Stop.CAP: CancelReason.REDUCE_ONLY,
    Stop.GROUP: CancelReason.GROUP_LIMIT,
}


def place(state: State, command: PlaceOrder) -> list[Event]:
    """Run a PlaceOrder and return its events, already applied."""
    fields: PlaceOrderFields = _astuple(command)
    (
        account_id,
        market_id,
        side,
        outcome,
        kind,
        price,
        quantity,
        tif,
        _prevention,
        max_cost,
        _client_order_id,
        _prior,
        conditions,
    ) = fields
    account, market = state.accounts.get(account_id), state.markets.get(market_id)
    stray = conditions is not None and lacks_group(state, account_id, conditions)
    if account is None or market is None or account.standing is not _ACTIVE or stray:
        return [_party_refusal(account, market)]
    refusal = entry_refusal(
        state, account, market, side, outcome, kind, price, quantity, tif, max_cost, conditions
    )
    if refusal is not None:
        return [refusal]
    if conditions is not None and conditions.trigger_price is not None:
        return enter(state, account, market, command)
    facing = market.book.asks if (side is _BUY) is (outcome is _YES) else market.book.bids
    if conditions is not None or price is None:
        wanted, limit, cap = _rare_bounds(market, account, command, facing)
    else:
        wanted, limit, cap = quantity, facing.sign * own_price(outcome, price), None
    taking = (best := facing.best) is not None and (limit is None or best.key <= limit)
    available = account.available
    if side is _BUY:
        locked, refusal = buy_lock(market, available, price, wanted, max_cost, taking=taking)
    else:
        locked = wanted or 0
        refusal = shares_refusal(market, account, outcome, locked)
    if refusal is None and (taking or tif is _FOK or cap is not None):
        refusal = liquidity_refusal(state, market, command, facing, limit, cap, available)
    rests = tif is _GTC or tif is _GTD
    if refusal is None and rests:
        refusal = open_orders_refusal(account, market, 1)
    if refusal is None and conditions is not None:
        refusal = triggered_refusal(state, account_id, conditions)
    if refusal is not None:
        return [refusal]
    resting = rests and not taking
    placed = entry_of(fields, state.next_order_id, locked, conditions, resting=resting)
    events: list[Event] = [placed]
    order = order_transitions.open_order(state, placed, account, market, resting=resting)
    if not resting:
        take(state, account, market, order, limit, events, cap)
    return events


def _rare_bounds(
    market: Market, account: Account, command: PlaceOrder, facing: BookSide
) -> tuple[int | None, int | None, int | None]:
    """Return what is wanted of the quantity, how far the order may walk (a key of the side that it
    faces), and how much may trade: if it is reduce-only, or by cost where the position is limited.

    None: there is no such bound.
    """
    conditions, wanted, worst, cap = command.conditions, command.quantity, command.price, None
    if conditions is not None:
        worst = conditions.worst_price if worst is None else worst
        if conditions.reduce_only:
            cap = reducible(market, command.account_id, command.side, command.outcome)
            wanted = None if wanted is None else min(wanted, cap)
    limit = None if worst is None else facing.sign * own_price(command.outcome, worst)
    if command.price is None and (market.limits is not None or account.limits is not None):
        is_bid = (command.side is _BUY) is (command.outcome is _YES)
        limit = narrowed(market, limit, is_bid=is_bid)
        if cap is None and command.max_cost is not None:
            cap = position_cap(account, market, command.outcome)
    return wanted, limit, cap


def take(
    state: State,
    account: Account,
    market: Market,
    order: Order,
    limit: int | None,
    events: list[Event],
    cap: int | None = None,
    budget: int | None = None,
) -> None:
    """Walk the book with an order that is in none, end it or let it rest, and net what it freed.

    Of one that is reduce-only, or by cost where the position is limited, at most `cap` trades.
    `budget` (money) bounds what a MARKET BUY pays; None: its `max_cost`, else all that is there.
    """
    if budget is None and order.price is None and order.side is _BUY:
        budget = order.max_cost
        if budget is None:
            budget = account.available
    stop = walk(state, market, order, limit, budget, events, cap)
    traders = {order.account_id: None}
    triggered = False
    for event in events:
        if type(event) is _TradeExecuted:
            traders[event.maker_account_id] = None
        elif type(event) is _GroupTriggered:
            triggered = True
    tif = order.time_in_force
    if stop is _NO_MORE and (tif is _GTC or tif is _GTD):
        paired = order.conditions is not None and open_partner(state, order) is not None
        unlocked = 0 if paired else order.locked - resting_reservation(market, order)
        rested = _OrderRested(order.id, order.account_id, order.market_id, order.side, unlocked)
        events.append(rested)
        order_transitions.order_rested(state, rested)
        if paired:
            cut_lock(state, market, order, events)
    elif stop is Stop.BUDGET and order.max_cost is not None:
        filled = OrderFilled(order.id, order.account_id, order.market_id)
        events.append(filled)
        order_transitions.order_filled(state, filled)
    elif stop is not Stop.FILLED:
        reason = _reason_of(market, order, limit, stop)
        end_order(state, account, market, order, reason, events)
    net(state, market, traders, events)
    if triggered:
        net_ended(state, events, market)


def _reason_of(market: Market, order: Order, limit: int | None, stop: Stop) -> CancelReason:
    """Return why an order ends whose walk has stopped: of two bounds it met the nearer one, at the
    same price its own.
    """
    facing = market.book.asks if order.is_bid else market.book.bids
    if stop is Stop.CAP and not (order.conditions is not None and order.conditions.reduce_only):
        return CancelReason.POSITION_LIMIT
    if stop is not _NO_MORE or limit is None or order.price is not None or facing.best is None:
        return _CANCEL_REASONS[stop]
    worst = None if order.conditions is None else order.conditions.worst_price
    if worst is not None and limit == facing.sign * own_price(order.outcome, worst):
        return CancelReason.WORST_PRICE
    return CancelReason.OUTSIDE_BAND


def _party_refusal(account: Account | None, market: Market | None) -> CommandRejected:
    if account is None:
        return CommandRejected(Reason.ACCOUNT_NOT_FOUND, "", "the account is not open yet")
    if market is None:
        return CommandRejected(Reason.MARKET_NOT_FOUND, "market", "there is no such market")
    if account.standing is not _ACTIVE:
        return standing_refusal(account)
    return no_group_refusal()


def buy_lock(
    market: Market,
    available: int,
    price: int | None,
    quantity: int | None,
    max_cost: int | None,
    *,
    taking: bool,
) -> tuple[int, CommandRejected | None]:
    """Return what a BUY must lock, and the refusal if that isn't available."""
    if price is not None and quantity is not None:
        rate = taking_rate(market) if taking else market.maker_fee
        needed = locked = reservation(market, rate, price, quantity, 0)
    else:
        needed, locked = max_cost or 0, 0
    return locked, cash_refusal(needed, available)
