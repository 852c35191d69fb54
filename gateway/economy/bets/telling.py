"""Telling sockets what became of bets, on a private stream of its own, once it is stored.

    bet_updated {topic: "bets", topicEpoch, topicSeq, ...the bet}

Laws: told by every process that has sockets, of those people alone who have one there, each change
that is still the last one of its bet when it is looked for; nothing from before the process began:
`GET /bets/me` has all of it. One projector stores in the order of commands, so what has been passed
by stays as it was told, or comes again as a later change.
"""

import asyncio
from collections.abc import Callable, Collection
from typing import Final

from exchange.messages.bounds import STORED_MAX
from exchange.model.state import State
from gateway.economy.bets.views import BetMessage, bet_view
from gateway.jobs.supervisor import CheckIn
from gateway.sockets.events import Heard
from gateway.sockets.topics import Topic
from persistence.postgres.database import is_absence
from persistence.repositories.economy.bets import Bets

TOPIC: Final = "bets"
EVENT: Final = "bet_updated"
HEARD: Final = (
    Heard(EVENT, (BetMessage,), "Its owner: a bet that was placed, sold, closed or paid out"),
)
INTERVAL_S: Final = 0.5
AT_ONCE: Final = 500


class BetTelling:
    """Tells; one a process with sockets."""

    NAME: Final = "bets-tell"

    def __init__(
        self,
        rows: Bets,
        topic: Topic,
        view: State,
        listening: Callable[[], Collection[int]],
        interval_s: float = INTERVAL_S,
    ) -> None:
        """`listening` says who has a socket here."""
        self._rows = rows
        self._topic = topic
        self._view = view
        self._listening = listening
        self._interval_s = interval_s
        self._after: tuple[int, int] | None = None

    async def run(self, check_in: CheckIn) -> None:
        """Tell what is new until cancelled; an absent database is waited for."""
        while True:
            try:
                while await self.look() == AT_ONCE:
                    check_in()
                check_in()
            except Exception as error:
                if not is_absence(error):
                    raise
            await asyncio.sleep(self._interval_s)

    async def look(self) -> int:
        """Tell what is new; return how much that was."""
        reached = await self._rows.projected()
        if self._after is None:
            # The projector may be behind, or be making everything again: that is from before, too.
            self._after = max(reached, self._view.seq), STORED_MAX
        if reached < self._after[0]:
            return 0
        accounts = list(self._listening())
        found = []
        if accounts and (reached, STORED_MAX) > self._after:
            found = await self._rows.changed(self._after, reached, accounts, AT_ONCE)
        for bet in found:
            self._topic.publish(bet.account_id, EVENT, bet_view(bet, self._view))
        last = found[-1].state if len(found) == AT_ONCE else None
        self._after = (reached, STORED_MAX) if last is None else (last.changed_seq, last.number)
        return len(found)
