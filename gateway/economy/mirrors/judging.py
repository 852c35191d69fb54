"""What follows from what a source says of its end: a pure function.

    nothing said                       wait
    said for the first time            note it; the mirror halts
    the same, seen again after a while decide: the mirror is paid so
    something else, or open again      disputed: the mirror halts, and an admin is asked
    over still, but no longer how      wait for the same, and for a while from then on
    another venue's market of the same question says something else    disputed

"A while" is MIRROR_RESOLUTION_DELAY between the first time and the last sighting of the same: a
source that isn't reached confirms nothing; nor does one that is over and doesn't say how just now,
as where only the part of the venue that knows isn't reached. A scalar's end is SPLIT at what a YES
share is paid there, or YES or NO where that is all or nothing. Times are microseconds since the
epoch.
"""

from collections.abc import Sequence
from typing import Final, NamedTuple

import msgspec

from exchange.messages.bounds import PRICE_SCALE
from exchange.messages.terms import Resolution
from exchange.messages.units import format_price
from gateway.feeds.model import FINAL, ListedStatus, VenueMarket
from persistence.repositories.economy.mirrors import Mirror, Said

_OVER: Final = FINAL | {ListedStatus.CLOSED, ListedStatus.RESOLVING}


class Word(NamedTuple):
    """How a market ended elsewhere, by its venue's word."""

    outcome: Resolution
    payout: int | None
    """Of YES, for SPLIT."""
    at: int | None = None
    """When, if the venue says."""

    @property
    def text(self) -> str:
        """What people are told of it."""
        return told(self.outcome.value, self.payout)


class Verdict(NamedTuple):
    """What is noted of a mirror."""

    said: Said | None
    disputed: str | None = None
    decided: bool = False


def told(outcome: str, payout: int | None) -> str:
    """Return how an end is told, e.g. "SPLIT 0.2500"."""
    return outcome if payout is None else f"{outcome} {format_price(payout)}"


def word_of(source: VenueMarket) -> Word | None:
    """Return how a market ended; None while it hasn't, or while the venue doesn't say how."""
    if source.status is ListedStatus.VOID:
        return Word(Resolution.VOID, None, source.resolved_at)
    if source.status is not ListedStatus.RESOLVED or source.resolution is None:
        return None
    if source.resolution is not Resolution.SPLIT:
        return Word(source.resolution, None, source.resolved_at)
    payout = source.yes_payout
    if payout is None:
        return None
    if payout <= 0:
        return Word(Resolution.NO, None, source.resolved_at)
    if payout >= PRICE_SCALE:
        return Word(Resolution.YES, None, source.resolved_at)
    return Word(Resolution.SPLIT, payout, source.resolved_at)


def is_over(source: VenueMarket) -> bool:
    """Whether a market has ended where it is, though it may not be said how."""
    return source.status in _OVER


def judge(
    mirror: Mirror,
    word: Word | None,
    seen_at: int,
    others: Sequence[tuple[str, Word]],
    now: int,
    delay_us: int,
    *,
    over: bool = False,
) -> Verdict | None:
    """Return what is to be noted of a mirror that nobody disputes; None for nothing new.

    `seen_at` is when its source was seen last, `others` what markets of the same question say, by
    their ids; `over` says that it has ended there, be it without a `word`.
    """
    said = mirror.said
    if word is None:
        if said is None:
            return None
        if over:
            return Verdict(msgspec.structs.replace(said, at=now))
        was = told(said.outcome, said.payout)
        return Verdict(said, f"{mirror.source} had ended {was}, and says so no longer")
    if said is not None and (said.outcome, said.payout) != (word.outcome.value, word.payout):
        was = told(said.outcome, said.payout)
        return Verdict(said, f"{mirror.source} had ended {was}, and says {word.text} now")
    for name, other in others:
        if other[:2] != word[:2]:
            noted = said or _said(word, now, seen_at)
            return Verdict(noted, f"{mirror.source} says {word.text}, {name} says {other.text}")
    if said is None:
        return Verdict(_said(word, now, seen_at))
    if mirror.decided_at is not None or seen_at <= said.confirmed_at:
        return None
    confirmed = msgspec.structs.replace(said, confirmed_at=seen_at)
    return Verdict(confirmed, decided=seen_at - said.at >= delay_us)


def _said(word: Word, now: int, seen_at: int) -> Said:
    return Said(
        outcome=word.outcome.value,
        payout=word.payout,
        at=now,
        source_at=word.at,
        confirmed_at=min(seen_at, now),
    )
