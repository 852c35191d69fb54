"""Whether the book has what an order asks of it, tried without trading: post-only, reduce-only, all
or nothing, and at least one unit for a budget.
"""

from typing import Final

from exchange.messages.commands import PlaceOrder
from exchange.messages.events import CommandRejected
from exchange.messages.reasons import Reason
from exchange.messages.terms import BUY, FOK, SelfTradePrevention
from exchange.messages.units import format_money, format_price, format_quantity
from exchange.model.market import Market
from exchange.model.order_book import BookSide, Order, own_price
from exchange.model.state import State
from exchange.rules.escrow import affordable
from exchange.rules.fees import charge
from exchange.rules.groups.limits import DryFills
from exchange.rules.matching import offers
from exchange.rules.reducing import reduce_only_refusal

_CANCEL_MAKER: Final = SelfTradePrevention.CANCEL_MAKER


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
