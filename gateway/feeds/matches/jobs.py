"""Finding matches, hour by hour: what trades on all platforms is compared in a process of its own.

Laws: comparing takes seconds of computing for 20 000 markets, so it never runs on this process's
event loop nor beside it in a thread; the process that does it is begun for a run and ends with it.
What is read and written goes in bounded steps. A run that is begun again does the same once more.
"""

import asyncio
from collections.abc import Callable, Sequence
from typing import Final

from gateway.feeds.intake.catalogue import market_of
from gateway.feeds.known import OURS, MarketRef
from gateway.feeds.matches.compare import find_elsewhere
from gateway.feeds.matches.likeness import Question
from gateway.feeds.matches.settings import MatchSettings
from gateway.jobs.job import Arguments, Job
from gateway.observability.logs import Logger
from persistence.clock import now_us
from persistence.repositories.feeds.markets import MarketRow, VenueMarkets
from persistence.repositories.feeds.matches import Matches, NewMatch

STEP: Final = 250
"""Stored markets that are read and decoded at once."""
_SAYS_NOTHING: Final = frozenset({"yes", "no"})


class MatchFinder:
    """Compares the platforms' markets."""

    def __init__(
        self,
        matches: Matches,
        markets: VenueMarkets,
        platforms: Sequence[str],
        settings: MatchSettings,
        logger: Logger,
        clock: Callable[[], int] = now_us,
    ) -> None:
        self._matches = matches
        self._markets = markets
        self._platforms = platforms
        self._most = settings.markets_max
        self._logger = logger
        self._clock = clock

    def jobs(self) -> tuple[Job, ...]:
        """Return the jobs of this file."""
        return (
            Job(
                name="market-matches",
                schedule="29 * * * *",
                run=self.run,
                time_limit_s=900,
                tries=3,
                first_wait_s=30,
            ),
        )

    async def run(self, _arguments: Arguments) -> None:
        """Make what is found now the candidates."""
        at = self._clock()
        questions = [*await self._ours(), *await self._theirs()]
        found = await find_elsewhere(questions)
        gone = await self._matches.replace(
            [NewMatch(one.first, one.second, one.score) for one in found], at
        )
        self._logger.info("matches", compared=len(questions), found=len(found), gone=gone)

    async def _ours(self) -> list[Question]:
        rows = await self._matches.our_questions(self._most)
        return [
            Question(MarketRef(OURS, str(row.id)), row.question, row.close_time) for row in rows
        ]

    async def _theirs(self) -> list[Question]:
        ids = await self._matches.live_ids(self._platforms, self._most)
        questions: list[Question] = []
        for start in range(0, len(ids), STEP):
            rows = await self._markets.by_ids(ids[start : start + STEP])
            questions += await asyncio.to_thread(_questions, list(rows.values()))
        return questions


def _questions(rows: Sequence[MarketRow]) -> list[Question]:
    """Return what stored markets ask; an outcome that is no plain Yes is part of it."""
    questions = []
    for row in rows:
        market = market_of(row.record, None)
        label = market.outcomes[0]
        says_more = label.casefold() not in _SAYS_NOTHING and label not in market.question
        text = f"{market.question} {label}" if says_more else market.question
        ref = MarketRef(row.platform, row.external_id)
        questions.append(Question(ref, text, market.close_time))
    return questions
