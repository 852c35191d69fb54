"""Where several processes take the same tokens: what one ends, the others notice.

A process remembers the tokens it has verified. That a session was ended or a role changed in
another one is read from the database, once a second and whatever Redis does: PostgreSQL is the
truth of sessions too, and a message that was missed would leave a stolen token alive.
"""

from collections.abc import Callable, Iterable
from typing import Final, Protocol

from gateway.access.principals import Principal
from gateway.jobs.looking import look_again
from gateway.jobs.supervisor import CheckIn

INTERVAL_SECONDS: Final = 1.0


class Rechecks(Protocol):
    """What knows the tokens that were verified; `LiveSessions` in production."""

    async def recheck(self, in_use: Iterable[Principal] = ()) -> None:
        """Notice sessions that ended, and roles that changed, in another process."""


class SessionWatch:
    """Continuous work; it is started again at once if it fails, since tokens live on it."""

    NAME: Final = "session-watch"
    LONGEST_PAUSE_S: Final = 2.0

    def __init__(self, rechecks: Rechecks, in_use: Callable[[], Iterable[Principal]]) -> None:
        """Watch the sessions that are remembered here and those `in_use` by sockets."""
        self._rechecks = rechecks
        self._in_use = in_use

    async def run(self, check_in: CheckIn) -> None:
        """Compare what is remembered with the database until cancelled.

        Each comparison that was made checks in. Raises what a listener raised, after all were told.
        """

        async def look() -> None:
            await self._rechecks.recheck(self._in_use())

        # Unreachable, the database can't tell of any end; nobody new is let in meanwhile.
        await look_again(look, check_in, pause_s=INTERVAL_SECONDS, rests_first=True)
