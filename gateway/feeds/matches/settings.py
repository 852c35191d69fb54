"""How many markets are compared with one another, and what capital costs meanwhile."""

import re
from decimal import Decimal
from typing import Annotated, ClassVar, Final

from gateway.settings.reader import Area, setting
from gateway.settings.values import whole

_RATE: Final = re.compile(r"(0|1)(\.[0-9]{1,4})?", re.ASCII)


def yearly_rate(value: str) -> Decimal:
    """Return a rate of 0 to 1, e.g. "0.05"."""
    if _RATE.fullmatch(value) is None or Decimal(value) > 1:
        raise ValueError("must be a rate from 0 to 1 with at most 4 decimals, such as 0.05")
    return Decimal(value)


class MatchSettings(Area, frozen=True, kw_only=True):
    """What the comparison of platforms takes."""

    TITLE: ClassVar[str] = "Matches between platforms"

    markets_max: Annotated[
        int,
        setting(
            "MATCH_MARKETS_MAX",
            "20000",
            whole(2, 100_000),
            "Other venues' markets that are compared, the most traded first; as many of ours.",
        ),
    ]
    capital_rate: Annotated[
        Decimal,
        setting(
            "MATCH_CAPITAL_RATE",
            "0.05",
            yearly_rate,
            "What capital costs in a year until both markets of an arbitrage close.",
        ),
    ]
