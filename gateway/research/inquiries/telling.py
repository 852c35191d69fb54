"""Telling sockets how their questions stand: on a private stream of its own.

    research_updated {topic: "research", topicEpoch, topicSeq, ...the question without its answer}

Laws: whoever takes a question through may be another process, so what is told is read from the
table, by every process that has sockets: what was changed lately, each state of it once. A state
that another one followed within a look may be skipped; the last one never is.
"""

from collections.abc import Callable
from typing import Final

from gateway.jobs.looking import look_again
from gateway.jobs.supervisor import CheckIn
from gateway.research.inquiries.views import ResearchMessage, research_view
from gateway.sockets.events import Heard
from gateway.sockets.topics import Topic
from persistence.clock import MICROSECONDS, now_us
from persistence.repositories.research.inquiries import Inquiries, InquiryLine

TOPIC: Final = "research"
EVENT: Final = "research_updated"
HEARD: Final = (Heard(EVENT, (ResearchMessage,), "Its owner: how a question stands now"),)
INTERVAL_S: Final = 1.0
LATE_S: Final = 30
"""A change may be seen so late: its transaction took so long."""
AT_ONCE: Final = 1_000


class ResearchTelling:
    """Tells; one a process with sockets."""

    NAME: Final = "research-tell"

    def __init__(self, rows: Inquiries, topic: Topic, clock: Callable[[], int] = now_us) -> None:
        self._rows = rows
        self._topic = topic
        self._clock = clock
        self._since = clock()
        """Nothing is told from before the process began."""
        self._told: dict[int, tuple[int, int]] = {}

    async def run(self, check_in: CheckIn) -> None:
        """Tell what is new until cancelled; an absent database is waited for."""
        await look_again(self.look, check_in, pause_s=INTERVAL_S)

    async def look(self) -> int:
        """Tell what is new; return how much that was.

        What was changed lately may be more than is read at once: it is read to its end each time,
        for what comes late lies anywhere in it.
        """
        new, after = 0, (self._since, 0)
        while True:
            found = await self._rows.changed(after, AT_ONCE)
            new += sum(map(self._tell, found))
            if found:
                after = found[-1].changed_at, found[-1].id
            if len(found) < AT_ONCE:
                break
        if after[0] > self._since:
            late = LATE_S * MICROSECONDS
            self._since = max(self._since, min(after[0], self._clock() - late))
            self._told = {
                number: told for number, told in self._told.items() if told[1] >= self._since
            }
        return new

    def _tell(self, line: InquiryLine) -> bool:
        """Tell how a question stands; say whether that is news."""
        if self._told.get(line.id, (0, 0))[0] >= line.version:
            return False
        self._told[line.id] = (line.version, line.changed_at)
        self._topic.publish(line.user_id, EVENT, research_view(line, None))
        return True
