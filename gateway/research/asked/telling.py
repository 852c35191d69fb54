"""Telling sockets how far backtests are, on a private stream of its own.

    backtest_updated {topic: "backtests", topicEpoch, topicSeq, ...the backtest}

Laws: whoever runs them may be another process, so what is told is read from the table, by every
process that has sockets, of those people alone who have one there. Each change is told that is
still the last one of its backtest when it is looked for; what ended more than `ENDED_US` before it
could be told isn't: `GET /backtests` has all of it.
"""

from collections.abc import Callable, Collection
from typing import Final

from gateway.jobs.looking import look_again
from gateway.jobs.supervisor import CheckIn
from gateway.research.asked.views import BacktestMessage, backtest_view
from gateway.sockets.events import Heard
from gateway.sockets.topics import Topic
from persistence.clock import MICROSECONDS, now_us
from persistence.repositories.research.backtests import Backtests

TOPIC: Final = "backtests"
EVENT: Final = "backtest_updated"
HEARD: Final = (
    Heard(EVENT, (BacktestMessage,), "Its owner: a backtest that began, went on or ended"),
)
INTERVAL_S: Final = 1.0
ENDED_US: Final = 60 * MICROSECONDS
AT_ONCE: Final = 1_000


class BacktestTelling:
    """Tells; one a process with sockets."""

    NAME: Final = "backtests-tell"

    def __init__(
        self,
        rows: Backtests,
        topic: Topic,
        listening: Callable[[], Collection[int]],
        clock: Callable[[], int] = now_us,
    ) -> None:
        """`listening` says who has a socket here."""
        self._rows = rows
        self._topic = topic
        self._listening = listening
        self._clock = clock
        self._begun_at = clock()
        self._told: dict[int, int] = {}
        """The version that was told last, by id, of those that were found at the last look."""

    async def run(self, check_in: CheckIn) -> None:
        """Tell what is new until cancelled; an absent database is waited for."""
        await look_again(self.look, check_in, pause_s=INTERVAL_S)

    async def look(self) -> int:
        """Tell what is new; return how much that was."""
        people = list(self._listening())
        if not people:
            self._told = {}
            return 0
        since = max(self._clock() - ENDED_US, self._begun_at)
        found = await self._rows.latest(people, since, AT_ONCE)
        new = [row for row in found if self._told.get(row.id) != row.version]
        for row in reversed(new):
            self._topic.publish(row.user_id, EVENT, backtest_view(row))
        self._told = {row.id: row.version for row in found}
        return len(new)
