"""What an open order keeps locked, and how much an incoming one may spend (RULEBOOK 5).

A BUY LIMIT reserves limit x remaining + the fee of the remainder at the limit price; the fee at
the higher of the market's two rates while the order takes, at the maker rate once it rests.  A
SELL locks its shares.  A MARKET BUY reserves nothing: it ends within its command, and each fill is
paid from available cash.
"""

from exchange.messages.terms import BUY
from exchange.model.market import Market
from exchange.model.order_book import Order
from exchange.rules.fees import charge


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
