"""The orders that bets and their sales are, and what came of them.

Laws: a bet is a MARKET BUY for at most its amount, fees included, at its worst price or better; a
sale is a MARKET SELL. One with a least that it has to bring is all or nothing, at a price at which
every share brings its part of that: so it is never less, however the book moves meanwhile.
"""

from collections.abc import Sequence
from typing import Final

import msgspec

from exchange.messages.bounds import PRICE_SCALE
from exchange.messages.commands import PlaceOrder
from exchange.messages.conditions import OrderConditions
from exchange.messages.events import Event, OrderCancelled, OrderPlaced, TradeExecuted
from exchange.messages.terms import BUY, FOK, IOC, MARKET, SELL, Outcome
from exchange.model.market import Market
from exchange.rules.fees import charge
from gateway.wire.errors import Refused, ValidationFailed

NO_LIQUIDITY: Final = "NO_LIQUIDITY"
WORST_PRICE: Final = "WORST_PRICE"


class Traded(msgspec.Struct, frozen=True):
    """What an order traded at once: quantity, what that cost or brought, and the fee (money).

    `worst` is the price of the last share, 0 for none; `reason` why it ended before all of it.
    """

    quantity: int
    money: int
    fee: int
    worst: int
    reason: str | None


def traded(events: Sequence[Event]) -> Traded:
    """Return what the order that these events place came to."""
    first = next((event for event in events if isinstance(event, OrderPlaced)), None)
    quantity = money = fee = worst = 0
    reason = None
    for event in events:
        if first is None:
            break
        if isinstance(event, TradeExecuted) and event.taker_order_id == first.order_id:
            quantity += event.quantity
            money += event.price * event.quantity
            fee += event.taker_fee
            worst = event.price
        elif isinstance(event, OrderCancelled) and event.order_id == first.order_id:
            reason = event.reason.name
    return Traded(quantity, money, fee, worst, reason)


def bet_order(
    market: Market,
    account_id: int,
    outcome: Outcome,
    amount: int,
    max_price: int | None,
    system_id: str | None,
) -> PlaceOrder:
    """Return the order of a bet; without an id only to be looked at.

    Raises ValidationFailed for a price below the market's least.
    """
    worst = None
    if max_price is not None:
        # Never more than was said: down to a price that there is.
        worst = max_price // market.tick_size * market.tick_size
        if worst == 0:
            raise ValidationFailed.of("maxPrice", "is below the market's lowest price")
    return PlaceOrder(
        *(account_id, market.id, BUY, outcome, MARKET, None, None, IOC),
        max_cost=amount,
        client_order_id=system_id,
        conditions=_conditions(worst, system_id),
    )


def sale_order(
    market: Market,
    account_id: int,
    outcome: Outcome,
    quantity: int,
    min_proceeds: int | None,
    system_id: str | None,
) -> PlaceOrder:
    """Return the order of a sale; without an id only to be looked at.

    Raises ValidationFailed for more than shares can bring.
    """
    worst, time_in_force = None, IOC
    if min_proceeds is not None:
        worst, time_in_force = least_price(market, quantity, min_proceeds), FOK
    return PlaceOrder(
        *(account_id, market.id, SELL, outcome, MARKET, None, quantity, time_in_force),
        client_order_id=system_id,
        conditions=_conditions(worst, system_id),
    )


def proceeds_at(market: Market, price: int, quantity: int) -> int:
    """Return what so many shares bring at a price, the fee taken off (money)."""
    fee, _ = charge(market.fee_model, market.taker_fee, price, quantity, 0)
    return price * quantity - fee


def least_price(market: Market, quantity: int, min_proceeds: int) -> int:
    """Return the lowest price there is at which so many shares bring `min_proceeds`.

    Raises ValidationFailed if none does.
    """
    low, high = 1, (PRICE_SCALE - 1) // market.tick_size
    if proceeds_at(market, high * market.tick_size, quantity) < min_proceeds:
        raise ValidationFailed.of("minProceeds", "is more than so many shares can bring")
    while low < high:
        middle = (low + high) // 2
        if proceeds_at(market, middle * market.tick_size, quantity) < min_proceeds:
            low = middle + 1
        else:
            high = middle
    return low * market.tick_size


def nothing_traded(reason: str | None) -> Refused:
    """Return the answer for a bet or a sale of which nothing was traded."""
    if reason == NO_LIQUIDITY:
        return Refused("NO_LIQUIDITY", "Nobody trades with it just now; nothing was charged")
    if reason == WORST_PRICE:
        return Refused("WORST_PRICE", "The price is worse than was said; nothing was charged")
    return Refused("NOTHING_TRADED", f"Nothing was traded, by {reason}; nothing was charged")


def _conditions(worst: int | None, system_id: str | None) -> OrderConditions | None:
    if worst is None and system_id is None:
        return None
    return OrderConditions(worst_price=worst, system=system_id is not None)
