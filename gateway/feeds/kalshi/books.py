"""Kalshi's books and prints in the one format.

Laws: only bids are published, for YES and for NO; a bid for NO at q is an ask for YES at 1 - q.
The socket may tell the NO side by the price of YES instead. Sides come in any order, so they are
sorted here. A book that is crossed is refused: the venue would have matched it.
"""

from collections.abc import Iterable
from typing import Final

from exchange.messages.bounds import PRICE_SCALE, QUANTITY_MAX
from gateway.feeds.kalshi import numbers
from gateway.feeds.kalshi.answers import BookSides, Level, Side, TradeAnswer
from gateway.feeds.kalshi.markets import ID_LENGTH, PLATFORM, micros
from gateway.feeds.kalshi.numbers import ONE, NumberForms
from gateway.feeds.model import Levels, TakenSide, Unrepresentable, VenueBook, VenueTrade

PRICES_MAX: Final = PRICE_SCALE
"""More levels than there are prices is no side of a book."""
_PER_QUANTITY: Final = ONE // 100
_TAKEN: Final = {"yes": TakenSide.YES, "no": TakenSide.NO}

Ladder = dict[int, int]
"""Price in our units -> contracts in 10^-8, never 0."""


def ladders(
    sides: BookSides, forms: NumberForms, *, is_yes_leg: bool = False
) -> tuple[Ladder, Ladder]:
    """Return what is bid for YES, and what for NO, each by the price of its own leg.

    `is_yes_leg`: the NO side came by the price of YES. Raises Unrepresentable.
    """
    yes = _ladder(sides.yes, sides.yes_dollars_fp or sides.yes_dollars, forms)
    no = _ladder(sides.no, sides.no_dollars_fp or sides.no_dollars, forms, is_turned=is_yes_leg)
    return yes, no


def is_crossed(yes: Ladder, no: Ladder) -> bool:
    """Say whether bids for both legs come to a dollar: they would have been matched."""
    return bool(yes) and bool(no) and max(yes) + max(no) >= PRICE_SCALE


def shown(yes: Ladder, no: Ladder) -> tuple[Levels, Levels]:
    """Return (bids, asks) of YES, best first, quantities cut to 1/100."""
    bids = tuple(
        (price, quantity) for price in sorted(yes, reverse=True) if (quantity := cut(yes[price]))
    )
    asks = tuple(
        (PRICE_SCALE - price, quantity)
        for price in sorted(no, reverse=True)
        if (quantity := cut(no[price]))
    )
    return bids, asks


def cut(count: int) -> int:
    """Return contracts in 10^-8 as a level's quantity: 0 for less than 1/100, bounded."""
    return min(count // _PER_QUANTITY, QUANTITY_MAX)


def level_price(price: int) -> int:
    """Return a bid's price in our units; raises Unrepresentable for one that is no price."""
    units = numbers.bid(price)
    if units is None:
        raise Unrepresentable("price")
    return units


def book(ticker: str, sides: BookSides | None, forms: NumberForms) -> VenueBook:
    """Return a market's book; raises Unrepresentable."""
    yes, no = ladders(sides or BookSides(), forms)
    if is_crossed(yes, no):
        raise Unrepresentable("crossed", ticker)
    bids, asks = shown(yes, no)
    return VenueBook(platform=PLATFORM, external_id=ticker, bids=bids, asks=asks)


def trade(answer: TradeAnswer, forms: NumberForms) -> VenueTrade:
    """Return a print; raises Unrepresentable."""
    ticker = answer.ticker or answer.market_ticker
    if not 0 < len(ticker) <= ID_LENGTH or not 0 < len(answer.trade_id) <= ID_LENGTH:
        raise Unrepresentable("id", answer.trade_id[:40])
    yes = numbers.dollars(answer.yes_price, answer.yes_price_dollars, forms)
    no = numbers.dollars(answer.no_price, answer.no_price_dollars, forms)
    price = numbers.paid(ONE - no if yes is None and no is not None else yes)
    quantity = numbers.quantity(numbers.contracts(answer.count, answer.count_fp, forms))
    if price is None:
        raise Unrepresentable("price")
    if quantity is None:
        raise Unrepresentable("quantity")
    return VenueTrade(
        platform=PLATFORM,
        external_id=ticker,
        trade_id=answer.trade_id,
        yes_price=price,
        quantity=quantity,
        taken=_TAKEN.get(answer.taker_outcome_side or answer.taker_side or ""),
        venue_at=_when(answer),
    )


def _when(answer: TradeAnswer) -> int:
    found = micros(answer.created_time)
    if found is None and answer.ts_ms is not None:
        found = numbers.exact(answer.ts_ms) * 1_000 // ONE
    if found is None and answer.ts is not None:
        found = micros(answer.ts)
    if found is None or found <= 0:
        raise Unrepresentable("time")
    return found


def _ladder(cents: Side, dollars: Side, forms: NumberForms, *, is_turned: bool = False) -> Ladder:
    old = None if cents is None else _levels(cents, ONE // 100, is_turned=is_turned)
    new = None if dollars is None else _levels(dollars, ONE, is_turned=is_turned)
    if old is not None and new is not None:
        for price in old | new:
            forms.note(old.get(price, 0), new.get(price, 0), ONE)
    found = old if new is None else new
    return found or {}


def _levels(side: Iterable[Level], dollar: int, *, is_turned: bool) -> Ladder:
    """Return a side; `dollar` is what its prices' ones are worth, in 10^-8 dollars."""
    found: Ladder = {}
    for number, (price, count) in enumerate(side):
        if price is None or count is None or number >= PRICES_MAX:
            raise Unrepresentable("level")
        contracts = numbers.exact(count)
        if contracts < 0:
            raise Unrepresentable("level")
        if contracts:
            told = numbers.exact(price) * dollar // ONE
            units = level_price(ONE - told if is_turned else told)
            found[units] = found.get(units, 0) + contracts
    return found
