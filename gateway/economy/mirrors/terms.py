"""Which market of ours stands for one of another venue, and which can't be mirrored.

Laws: it asks the same question under the same names of its outcomes, closes when its source does,
and takes no fee. Its tick is the source's where we have that one, else the finest; its smallest
order is the smallest there is. Times are microseconds since the epoch.
"""

from typing import Final

from exchange.messages.bounds import (
    CATEGORY_LENGTH,
    DESCRIPTION_LENGTH,
    QUESTION_LENGTH,
    TICK_SIZES,
)
from exchange.messages.commands import CreateMarket
from exchange.messages.terms import FeeModel
from gateway.feeds.model import ListedStatus, VenueMarket
from gateway.markets.outcome_names import LABEL_LENGTH, YES_AND_NO, Labels
from persistence.clock import MICROSECONDS

LEAST_LEFT_US: Final = 3_600 * MICROSECONDS
"""What ends sooner isn't mirrored."""
UNKNOWN_END_US: Final = 365 * 86_400 * MICROSECONDS
"""For so long one is open whose source says no end."""
DEFAULT_TICK: Final = 100


def problem_of(source: VenueMarket, now: int, *, is_stale: bool) -> str | None:
    """Return why a market elsewhere can't be mirrored now; None if it can."""
    if is_stale:
        return "its venue doesn't answer"
    if source.status is not ListedStatus.OPEN:
        return f"it is {source.status.value} at its venue"
    if source.close_time is not None and source.close_time - now < LEAST_LEFT_US:
        return "it ends within an hour at its venue"
    if not _text(source.question, QUESTION_LENGTH):
        return "it asks nothing"
    return None


def market_of_mirror(source: VenueMarket, title: str, now: int) -> CreateMarket:
    """Return the command that lists the market of ours; `title` is what the venue is called.

    Its slug is made of the mirror's id, once there is one.
    """
    ends = now + UNKNOWN_END_US if source.close_time is None else source.close_time
    note = f"Resolves as the market of {title} of which this is a mirror."
    return CreateMarket(
        "",
        _text(source.question, QUESTION_LENGTH),
        _text(f"{note}\n\n{source.description}", DESCRIPTION_LENGTH),
        _text(source.category, CATEGORY_LENGTH),
        ends,
        tick_of(source.tick_size),
        1,
        0,
        0,
        FeeModel.FLAT,
        False,
    )


def labels_of(source: VenueMarket) -> Labels:
    """Return what YES and NO are called there."""
    yes, no = (_text(label, LABEL_LENGTH) for label in source.outcomes)
    return yes or YES_AND_NO[0], no or YES_AND_NO[1]


def tick_of(tick: int | None) -> int:
    """Return our tick for a source's: the same, else the finest; 0.01 where it says none."""
    if tick is None:
        return DEFAULT_TICK
    return tick if tick in TICK_SIZES else min(TICK_SIZES)


def _text(text: str, most: int) -> str:
    return text[:most].strip()
