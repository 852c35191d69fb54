"""Which venues are asked, how often, and how much of it is kept."""

from typing import Annotated, ClassVar

from gateway.jobs.job import is_schedule
from gateway.settings.reader import Area, setting
from gateway.settings.values import duration, listed, optional, whole

NONE: str = "none"


def platforms(value: str) -> tuple[str, ...]:
    """Return the platforms of e.g. "polymarket,kalshi"; none for "none"."""
    found = listed(value)
    if NONE in found and len(found) > 1:
        raise ValueError('"none" stands alone')
    if len({*found}) < len(found):
        raise ValueError("names a venue twice")
    return () if found == (NONE,) else found


def schedule(value: str) -> str:
    """Return a schedule in cron's fields."""
    if not is_schedule(value):
        raise ValueError('must be a schedule in cron\'s fields, such as "*/5 * * * *"')
    return value


def dividing_seconds(value: str) -> int:
    """Return seconds that divide a minute, so that ticks come evenly."""
    number = whole(1, 60)(value)
    if 60 % number:
        raise ValueError("must divide 60, such as 5, 10 or 30")
    return number


class FeedSettings(Area, frozen=True, kw_only=True):
    """The feed of other venues' markets."""

    TITLE: ClassVar[str] = "Markets of other venues"

    platforms: Annotated[
        tuple[str, ...] | None,
        setting(
            "FEED_PLATFORMS",
            "",
            optional(platforms),
            "Venues, comma-separated; none: none; sample: the local one. Unset: all real ones.",
        ),
    ]
    ingest_schedule: Annotated[
        str,
        setting("MARKET_INGEST_CRON", "*/5 * * * *", schedule, "When venues' lists are read; UTC."),
    ]
    ingest_limit: Annotated[
        int,
        setting(
            "MARKET_INGEST_LIMIT", "20000", whole(1, 1_000_000), "Markets of a venue in a pass."
        ),
    ]
    price_seconds: Annotated[
        int,
        setting(
            "MARKET_PRICE_INTERVAL_SECONDS",
            "30",
            dividing_seconds,
            "How often active markets are asked for; divides 60.",
        ),
    ]
    price_markets: Annotated[
        int,
        setting("FEED_PRICE_MARKETS", "500", whole(1, 10_000), "How many of each venue."),
    ]
    resolution_seconds: Annotated[
        int,
        setting(
            "MARKET_RESOLUTION_INTERVAL_SECONDS",
            "60",
            dividing_seconds,
            "How often ends of markets are looked for; divides 60.",
        ),
    ]
    snapshot_seconds: Annotated[
        int,
        setting(
            "KALSHI_POLL_INTERVAL_SECONDS",
            "5",
            dividing_seconds,
            "How often snapshots are taken, of all venues; divides 60.",
        ),
    ]
    snapshot_markets: Annotated[
        int,
        setting(
            "FEED_SNAPSHOT_MARKETS", "200", whole(1, 5_000), "Of how many markets, watched first."
        ),
    ]
    followed_markets: Annotated[
        int,
        setting(
            "FEED_FOLLOWED_MARKETS",
            "200",
            whole(1, 450),
            "How many a process follows at once for sockets and watchlists.",
        ),
    ]
    followed_per_user: Annotated[
        int,
        setting(
            "FEED_FOLLOWED_PER_USER",
            "50",
            whole(1, 450),
            "How many of them one user may read at once, over all sockets.",
        ),
    ]
    followed_per_address: Annotated[
        int,
        setting(
            "FEED_FOLLOWED_PER_ADDRESS",
            "100",
            whole(1, 450),
            "How many may be read at once from one address, signed in or not.",
        ),
    ]
    followed_watchlists: Annotated[
        int,
        setting(
            "FEED_FOLLOWED_WATCHLISTS",
            "50",
            whole(0, 450),
            "How many of those on watchlists, the most watched, are followed unread.",
        ),
    ]
    stream_interval_ms: Annotated[
        int,
        setting(
            "FEED_STREAM_INTERVAL_MS",
            "100",
            whole(10, 10_000),
            "A followed market's readers hear of it at most so often.",
        ),
    ]
    snapshots_back: Annotated[
        int,
        setting(
            "SNAPSHOTS_BACK",
            "30d",
            duration,
            "How far a market's past is asked for when it is watched first.",
        ),
    ]
    snapshots_kept: Annotated[
        int,
        setting("SNAPSHOTS_KEPT", "60d", duration, "How long snapshots stay, in whole months."),
    ]
    candles_kept: Annotated[
        int,
        setting(
            "MINUTE_CANDLES_KEPT",
            "180d",
            duration,
            "How long candles of a minute stay.",
        ),
    ]
    hour_candles_kept: Annotated[
        int,
        setting(
            "HOUR_CANDLES_KEPT",
            "400d",
            duration,
            "How long candles of an hour stay; those of a day stay as long as their market.",
        ),
    ]
    ended_kept: Annotated[
        int,
        setting(
            "VENUE_MARKETS_KEPT",
            "90d",
            duration,
            "How long an ended market of a venue stays that concerns nobody here.",
        ),
    ]
    missing_after: Annotated[
        int,
        setting(
            "VENUE_MARKETS_MISSING",
            "3d",
            duration,
            "A market that its venue hasn't shown for so long counts as deleted there.",
        ),
    ]
