"""Placing an order: what is checked, in which order, and what becomes of the order after its walk.

    client id -> account, market -> mode, life -> terms -> means -> liquidity -> bounds

Everything that can refuse is asked before the first event, so a refusal changes nothing.
"""

from typing import Final

from msgspec.structs import astuple

from exchange.messages.bounds import OPEN_ORDERS_PER_ACCOUNT
from exchange.messages.commands import PlaceOrder, PlaceOrderFields
from exchange.messages.conditions import OrderConditions
from exchange.messages.events import (
    CommandRejected,
    Event,
    OrderFilled,
    OrderPlaced,
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
    Outcome,
    SelfTradePrevention,
    Standing,
)
from exchange.messages.units import format_money, format_price, format_quantity
from exchange.model.accounts import Account
from exchange.model.market import Market
from exchange.model.order_book import BookSide, Order, own_price
from exchange.model.state import State
from exchange.rules.ending import end_order
from exchange.rules.escrow import affordable, reservation, resting_reservation, taking_rate
from exchange.rules.fees import charge
from exchange.rules.groups.limits import (
    DryFills,
    lacks_group,
    net_ended,
    no_group_refusal,
    triggered_refusal,
)
from exchange.rules.matching import Stop, offers, walk
from exchange.rules.netting import net
from exchange.rules.order_terms import entry_refusal
from exchange.rules.reducing import reduce_only_refusal, reducible
from exchange.rules.standing import standing_refusal
from exchange.rules.waiting.entering import enter, too_many_refusal
from exchange.rules.waiting.pairs import cut_lock, open_partner
from exchange.transitions import order_transitions

_astuple: Final = astuple
_OrderPlaced: Final = OrderPlaced
_ACTIVE: Final = Standing.ACTIVE
_CANCEL_MAKER: Final = SelfTradePrevention.CANCEL_MAKER
_CANCEL_REASONS: Final = {
    Stop.NO_MORE: CancelReason.NO_LIQUIDITY,
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
        time_in_force,
        prevention,
        max_cost,
        client_order_id,
        _prior,
        conditions,
    ) = fields
    account, market = state.accounts.get(account_id), state.markets.get(market_id)
    stray = conditions is not None and lacks_group(state, account_id, conditions)
    if account is None or market is None or account.standing is not _ACTIVE or stray:
        return [_party_refusal(account, market)]
    refusal = entry_refusal(
        state, market, side, kind, price, quantity, time_in_force, max_cost, conditions
    )
    if refusal is not None:
        return [refusal]
    if conditions is not None and conditions.trigger_price is not None:
        return enter(state, account, market, command)
    facing = market.book.asks if (side is BUY) is (outcome is YES) else market.book.bids
    wanted, worst, cap = quantity, price, None
    if conditions is not None:
        wanted, worst, cap = _rare_bounds(market, command, conditions)
    limit = None if worst is None else facing.sign * own_price(outcome, worst)
    taking = (best := facing.best) is not None and (limit is None or best.key <= limit)
    available = account.available
    if side is BUY:
        locked, refusal = buy_lock(market, available, price, wanted, max_cost, taking=taking)
    else:
        locked, refusal = _shares_to_lock(market, account, outcome, wanted or 0)
    if refusal is None and (taking or time_in_force is FOK or cap is not None):
        refusal = liquidity_refusal(state, market, command, facing, limit, cap, available)
    rests = time_in_force is GTC or time_in_force is GTD
    full = rests and len(account.orders) >= OPEN_ORDERS_PER_ACCOUNT
    if refusal is None and (full or conditions is not None):
        refusal = too_many_refusal() if full else triggered_refusal(state, account_id, conditions)
    if refusal is not None:
        return [refusal]
    resting = rests and not taking
    placed = _OrderPlaced(
        state.next_order_id,
        account_id,
        market_id,
        side,
        outcome,
        kind,
        price,
        quantity,
        time_in_force,
        prevention,
        max_cost,
        client_order_id,
        locked,
        resting,
        conditions,
    )
    events: list[Event] = [placed]
    order = order_transitions.open_order(state, placed, account, market, resting=resting)
    if not resting:
        take(state, account, market, order, limit, events, cap)
    return events


def _rare_bounds(
    market: Market, command: PlaceOrder, conditions: OrderConditions
) -> tuple[int | None, int | None, int | None]:
    """Return what is wanted of the quantity, the worst price, and the cap of a reduce-only order.

    None: there is no such bound.
    """
    worst = conditions.worst_price if command.price is None else command.price
    quantity = command.quantity
    if not conditions.reduce_only:
        return quantity, worst, None
    cap = reducible(market, command.account_id, command.side, command.outcome)
    return None if quantity is None else min(quantity, cap), worst, cap


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

    Of one that is reduce-only, at most `cap` trades. `budget` (money) bounds what a MARKET BUY
    pays; None: its `max_cost`, else all that is there.
    """
    if budget is None and order.price is None and order.side is BUY:
        budget = order.max_cost
        if budget is None:
            budget = account.available
    stop = walk(state, market, order, limit, budget, events, cap)
    traders = {order.account_id: None}
    triggered = False
    for event in events:
        if type(event) is TradeExecuted:
            traders[event.maker_account_id] = None
        elif type(event) is GroupTriggered:
            triggered = True
    tif = order.time_in_force
    if stop is Stop.NO_MORE and (tif is GTC or tif is GTD):
        paired = order.conditions is not None and open_partner(state, order) is not None
        unlocked = 0 if paired else order.locked - resting_reservation(market, order)
        rested = OrderRested(order.id, order.account_id, order.market_id, order.side, unlocked)
        events.append(rested)
        order_transitions.order_rested(state, rested)
        if paired:
            cut_lock(state, market, order, events)
    elif stop is Stop.BUDGET and order.max_cost is not None:
        filled = OrderFilled(order.id, order.account_id, order.market_id)
        events.append(filled)
        order_transitions.order_filled(state, filled)
    elif stop is not Stop.FILLED:
        reason = _CANCEL_REASONS[stop]
        if stop is Stop.NO_MORE and limit is not None and order.price is None:
            facing = market.book.asks if order.is_bid else market.book.bids
            reason = reason if facing.best is None else CancelReason.WORST_PRICE
        end_order(state, account, market, order, reason, events)
    net(state, market, traders, events)
    if triggered:
        net_ended(state, events, market)


def _party_refusal(account: Account | None, market: Market | None) -> CommandRejected:
    if account is None:
        return CommandRejected(Reason.ACCOUNT_NOT_FOUND, "", "the account is not open yet")
    if market is None:
        return CommandRejected(Reason.MARKET_NOT_FOUND, "market", "there is no such market")
    if account.standing is not _ACTIVE:
        return standing_refusal(account)
    return no_group_refusal()


def _shares_to_lock(
    market: Market, account: Account, outcome: Outcome, quantity: int
) -> tuple[int, CommandRejected | None]:
    """Return what a SELL must lock, and the refusal if the account hasn't got it."""
    position = market.positions.get(account.id)
    free = 0 if position is None else position.holding(outcome).free
    if free < quantity:
        message = f"needs {format_quantity(quantity)} free shares, has {format_quantity(free)}"
        return 0, CommandRejected(Reason.INSUFFICIENT_SHARES, "quantity", message)
    return quantity, None


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
    if available < needed:
        message = f"needs {format_money(needed)} available, has {format_money(available)}"
        return 0, CommandRejected(Reason.INSUFFICIENT_BALANCE, "", message)
    return locked, None


def liquidity_refusal(
    state: State,
    market: Market,
    command: PlaceOrder | Order,
    facing: BookSide,
    limit: int | None,
    cap: int | None,
    available: int,
) -> CommandRejected | None:
    """Return why the book refuses an order that would take or has to; None if it doesn't.

    `command` is what is placed, or the order that waited and is triggered now; `available` is the
    cash that it may spend.
    """
    conditions, whole = command.conditions, command.time_in_force is FOK
    if conditions is not None and conditions.post_only:
        return would_cross_refusal()
    if cap is not None:
        refusal = reduce_only_refusal(cap, command.quantity, whole=whole)
        if refusal is not None:
            return refusal
    if whole:
        return _fok_refusal(state, market, command, facing, limit, available)
    if command.price is None and command.side is BUY:
        return _first_unit_refusal(market, command, facing, limit, available)
    return None


def would_cross_refusal() -> CommandRejected:
    """Return the refusal of a post-only order that would trade."""
    message = "would trade at once, which post-only forbids"
    return CommandRejected(Reason.POST_ONLY_WOULD_CROSS, "price", message)


def _fok_refusal(
    state: State,
    market: Market,
    command: PlaceOrder | Order,
    facing: BookSide,
    limit: int | None,
    available: int,
) -> CommandRejected | None:
    """Walk without trading; own orders on the way, and groups that reach a limit, count as
    `matching.walk` would treat them.
    """
    missing = command.quantity or 0
    left = available if command.price is None and command.side is BUY else None
    carry = 0
    fills = DryFills(state)
    for maker in offers(facing, limit):
        if maker.conditions is not None and fills.has_ended(maker):
            continue
        if maker.account_id == command.account_id:
            if command.self_trade_prevention is not _CANCEL_MAKER:
                return CommandRejected(
                    Reason.FOK_NOT_FILLABLE, "quantity", "an own order stands in the way"
                )
            continue
        quantity = wanted = min(missing, maker.remaining)
        if left is not None:
            price = own_price(command.outcome, maker.yes_price)
            quantity = affordable(market, price, carry, left, wanted)
            fee, carry = charge(market.fee_model, market.taker_fee, price, quantity, carry)
            left -= price * quantity + fee
        missing -= quantity
        if missing == 0:
            return None
        maker_ends = maker.conditions is not None and fills.fill(
            maker, quantity, bought=maker.is_bid
        )
        if command.conditions is not None and fills.fill(
            command, quantity, bought=not maker.is_bid
        ):
            message = f"its group reaches a limit when {format_quantity(missing)} are missing"
            return CommandRejected(Reason.FOK_NOT_FILLABLE, "quantity", message)
        if quantity < wanted and not maker_ends:
            message = f"needs more than the {format_money(available)} available"
            return CommandRejected(Reason.INSUFFICIENT_BALANCE, "", message)
    message = f"{format_quantity(missing)} of it can't be filled at once"
    return CommandRejected(Reason.FOK_NOT_FILLABLE, "quantity", message)


def _first_unit_refusal(
    market: Market,
    command: PlaceOrder | Order,
    facing: BookSide,
    limit: int | None,
    available: int,
) -> CommandRejected | None:
    """Refuse a MARKET BUY that can't pay for one unit of the first order it would meet."""
    for maker in offers(facing, limit):
        if maker.account_id == command.account_id:
            if command.self_trade_prevention is not _CANCEL_MAKER:
                return None
            continue
        price = own_price(command.outcome, maker.yes_price)
        budget = available if command.max_cost is None else command.max_cost
        if affordable(market, price, 0, budget, 1):
            return None
        if command.max_cost is None:
            message = f"{format_money(budget)} buys nothing at {format_price(price)}"
            return CommandRejected(Reason.INSUFFICIENT_BALANCE, "", message)
        message = f"buys nothing at {format_price(price)}"
        return CommandRejected(Reason.MAX_COST_TOO_SMALL, "maxCost", message)
    return None
