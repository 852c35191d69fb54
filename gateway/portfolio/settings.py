"""How much of what one only notes down a person may have: watchlists, portfolios, positions."""

from typing import Annotated, ClassVar, Final

from gateway.settings.reader import Area, setting
from gateway.settings.values import duration, whole

PORTFOLIOS_EVER: Final = 1_000
"""Nobody has more, whatever PORTFOLIOS_MAX says."""


class PortfolioSettings(Area, frozen=True, kw_only=True):
    """Bounds of what one person has, all of it together."""

    TITLE: ClassVar[str] = "Watchlists and portfolios"

    watchlists_max: Annotated[
        int, setting("WATCHLISTS_MAX", "50", whole(1, 1_000), "Watchlists of one person.")
    ]
    watchlist_items_max: Annotated[
        int,
        setting(
            "WATCHLIST_ITEMS_MAX",
            "500",
            whole(1, 10_000),
            "Markets on all watchlists of one person together.",
        ),
    ]
    portfolios_max: Annotated[
        int,
        setting(
            "PORTFOLIOS_MAX",
            "20",
            whole(1, PORTFOLIOS_EVER),
            "Portfolios of one person, beside our own.",
        ),
    ]
    positions_max: Annotated[
        int,
        setting(
            "PORTFOLIO_POSITIONS_MAX",
            "1000",
            whole(1, 10_000),
            "Positions in all portfolios of one person together, closed ones too.",
        ),
    ]
    history_kept: Annotated[
        int,
        setting(
            "PORTFOLIO_HISTORY_KEPT",
            "1100d",
            duration,
            "How long a portfolio's value of each day is kept.",
        ),
    ]
