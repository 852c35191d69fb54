"""What becomes of readers to whom something can't be told, by a fault of ours.

Their sockets are closed, so that they come back and read where things stand; other rooms and what
goes on beside them (trading, the heartbeat) don't stop for it.
"""

import logging
from collections.abc import Iterable
from time import monotonic
from typing import Final

from gateway.sockets.rooms import Member

SILENCE_SECONDS: Final = 10.0
"""A fault that comes back with every message is logged once in so long."""
_LOG: Final = logging.getLogger(__name__)


class Untold:
    """Sends readers away, and says why."""

    __slots__ = ("_log_again_at",)

    def __init__(self) -> None:
        self._log_again_at = 0.0

    def send_away(self, members: Iterable[Member], error: Exception) -> None:
        """End the sockets of all who should have had a message that could not be made."""
        for member in members:
            member.send_away()
        now = monotonic()
        if now >= self._log_again_at:
            self._log_again_at = now + SILENCE_SECONDS
            _LOG.error("sockets were sent away, a message could not be made", exc_info=error)
