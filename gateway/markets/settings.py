"""Whether, and how, the past of our markets is made readable."""

from typing import Annotated, ClassVar

from gateway.settings.reader import Area, setting
from gateway.settings.values import seconds, switch, whole


class PastSettings(Area, frozen=True, kw_only=True):
    """Candles, what else follows from the journal, and exports."""

    TITLE: ClassVar[str] = "The past of our markets"

    projector: Annotated[
        bool,
        setting(
            "PROJECTOR",
            "on",
            switch,
            "Whether the worker's role runs a process that makes candles of the journal.",
        ),
    ]
    exports_max: Annotated[
        int,
        setting(
            "EXPORTS_MAX", "2", whole(0, 100), "Exports under way at a time; more: 503. 0: none."
        ),
    ]
    export_timeout_seconds: Annotated[
        float, setting("EXPORT_TIMEOUT_SECONDS", "600", seconds, "Longest time of an export.")
    ]
    account_events_kept_days: Annotated[
        int,
        setting(
            "ACCOUNT_EVENTS_KEPT_DAYS",
            "0",
            whole(0, 36_500),
            "So long private messages can be asked for again (GET /user/events); 0: for ever.",
        ),
    ]

    @property
    def account_events_kept_us(self) -> int:
        """Return the same in microseconds."""
        return self.account_events_kept_days * 86_400_000_000
