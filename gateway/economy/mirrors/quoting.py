"""The house's quotes in one mirror, by the rule: pure functions of what is known.

    bid = the source's best bid - spread, down to our tick
    ask = the source's best ask + spread, up to our tick
    at stake = what the shares held cost + what the standing buy orders have locked

A bid buys YES, or sells the NO that is held; an ask buys NO, or sells the YES that is held: what is
held is sold first, the rest is bought. So a fill never raises what is at stake: what an order had
locked becomes what its shares cost, and a sale or a pair that nets takes cost away. What is at
stake grows by quoting alone, and a quote is cut to what is left of the bounds: of the mirror, of
all mirrors, of the house's cash. Where both sides must buy, each has half, and what it doesn't need
the other has.

No more is quoted than stands at the source, at the house's price or better: whoever moves the best
price there by a share or two moves no more than that here. A size is halved until it fits, so that
a book that breathes doesn't have the house quote anew each time. Nor is more than that traded until
the source's best price moves: nobody takes there what is taken here, so it stands there still.

Prices are of YES in 1/10 000, quantities 1/100 share, money 1/1 000 000.
"""

from collections.abc import Iterable, Iterator
from enum import StrEnum
from typing import Final, NamedTuple

from exchange.messages.bounds import PRICE_SCALE, QUANTITY_MAX
from exchange.messages.terms import BUY, NO, SELL, YES, Outcome, Side
from exchange.model.market import Market
from exchange.model.order_book import Order
from exchange.model.system_accounts import HOUSE

REFILL: Final = 2
"""A quote that was filled is made full again once less than this part of it is left."""


class Idle(StrEnum):
    """Why the house doesn't quote, or quotes one side alone."""

    PAUSED = "PAUSED"
    MARKET_NOT_OPEN = "MARKET_NOT_OPEN"
    NO_SOURCE = "NO_SOURCE"
    STALE = "STALE"
    CROSSED = "CROSSED"
    SOURCE_NOT_OPEN = "SOURCE_NOT_OPEN"
    NEAR_END = "NEAR_END"
    LIMIT = "LIMIT"
    CASH = "CASH"
    DISPUTED = "DISPUTED"
    REFUSED = "REFUSED"


class Quote(NamedTuple):
    """An order that the house wants to stand; `price` is its own outcome's."""

    is_bid: bool
    side: Side
    outcome: Outcome
    price: int
    quantity: int

    @property
    def locks(self) -> int:
        """The money that it puts at stake."""
        return self.price * self.quantity if self.side is BUY else 0


class Held(NamedTuple):
    """What the house has in a market."""

    yes: int
    no: int
    cost: int
    """Of both."""


class Source(NamedTuple):
    """The best prices elsewhere; None where nobody stands."""

    bid: int | None
    ask: int | None
    bids: int = QUANTITY_MAX
    """How much stands there within the house's spread of the best."""
    asks: int = QUANTITY_MAX
    bids_left: int = QUANTITY_MAX
    """How much of that the house hasn't traded yet, since that best price moved."""
    asks_left: int = QUANTITY_MAX


class Rule(NamedTuple):
    """By what a mirror is quoted."""

    spread: int
    size: int
    tick: int
    least: int = 1
    """The smallest order that the market takes."""


def prices(source: Source, rule: Rule) -> tuple[int | None, int | None]:
    """Return the YES prices of the house's (bid, ask); None for a side that has none."""
    bid = ask = None
    if source.bid is not None:
        bid = (source.bid - rule.spread) // rule.tick * rule.tick
    if source.ask is not None:
        ask = -(-(source.ask + rule.spread) // rule.tick) * rule.tick
    if bid is not None and bid < rule.tick:
        bid = None
    if ask is not None and ask > PRICE_SCALE - rule.tick:
        ask = None
    return bid, ask


def quotes(source: Source, rule: Rule, held: Held, left: int) -> tuple[Quote, ...]:
    """Return what should stand; `left` is the money that it may put at stake."""
    bid, ask = prices(source, rule)
    wanted: list[Quote] = []
    if bid is not None:
        size = min(size_within(rule.size, source.bids), source.bids_left)
        wanted += _side(True, bid, PRICE_SCALE - bid, held.no, size)
    if ask is not None:
        size = min(size_within(rule.size, source.asks), source.asks_left)
        wanted += _side(False, PRICE_SCALE - ask, ask, held.yes, size)
    return tuple(one for one in _fitted(wanted, max(left, 0)) if one.quantity >= rule.least)


def size_within(size: int, standing: int) -> int:
    """Return a quote's size: halved, rounded down, until no more than stands at its source."""
    while size > standing:
        size //= 2
    return size


def _side(is_bid: bool, buys_at: int, sells_at: int, held: int, size: int) -> Iterator[Quote]:
    """Yield what sells of what is held, then what buys the rest."""
    bought, sold = (YES, NO) if is_bid else (NO, YES)
    yield Quote(is_bid, SELL, sold, sells_at, min(size, held))
    yield Quote(is_bid, BUY, bought, buys_at, size - min(size, held))


def _fitted(wanted: list[Quote], left: int) -> list[Quote]:
    """Cut what buys to the money that is left."""
    buying = [one for one in wanted if one.side is BUY]
    needs = sum(one.locks for one in buying)
    if needs <= left:
        return wanted
    fitted = []
    for one in wanted:
        if one.side is BUY:
            others = needs - one.locks
            share = left if len(buying) == 1 else max(left // 2, left - others)
            fitted.append(one._replace(quantity=min(one.quantity, share // one.price)))
        else:
            fitted.append(one)
    return fitted


def held_in(market: Market) -> Held:
    """Return what the house has in a market."""
    position = market.positions.get(HOUSE)
    if position is None:
        return Held(0, 0, 0)
    yes, no = position.yes, position.no
    return Held(yes.quantity, no.quantity, yes.cost + no.cost)


def locked_by(orders: Iterable[Order]) -> int:
    """Return the money that orders have at stake."""
    return sum(order.locked for order in orders if order.side is BUY)


def stands_for(order: Order, quote: Quote) -> bool:
    """Say whether an order that stands is as good as the quote: at its price, of no more, and still
    of a good part of it.
    """
    return (
        (order.side, order.outcome, order.price) == (quote.side, quote.outcome, quote.price)
        and order.remaining <= quote.quantity
        and order.remaining * REFILL >= quote.quantity
    )
