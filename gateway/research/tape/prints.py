"""A tape of prints alone gets a book: what was last bought shows the ask, what was last sold the
bid.

Laws: it says nothing that wasn't known then. A print without a side is a buyer's if it lies above
the one before, a seller's if below, else what that one was (the tick rule: Lee and Ready,
"Inferring Trade Direction from Intraday Data", Journal of Finance 46, 1991).
"""

from collections.abc import Iterable, Iterator

import msgspec

from exchange.messages.bounds import PRICE_MAX, PRICE_MIN
from exchange.messages.terms import Side
from gateway.research.strategy import Level
from gateway.research.tape.events import Ended, Listed, Printed, Seen, TapeEvent


class _Last(msgspec.Struct):
    """What prints have shown of a market."""

    tick: int
    price: int | None = None
    side: Side = Side.BUY
    bid: Level | None = None
    ask: Level | None = None


def with_books(tape: Iterable[TapeEvent]) -> Iterator[TapeEvent]:
    """Yield a tape with what each print shows of the book behind it; books that are in it stay."""
    known: dict[str, _Last] = {}
    for event in tape:
        match event:
            case Listed():
                known[event.market] = _Last(event.tick)
                yield event
            case Printed():
                last = known[event.market]
                side = _side(event, last)
                yield event if event.side is side else msgspec.structs.replace(event, side=side)
                yield _shown(event, side, last)
            case Ended():
                del known[event.market]
                yield event
            case Seen():
                yield event


def _side(event: Printed, last: _Last) -> Side:
    if event.side is not None:
        return event.side
    if last.price is None or event.price == last.price:
        return last.side
    return Side.BUY if event.price > last.price else Side.SELL


def _shown(event: Printed, side: Side, last: _Last) -> Seen:
    """Return the book after a print; the other side makes way where the two would cross."""
    last.price, last.side = event.price, side
    here = Level(event.price, event.quantity)
    if side is Side.BUY:
        last.ask = here
        if last.bid is not None and last.bid.price >= event.price:
            last.bid = _next(last.bid, event.price - last.tick)
    else:
        last.bid = here
        if last.ask is not None and last.ask.price <= event.price:
            last.ask = _next(last.ask, event.price + last.tick)
    return Seen(
        event.at,
        event.market,
        () if last.bid is None else (last.bid,),
        () if last.ask is None else (last.ask,),
    )


def _next(level: Level, price: int) -> Level | None:
    return Level(price, level.quantity) if PRICE_MIN <= price <= PRICE_MAX else None
