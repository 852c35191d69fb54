"""What an open order keeps locked, and how much an incoming one may spend (RULEBOOK 5).

A BUY LIMIT reserves limit x remaining + the fee of the remainder at the limit price; the fee at
the higher of the market's two rates while the order takes, at the maker rate once it rests.  A
SELL locks its shares.  A MARKET BUY reserves nothing: it ends within its command, and each fill is
paid from available cash.  An order that waits for a price (RULEBOOK 14) locks what it will need
once it is triggered, at the most that it may then cost; but a BUY that is to reduce only locks
nothing, since how much that is will be known only then.
"""

from typing import Final

from exchange.messages.terms import BUY, OrderStatus
from exchange.model.market import Market
from exchange.model.order_book import Order
from exchange.rules.fees import charge

_PENDING: Final = OrderStatus.PENDING


def reservation(market: Market, rate: int, price: int, quantity: int, carry: int) -> int:
    """Return the cash that a BUY needs for `quantity` at `price`, its fee at `rate` included."""
    if rate == 0:
        return price * quantity
    return price * quantity + charge(market.fee_model, rate, price, quantity, carry)[0]


def taking_rate(market: Market) -> int:
    """Return the fee rate that an incoming order reserves at."""
    return max(market.maker_fee, market.taker_fee)


def resting_reservation(market: Market, order: Order) -> int:
    """Return what the order must have locked while it rests: cash for BUY, shares for SELL."""
    if order.side is not BUY or order.price is None:
        return order.remaining
    return reservation(market, market.maker_fee, order.price, order.remaining, order.fee_carry)


def needed(market: Market, order: Order) -> int:
    """Return what an open order must have locked if it stands alone, while it rests, takes or waits
    for a price.  Of a pair (OCO) one order carries what both need.
    """
    if order.side is not BUY or order.resting:
        return resting_reservation(market, order)
    if order.status is _PENDING and order.conditions is not None and order.conditions.reduce_only:
        return 0
    if order.max_cost is not None:
        return order.max_cost if order.status is _PENDING else 0
    if order.price is not None:
        rate = taking_rate(market)
        return reservation(market, rate, order.price, order.remaining, order.fee_carry)
    worst = None if order.conditions is None else order.conditions.worst_price
    if worst is None or order.status is not _PENDING:
        return 0
    return reservation(market, market.taker_fee, worst, order.remaining, 0)


def affordable(market: Market, price: int, carry: int, budget: int, most: int) -> int:
    """Return the largest quantity up to `most` whose cost and taker fee fit into `budget`.

    Cost plus fee grows with the quantity, so the fee-less quotient is an upper bound and a binary
    search below it finds the largest that fits.
    """
    high = min(most, budget // price)
    rate = market.taker_fee
    if high <= 0 or reservation(market, rate, price, high, carry) <= budget:
        return max(high, 0)
    low = 0
    while high - low > 1:
        middle = (low + high) // 2
        if reservation(market, rate, price, middle, carry) <= budget:
            low = middle
        else:
            high = middle
    return low
