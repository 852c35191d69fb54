"""The price band of a market (RULEBOOK 16): how far from where it trades an order may reach.

    around   the last trade's price, else the middle of the book, else there is no band
    refused  a BUY above it, a SELL below it; the far side is free, and nothing is priced anew

A LIMIT order is refused for its price. A MARKET order walks as far as the band, as with a worst
price. An order that waits for a price is judged when it is triggered: until then the band is
elsewhere.
"""

from exchange.messages.events import CommandRejected
from exchange.messages.reasons import Reason
from exchange.messages.terms import BUY, YES, Outcome, Side
from exchange.messages.units import format_price
from exchange.model.market import Market
from exchange.model.order_book import own_price


def band_refusal(
    market: Market, side: Side, outcome: Outcome, price: int
) -> CommandRejected | None:
    """Refuse a limit outside the band of its market, if that has one."""
    is_bid = (side is BUY) is (outcome is YES)
    furthest = band_limit(market, is_bid=is_bid)
    yes_price = own_price(outcome, price)
    if furthest is None or (yes_price <= furthest if is_bid else yes_price >= furthest):
        return None
    how = "at most" if side is BUY else "at least"
    bound = format_price(own_price(outcome, furthest))
    message = f"is {format_price(price)}, {how} {bound} is taken here now"
    return CommandRejected(Reason.OUTSIDE_BAND, "price", message)


def narrowed(market: Market, limit: int | None, *, is_bid: bool) -> int | None:
    """Return the key (`matching`) up to which a MARKET order takes: its own, or the band's."""
    furthest = band_limit(market, is_bid=is_bid)
    if furthest is None:
        return limit
    key = furthest if is_bid else -furthest
    return key if limit is None else min(limit, key)


def band_needs_book(market: Market) -> bool:
    """Return whether the band is around the middle of the book, so that both sides count."""
    return (
        market.limits is not None
        and market.limits.price_band is not None
        and market.last_price is None
    )


def band_limit(market: Market, *, is_bid: bool) -> int | None:
    """Return the YES price that a bid may reach up to, or an ask down to; it may lie where no
    price is. None: nothing holds it.
    """
    band = None if market.limits is None else market.limits.price_band
    if band is None:
        return None
    last, bid, ask = market.last_price, market.book.bids.best, market.book.asks.best
    if last is not None:
        return last + band if is_bid else last - band
    if bid is None or ask is None:
        return None
    # The middle may lie half a unit above a price.
    twice = bid.price + ask.price
    return twice // 2 + band if is_bid else (twice + 1) // 2 - band
