"""The four kinds of event of a tape: a market is listed, its book is seen, it trades, it ends.

Laws: stamps never run back, and end with the year 9999; a market is listed before anything else of
it; prices are YES prices, 1..9999 and on the market's tick; nothing follows a market's end.
`checked` holds a tape to them.
"""

from collections.abc import Iterable, Iterator
from typing import Final

import msgspec

from exchange.messages.bounds import (
    PRICE_MAX,
    PRICE_MIN,
    PRICE_SCALE,
    QUANTITY_MAX,
    TICK_SIZES,
    TIME_MAX,
)
from exchange.messages.terms import FeeModel, Side
from gateway.research.strategy import Level

LEVELS_MAX: Final = 200
"""Most levels of a side that an event shows."""
MARKETS_MAX: Final = 10_000


class _Event(msgspec.Struct, frozen=True, tag_field="kind", omit_defaults=True, gc=False):
    at: int
    """Microseconds since the epoch."""
    market: str


class Listed(_Event, frozen=True, kw_only=True, tag="listed"):
    """A market begins; rates in 1/10 000, as our markets have them.

    `platform` and `fee_terms` are for a venue's own fees (`gateway/venues`).
    """

    title: str = ""
    closes_at: int = 0
    tick: int = 100
    event: str = ""
    maker_fee: int = 0
    taker_fee: int = 0
    fee_model: FeeModel = FeeModel.FLAT
    platform: str = ""
    fee_terms: tuple[tuple[str, str], ...] = ()


class Seen(_Event, frozen=True, tag="book"):
    """The best levels of a book as they are now, the best first; all that was shown before and
    isn't shown now is gone, or too far away to be shown.
    """

    bids: tuple[Level, ...] = ()
    asks: tuple[Level, ...] = ()


class Printed(_Event, frozen=True, tag="trade"):
    """A trade; `side` is what the taker did to YES, None where nobody says."""

    price: int
    quantity: int
    side: Side | None = None


class Ended(_Event, frozen=True, tag="ended"):
    """A YES share pays `yes_payout` price units (0..10 000), a NO share the complement."""

    yes_payout: int


TapeEvent = Listed | Seen | Printed | Ended


class TapeRefused(ValueError):
    """A tape breaks one of the laws above; the text says which, and at which event."""


class TapeBroken(TapeRefused):
    """What is stored can't be read on; the text is for whoever runs the exchange."""


def checked(tape: Iterable[TapeEvent]) -> Iterator[TapeEvent]:
    """Yield the events of a tape; raises TapeRefused at the first that breaks a law."""
    ticks: dict[str, int] = {}
    ended: set[str] = set()
    now = 0
    for number, event in enumerate(tape, 1):
        problem = _problem(event, now, ticks, ended)
        if problem is not None:
            raise TapeRefused(f"event {number} ({event.market}): {problem}")
        now = event.at
        yield event


def _problem(event: TapeEvent, now: int, ticks: dict[str, int], ended: set[str]) -> str | None:
    if not now <= event.at <= TIME_MAX:
        return f"its time {event.at} lies before {now}, or behind the year 9999"
    if isinstance(event, Listed):
        if event.market in ticks:
            return "it is listed twice"
        if len(ticks) >= MARKETS_MAX:
            return f"there are more than {MARKETS_MAX} markets"
        if event.tick not in TICK_SIZES:
            return f"its tick {event.tick} is none of {', '.join(map(str, TICK_SIZES))}"
        ticks[event.market] = event.tick
        return None
    tick = ticks.get(event.market)
    if tick is None:
        return "it isn't listed"
    if event.market in ended:
        return "it has ended"
    match event:
        case Seen():
            return _book_problem(event, tick)
        case Printed():
            return _level_problem(event.price, event.quantity, tick)
        case Ended():
            ended.add(event.market)
            if not 0 <= event.yes_payout <= PRICE_SCALE:
                return f"yes_payout {event.yes_payout} lies outside 0 to {PRICE_SCALE}"
    return None


def _level_problem(price: int, quantity: int, tick: int) -> str | None:
    if not PRICE_MIN <= price <= PRICE_MAX or price % tick:
        return f"price {price} isn't one of {tick}, {2 * tick} ... {PRICE_SCALE - tick}"
    if not 1 <= quantity <= QUANTITY_MAX:
        return f"quantity {quantity} lies outside 1 to {QUANTITY_MAX}"
    return None


def _book_problem(event: Seen, tick: int) -> str | None:
    for name, levels, sign in (("bids", event.bids, -1), ("asks", event.asks, 1)):
        if len(levels) > LEVELS_MAX:
            return f"{name} has more than {LEVELS_MAX} levels"
        before: int | None = None
        for level in levels:
            problem = _level_problem(level.price, level.quantity, tick)
            if problem is not None:
                return f"{name}: {problem}"
            if before is not None and sign * level.price <= before:
                return f"{name}: the best price comes first, each once"
            before = sign * level.price
    if event.bids and event.asks and event.bids[0].price >= event.asks[0].price:
        return "the best bid isn't below the best ask"
    return None
