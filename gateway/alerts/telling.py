"""Telling sockets what alerts told: on a private stream of its own, soon after it was written.

    alert_triggered {topic: "alerts", topicEpoch, topicSeq, ...the firing}

Laws: whoever looks may be another process, so what is told is read from the table, by every process
that has sockets. A line may be seen late (its transaction ended after that of a later one), so ids
of the last seconds are asked for again, and each is told once. Nothing is told twice, nor anything
from before the process began: `GET /alerts/firings` has all of it.
"""

import asyncio
import time
from collections.abc import Callable
from typing import Final

from gateway.alerts.views import FiringMessage, firing_view
from gateway.jobs.supervisor import CheckIn
from gateway.sockets.events import Heard
from gateway.sockets.topics import Topic
from persistence.postgres.database import is_absence
from persistence.repositories.alerts.firings import Firings

TOPIC: Final = "alerts"
EVENT: Final = "alert_triggered"
HEARD: Final = (Heard(EVENT, (FiringMessage,), "Its owner: an alert that fired"),)
INTERVAL_S: Final = 1.0
LATE_S: Final = 10.0
"""No transaction that writes a line takes longer than that."""
AT_ONCE: Final = 500


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
        self._told: dict[int, float] = {}

    async def run(self, check_in: CheckIn) -> None:
        """Tell what is new until cancelled; an absent database is waited for."""
        while True:
            try:
                await self.look()
                check_in()
            except Exception as error:
                if not is_absence(error):
                    raise
            await asyncio.sleep(self._interval_s)

    async def look(self) -> int:
        """Tell what is new; return how much that was."""
        if self._after is None:
            self._after = await self._firings.newest()
        found = await self._firings.newer(self._after, self._told, AT_ONCE)
        now = self._clock()
        for firing in found:
            self._told[firing.id] = now
            self._topic.publish(firing.user_id, EVENT, firing_view(firing))
        for number in sorted(self._told):
            if now - self._told[number] < LATE_S:
                break
            self._after = number
            del self._told[number]
        return len(found)
