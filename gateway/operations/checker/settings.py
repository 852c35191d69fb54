"""How often the exchange is looked at."""

from typing import Annotated, ClassVar

from gateway.settings.reader import Area, setting
from gateway.settings.values import duration, interval, switch


class CheckSettings(Area, frozen=True, kw_only=True):
    """The checker."""

    TITLE: ClassVar[str] = "On-line checks (docs/operations/checks.md)"

    interval: Annotated[
        int,
        setting(
            "CHECK_INTERVAL",
            "60s",
            interval,
            "How often the worker adds everything up, and looks at what is new.",
        ),
    ]
    round: Annotated[
        int,
        setting(
            "CHECK_ROUND", "1d", duration, "In which time all that is stored is looked at again."
        ),
    ]
    halts: Annotated[
        bool,
        setting(
            "CHECK_HALTS",
            "on",
            switch,
            "Whether what isn't as it must be halts its market, or the exchange.",
        ),
    ]
