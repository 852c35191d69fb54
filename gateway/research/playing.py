"""What a backtest is played on: a tape, a market of ours, markets of another venue.

Laws: whatever it is, it can be played again and again, each time in a world of its own, and says
how much of it is over.
"""

from collections.abc import Callable, Iterator, Sequence
from itertools import takewhile
from typing import Any, Final, NamedTuple, TypeVar

import msgspec

from exchange.messages.terms import FeeModel
from gateway.research.backtest.flow import FlowModel
from gateway.research.backtest.prints import PrintsModel
from gateway.research.backtest.run import Model, Stopped
from gateway.research.tape.events import Ended, Listed, TapeEvent, checked
from gateway.research.tape.files import TapeFile
from gateway.research.tape.journal import JournalTape
from gateway.research.tape.prints import with_books
from gateway.research.tape.snapshots import PastMarket, SnapshotTape
from gateway.research.tape.synthetic import synthetic_tape

SAMPLE: Final = "sample"
"""The tape that is made up."""
_SAMPLE_STEPS: Final = 8_000
_SAMPLE_EVENTS: Final = 10_800
T = TypeVar("T")


class Played(NamedTuple):
    """A tape that can be played again and again."""

    begin: Callable[[], tuple[Model[Any], Iterator[Any]]]
    """Begins anew, with a world of its own."""
    part: Callable[[int], float]
    """How much of it is over after so many events, 0 to 1."""


class Span(NamedTuple):
    """From when until when, microseconds since the epoch, both included; None: all there is."""

    first: int | None = None
    last: int | None = None


def play_tape(
    source: TapeFile | None,
    cash: int,
    span: Span,
    *,
    prints_only: bool = False,
    with_fees: bool = True,
) -> Played:
    """Play a file, or the sample if it is None."""

    def begin() -> tuple[Model[Any], Iterator[Any]]:
        events = checked(sample_tape()) if source is None else source.events()
        if not with_fees:
            events = map(_without_fees, events)
        if prints_only:
            events = with_books(events)
        return PrintsModel(cash), _between(events, span)

    return Played(begin, lambda done: done / _SAMPLE_EVENTS if source is None else source.part())


def play_own(
    journal: JournalTape, name: str, cash: int, span: Span, most: int | None = None
) -> Played:
    """Play a market of ours, by slug or id, among everybody's commands.

    With `most` no more commands are read than that, those before the span among them. Raises
    TapeRefused if there is no such market.
    """
    slug, (first, last) = journal.market(name).slug, span

    def begin() -> tuple[Model[Any], Iterator[Any]]:
        model = FlowModel(cash, only=slug)
        past = _at_most(journal.executions(), most)
        if last is not None:
            past = takewhile(lambda execution: execution.at <= last, past)
        return model, past if first is None else model.lead_up(past, first)

    return Played(begin, lambda _: journal.part())


def play_venue(
    tape: SnapshotTape,
    markets: Sequence[PastMarket],
    cash: int,
    span: Span,
    *,
    with_fees: bool = True,
) -> Played:
    """Play markets of other venues, by what was stored of them."""

    def begin() -> tuple[Model[Any], Iterator[Any]]:
        events = tape.events(markets, span.first, span.last, with_fees=with_fees)
        return PrintsModel(cash), checked(events)

    return Played(begin, lambda _: tape.part())


def sample_tape() -> Iterator[TapeEvent]:
    """Yield the tape that is made up."""
    return synthetic_tape(1, steps=_SAMPLE_STEPS)


def _at_most(past: Iterator[T], most: int | None) -> Iterator[T]:
    for number, one in enumerate(past):
        if most is not None and number >= most:
            raise Stopped(f"{most} commands")
        yield one


def _without_fees(event: TapeEvent) -> TapeEvent:
    if not isinstance(event, Listed):
        return event
    return msgspec.structs.replace(
        event, maker_fee=0, taker_fee=0, fee_model=FeeModel.FLAT, platform="", fee_terms=()
    )


def _between(events: Iterator[TapeEvent], span: Span) -> Iterator[TapeEvent]:
    """Yield the events of a span; what was listed before it, and hadn't ended, is listed where the
    span begins, so that the figures are those of the span.
    """
    first, last = span
    listed: dict[str, Listed] = {}
    for event in events:
        if last is not None and event.at > last:
            return
        if first is None or event.at >= first:
            yield from listed.values()
            listed.clear()
            yield event
        elif isinstance(event, Listed):
            listed[event.market] = msgspec.structs.replace(event, at=first)
        elif isinstance(event, Ended):
            del listed[event.market]
