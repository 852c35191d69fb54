"""How patient the feed is with venues that don't answer."""

from typing import Annotated, ClassVar, Final

import msgspec

from gateway.feeds.upstream.bounds import Bounds
from gateway.settings.reader import Area, setting
from gateway.settings.values import seconds

_WHOLE_ANSWER: Final = 2.5
"""An answer that keeps coming may take so many times the silence that ends it."""
_LONGEST_PAUSE: Final = 8
"""Pauses double up to so many times the first."""


class UpstreamSettings(Area, frozen=True, kw_only=True):
    """Bounds of time, the same for every venue; the others are in `bounds.py`."""

    TITLE: ClassVar[str] = "Venues that don't answer"

    timeout_seconds: Annotated[
        float,
        setting(
            "FEED_TIMEOUT_SECONDS",
            "10",
            seconds,
            "A venue that says nothing for so long in an answer is given up; it is asked again.",
        ),
    ]
    pause_seconds: Annotated[
        float,
        setting(
            "FEED_PAUSE_SECONDS",
            "15",
            seconds,
            "After 8 failures in a row a venue is left alone for so long; later up to 8 times it.",
        ),
    ]

    def bounds(self, bounds: Bounds | None = None) -> Bounds:
        """Return `bounds` (those of any venue if None) with these times."""
        bounds = bounds or Bounds()
        return msgspec.structs.replace(
            bounds,
            connect_s=min(bounds.connect_s, self.timeout_seconds),
            read_s=self.timeout_seconds,
            whole_s=self.timeout_seconds * _WHOLE_ANSWER,
            open_s=self.pause_seconds,
            open_max_s=self.pause_seconds * _LONGEST_PAUSE,
        )
