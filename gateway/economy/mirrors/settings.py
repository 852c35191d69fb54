"""How other venues' markets are mirrored here, and how much the house may have at stake."""

from typing import Annotated, ClassVar

from exchange.messages.errors import MalformedNumber
from exchange.messages.units import parse_price, parse_quantity
from gateway.settings.reader import Area, setting
from gateway.settings.values import duration, money, switch, whole


def price(value: str) -> int:
    """Return price units, e.g. of "0.01"."""
    try:
        return parse_price(value)
    except MalformedNumber as error:
        raise ValueError(str(error)) from None


def shares(value: str) -> int:
    """Return hundredths of a share, e.g. of "500"."""
    try:
        return parse_quantity(value)
    except MalformedNumber as error:
        raise ValueError(str(error)) from None


def stale_after(value: str) -> int:
    """Return seconds in which a quote can be taken out before it is stale."""
    seconds = duration(value)
    if seconds < 15:  # noqa: PLR2004 - the house needs half of it
        raise ValueError("must be at least 15s")
    return seconds


class MirrorSettings(Area, frozen=True, kw_only=True):
    """What a mirror is made with; an admin may give each its own terms."""

    TITLE: ClassVar[str] = "Mirror markets and the house"

    on_bet: Annotated[
        bool,
        setting("MIRROR_ON_BET", "on", switch, "Mirror another venue's market at its first bet."),
    ]
    most: Annotated[
        int,
        setting(
            "MIRRORS_MAX",
            "500",
            whole(0, 5_000),
            "Mirrors that wait for their end, at most; no more than FEED_FOLLOWED_MARKETS.",
        ),
    ]
    per_person: Annotated[
        int,
        setting(
            "MIRRORS_PER_PERSON",
            "20",
            whole(1, 5_000),
            "So many a day are made by one person's first bets.",
        ),
    ]
    resolution_delay: Annotated[
        int,
        setting(
            "MIRROR_RESOLUTION_DELAY",
            "10m",
            duration,
            "So long a source's end stands unchanged before its mirror is paid.",
        ),
    ]
    spread: Annotated[
        int,
        setting("MIRROR_SPREAD", "0.01", price, "The house stands so far off its source's best."),
    ]
    size: Annotated[int, setting("MIRROR_SIZE", "500", shares, "Shares of a quote.")]
    exposure: Annotated[
        int,
        setting("MIRROR_EXPOSURE", "2000", money, "Credits the house may have at stake in one."),
    ]
    exposure_of_all: Annotated[
        int,
        setting("HOUSE_EXPOSURE", "100000", money, "Credits it may have at stake in all of them."),
    ]
    stale: Annotated[
        int,
        setting(
            "MIRROR_STALE", "30s", stale_after, "No quote stands on a price that is so old; 15s up."
        ),
    ]
    stops_before: Annotated[
        int,
        setting(
            "MIRROR_STOPS_BEFORE_END", "10m", duration, "The house quotes no longer from then on."
        ),
    ]
