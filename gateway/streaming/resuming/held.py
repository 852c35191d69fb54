"""A place in a market's rooms that is kept for a session, while it is told what it missed.

Laws: the place is taken in the step in which its `until` is noted, so whatever is said later waits
in it, books conflated, trades one by one, up to a bound; handing it over puts what waits behind
all that was queued to the session before, and lets the session sit there, in one step. A place that
overflows forgets what waited and says so.
"""

from typing import Final

from gateway.sockets.framing.outbound import Outbound
from gateway.sockets.session import SocketSession

WAITING_MOST: Final = 2_000
"""Messages; books count once a room."""


class HeldPlace:
    """Sits in rooms in a session's stead: a `Member`."""

    __slots__ = ("_session", "is_overflown", "namespace", "outbound")

    def __init__(self, session: SocketSession) -> None:
        self._session = session
        self.namespace = session.namespace
        self.is_overflown = False
        self.outbound = Outbound(_never, WAITING_MOST, self._overflow, _nowhere)
        self.outbound.pause()

    def send_away(self) -> None:
        """End the session's socket: something can't be told to it."""
        self._session.send_away()

    def suspended(self) -> None:
        """End the session's socket: the account of whoever is signed in was suspended."""
        self._session.suspended()

    def hand_over(self) -> None:
        """Queue what waits to the session; who sits in the rooms is theirs to change."""
        target = self._session.outbound
        for entry in self.outbound.take():
            if isinstance(entry, bytes):
                target.push(entry)
            elif not target.flowing:
                target.push_pending(entry)
            elif (frame := entry.frame()) is not None:
                target.push(frame)

    def _overflow(self) -> None:
        self.is_overflown = True
        self.outbound.stop()


def _never(_frame: bytes) -> None:
    """Write nothing: what waits is taken out by hand."""


def _nowhere(_outbound: Outbound) -> None:
    """Flush nothing."""
