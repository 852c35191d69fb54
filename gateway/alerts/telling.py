"""Telling sockets what alerts told: on a private stream of its own, soon after it was written.

    alert_triggered {topic: "alerts", topicEpoch, topicSeq, ...the firing}

Laws: whoever looks may be another process, so what is told is read from the table, by every process
that has sockets. A line may be seen late (its transaction ended after that of a later one): what
was told is passed by only when all transactions have ended that may hold an earlier line, however
long they take, and each is told once. Nothing is told twice, nor anything from before the process
began: `GET /alerts/firings` has all of it.
"""

import time
from collections.abc import Callable
from typing import Final

from gateway.alerts.views import FiringMessage, firing_view
from gateway.jobs.looking import look_again
from gateway.jobs.supervisor import CheckIn
from gateway.sockets.events import Heard
from gateway.sockets.topics import Topic
from persistence.repositories.alerts.firings import Firings, Newer

TOPIC: Final = "alerts"
EVENT: Final = "alert_triggered"
HEARD: Final = (Heard(EVENT, (FiringMessage,), "Its owner: an alert that fired"),)
INTERVAL_S: Final = 1.0
NUMBERED_S: Final = 10.0
"""Whoever has an id for a line has a number as a transaction well within that."""
AT_ONCE: Final = 500
REMEMBERED: Final = 10_000
"""Lines that were told and not passed by; beyond that the oldest are, whatever goes on."""


class AlertTelling:
    """Tells; one a process with sockets."""

    NAME: Final = "alerts-tell"

    def __init__(
        self,
        firings: Firings,
        topic: Topic,
        clock: Callable[[], float] = time.monotonic,
        interval_s: float = INTERVAL_S,
    ) -> None:
        self._firings = firings
        self._topic = topic
        self._clock = clock
        self._interval_s = interval_s
        self._after: int | None = None
        self._told: dict[int, _Told] = {}

    async def run(self, check_in: CheckIn) -> None:
        """Tell what is new until cancelled; an absent database is waited for."""
        await look_again(self.look, check_in, pause_s=self._interval_s)

    async def look(self) -> int:
        """Tell what is new; return how much that was."""
        if self._after is None:
            self._after = await self._firings.newest()
        found = await self._firings.newer(self._after, self._told, AT_ONCE)
        now = self._clock()
        for firing in found.lines:
            self._told[firing.id] = _Told(now)
            self._topic.publish(firing.user_id, EVENT, firing_view(firing))
        self._pass_by(found, now)
        return len(found.lines)

    def _pass_by(self, found: Newer, now: float) -> None:
        """Forget what was told before which nothing can come any more."""
        for number in sorted(self._told):
            told = self._told[number]
            if told.until is None and now - told.at >= NUMBERED_S:
                told.until = found.next
            is_passed = told.until is not None and found.over >= told.until
            if not is_passed and len(self._told) <= REMEMBERED:
                break
            self._after = number
            del self._told[number]


class _Told:
    """When a line was told, and the first transaction that can't hold an earlier one."""

    __slots__ = ("at", "until")

    def __init__(self, at: float) -> None:
        self.at = at
        self.until: int | None = None
