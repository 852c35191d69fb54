"""How the demonstration's traders decide: pure functions of what they see and a seeded random.

A *maker* keeps a ladder of quotes around a fair price that wanders slowly about its anchor; what it
holds shifts the ladder, and at its limit one side of it goes away. A *taker* sends small orders
that trade at once, for both outcomes, rather against its own inventory. Prices here are YES prices
and integers; nothing is sent from here.
"""

from collections.abc import Iterable
from random import Random
from typing import Final, NamedTuple

from exchange.messages.bounds import PRICE_SCALE, QUANTITY_SCALE
from exchange.messages.terms import BUY, NO, SELL, YES, Outcome, Side
from exchange.model.order_book import Order

LEVELS: Final = 4
"""Quotes a side that a maker keeps."""
SLACK: Final = 3
"""Levels beyond the ladder where an old quote may stay; it bounds the open orders of a maker."""
INVENTORY_MAX: Final = 2_000 * QUANTITY_SCALE
"""Shares of one outcome at which a maker stops buying it."""
_SKEW_TICKS: Final = 4
"""How far the ladder has moved away at that inventory."""
_FAIR_MIN, _FAIR_MAX = 300, PRICE_SCALE - 300
_WANDER: Final = 30.0
"""Standard deviation of one step of the fair price, in price units."""
_PULL: Final = 100
"""The anchor takes back one such part of the distance in each step."""
_QUOTE_SHARES: Final = (20, 120)
_TAKE_SHARES: Final = (1, 25)
_TAKER_INVENTORY: Final = 300 * QUANTITY_SCALE
_BY_COST: Final = 0.2
_LIMITED: Final = 0.4


class Quote(NamedTuple):
    """A resting order that a maker wants, in YES terms."""

    is_bid: bool
    yes_price: int
    quantity: int


class Holdings(NamedTuple):
    """Free shares of an account in a market, and all of them together as YES less NO."""

    free_yes: int = 0
    free_no: int = 0
    net: int = 0


class Terms(NamedTuple):
    """An order to send: `price` of its own outcome, None for MARKET; `max_cost` for quantity."""

    side: Side
    outcome: Outcome
    price: int | None
    quantity: int | None
    max_cost: int | None = None


class Plan(NamedTuple):
    """What a maker does in one step: first the cancels, then the quotes."""

    cancels: list[int]
    quotes: list[Quote]


def wander(fair: int, anchor: int, rng: Random) -> int:
    """Return the next fair price: a small random step and a pull towards the anchor."""
    moved = fair + round(rng.gauss(0, _WANDER)) + (anchor - fair) // _PULL
    return min(max(moved, _FAIR_MIN), _FAIR_MAX)


def ladder(fair: int, net: int, tick: int, half_spread: int) -> tuple[list[int], list[int]]:
    """Return the YES prices (bids, asks) of a maker's quotes, best first.

    `net` shares move both sides against what is held, and stop the side that would add to it.
    """
    shift = max(-_SKEW_TICKS, min(_SKEW_TICKS, round(_SKEW_TICKS * net / INVENTORY_MAX)))
    middle = fair - shift * tick
    best_bid = (middle - half_spread) // tick * tick
    best_ask = -(-(middle + half_spread) // tick) * tick
    bids = [best_bid - level * tick for level in range(LEVELS)] if net < INVENTORY_MAX else []
    asks = [best_ask + level * tick for level in range(LEVELS)] if net > -INVENTORY_MAX else []
    inside = range(tick, PRICE_SCALE - tick + 1)
    return [price for price in bids if price in inside], [p for p in asks if p in inside]


def make(
    fair: int,
    net: int,
    tick: int,
    half_spread: int,
    open_orders: Iterable[Order],
    rng: Random,
) -> Plan:
    """Return what brings a maker's open orders in a market to its ladder.

    A quote better than the ladder's best is stale, and so is one far behind it; others stay where
    they are and keep their place in the queue.
    """
    bids, asks = ladder(fair, net, tick, half_spread)
    cancels: list[int] = []
    kept: set[tuple[bool, int]] = set()
    for order in open_orders:
        wanted = bids if order.is_bid else asks
        place = (order.is_bid, order.yes_price)
        if not wanted or place in kept or _is_stale(order, wanted, tick):
            cancels.append(order.id)
        else:
            kept.add(place)
    places = [(True, price) for price in bids] + [(False, price) for price in asks]
    quotes = [
        Quote(is_bid, price, rng.randint(*_QUOTE_SHARES) * QUANTITY_SCALE)
        for is_bid, price in places
        if (is_bid, price) not in kept
    ]
    return Plan(cancels, quotes)


def _is_stale(order: Order, wanted: list[int], tick: int) -> bool:
    best, last = wanted[0], wanted[-1]
    if order.is_bid:
        return order.yes_price > best or order.yes_price < last - SLACK * tick
    return order.yes_price < best or order.yes_price > last + SLACK * tick


def quote_terms(quote: Quote, held: Holdings) -> Terms:
    """Return the order of a quote: it sells what is held before it buys the other outcome."""
    price, quantity = quote.yes_price, quote.quantity
    if quote.is_bid:
        if held.free_no >= quantity:
            return Terms(SELL, NO, PRICE_SCALE - price, quantity)
        return Terms(BUY, YES, price, quantity)
    if held.free_yes >= quantity:
        return Terms(SELL, YES, price, quantity)
    return Terms(BUY, NO, PRICE_SCALE - price, quantity)


def take(held: Holdings, best_bid: int | None, best_ask: int | None, rng: Random) -> Terms | None:
    """Return a taker's order, None where there is nothing to trade with.

    `best_bid` and `best_ask` are YES prices. The more of one outcome it holds, the more likely it
    trades towards the other.
    """
    lean = max(-1.0, min(1.0, held.net / _TAKER_INVENTORY))
    wants_yes = rng.random() < (1 - lean) / 2
    facing = best_ask if wants_yes else best_bid
    if facing is None:
        return None
    outcome = YES if wants_yes else NO
    price = facing if wants_yes else PRICE_SCALE - facing
    quantity = rng.randint(*_TAKE_SHARES) * QUANTITY_SCALE
    opposite = held.free_no if wants_yes else held.free_yes
    way = rng.random()
    if opposite >= quantity:
        sold_at = PRICE_SCALE - price if way < _LIMITED else None
        return Terms(SELL, NO if wants_yes else YES, sold_at, quantity)
    if way < _BY_COST:
        return Terms(BUY, outcome, None, None, price * quantity)
    return Terms(BUY, outcome, price if way < _LIMITED else None, quantity)
