"""How often the exchange is looked at, and how often it is proved what it owes."""

from typing import Annotated, ClassVar

from gateway.settings.reader import Area, setting
from gateway.settings.values import duration, interval, switch


class CheckSettings(Area, frozen=True, kw_only=True):
    """The checker, and proofs of what is owed to whom."""

    TITLE: ClassVar[str] = "On-line checks and proofs (docs/operations/checks.md)"

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
    proof_interval: Annotated[
        int,
        setting("PROOF_INTERVAL", "1h", interval, "How often a proof of what is owed is made."),
    ]
    proof_kept: Annotated[
        int, setting("PROOF_KEPT", "7d", duration, "How long proofs stay; the newest always does.")
    ]
