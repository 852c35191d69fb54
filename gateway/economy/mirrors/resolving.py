"""The job that asks sources how they ended, every minute, and notes what follows (`judging.py`).

Laws: it only notes; the engine's process carries out what was decided (`carrying.py`). A source
that has ended is asked again until its mirror is paid, so that a correction is seen. What fails at
one mirror, or at one venue, is said and left for the next run; a database that is away fails all.
Any run may end anywhere: what is noted is noted once, and the next goes on from there.
"""

import enum
from collections.abc import Callable, Mapping, Sequence
from typing import Final

from gateway.economy.mirrors.figures import MirrorMetrics
from gateway.economy.mirrors.judging import Word, is_over, judge, word_of
from gateway.economy.mirrors.settings import MirrorSettings
from gateway.feeds.intake.catalogue import Catalogue, market_of
from gateway.feeds.intake.prices import ask_again
from gateway.feeds.model import Unrepresentable
from gateway.feeds.venue import Venue, VenueRefused, VenueUnavailable
from gateway.jobs.job import Arguments, Job, every
from gateway.observability.logs import Logger
from persistence.clock import MICROSECONDS, now_us
from persistence.postgres.database import is_absence
from persistence.repositories.economy.mirrors import Mirror, Mirrors
from persistence.repositories.feeds.markets import MarketRow, VenueMarkets
from persistence.repositories.feeds.matches import Matches, MatchStatus

JOB: Final = "mirror-resolutions"
INTERVAL_S: Final = 60
MATCHES_MAX: Final = 20
"""So many markets of the same question are heard."""


class JudgingPoint(enum.StrEnum):
    """Where a process may die: one before and one after what is noted of a mirror."""

    BEFORE_JUDGING = "before-judging"
    AFTER_JUDGING = "after-judging"


class MirrorResolutions:
    """Hears sources out."""

    def __init__(
        self,
        rows: Mirrors,
        markets: VenueMarkets,
        matches: Matches,
        venues: Mapping[str, Venue],
        catalogue: Catalogue,
        settings: MirrorSettings,
        metrics: MirrorMetrics,
        logger: Logger,
        clock: Callable[[], int] = now_us,
    ) -> None:
        self._rows = rows
        self._markets = markets
        self._matches = matches
        self._venues = venues
        self._catalogue = catalogue
        self._delay_us = settings.resolution_delay * MICROSECONDS
        self._metrics = metrics
        self._logger = logger
        self._clock = clock

    def jobs(self) -> tuple[Job, ...]:
        """Return the jobs of this file."""
        return (Job(name=JOB, schedule=every(INTERVAL_S), run=self.run, time_limit_s=120, tries=1),)

    async def run(self, _arguments: Arguments) -> None:
        """Hear all sources whose mirrors wait for their end."""
        waiting = [
            one
            for one in await self._rows.standing()
            if one.market_id is not None and one.disputed is None
        ]
        for platform in sorted({one.platform for one in waiting}):
            mirrors = [one for one in waiting if one.platform == platform]
            ended = [one.external_id for one in mirrors if one.said is not None]
            await self._ask(platform, ended)
            names = [one.external_id for one in mirrors]
            found = {row.external_id: row for row in await self._markets.find_some(platform, names)}
            for mirror in mirrors:
                row = found.get(mirror.external_id)
                if row is not None:
                    await self._hear(mirror, row)
        self._metrics.counted(await self._rows.counts())

    async def _ask(self, platform: str, names: Sequence[str]) -> None:
        """Have the venue say again how these are."""
        venue = self._venues.get(platform)
        if venue is None or not names:
            return
        try:
            await ask_again(venue, names, self._catalogue, self._markets)
        except (VenueUnavailable, VenueRefused, Unrepresentable) as error:
            self._logger.warning("sources aren't reached", platform=platform, reason=str(error))

    async def _hear(self, mirror: Mirror, row: MarketRow) -> None:
        try:
            await self._judge(mirror, row)
        except Exception as error:
            if is_absence(error):
                raise
            # A fault of ours at one mirror is no reason to leave out the others.
            self._logger.exception("a mirror can't be judged", mirror=mirror.id, exc_info=error)

    async def _judge(self, mirror: Mirror, row: MarketRow) -> None:
        source = market_of(row.record, row.venue_at)
        word = word_of(source)
        others = [] if word is None else await self._others(mirror)
        times = self._clock(), self._delay_us
        verdict = judge(mirror, word, row.as_of, others, *times, over=is_over(source))
        if verdict is None:
            return
        self.reached(JudgingPoint.BEFORE_JUDGING)
        is_noted = await self._rows.judge(
            mirror,
            self._clock(),
            verdict.said,
            disputed=verdict.disputed,
            decided=verdict.decided,
        )
        self.reached(JudgingPoint.AFTER_JUDGING)
        if is_noted and verdict.disputed is not None:
            self._logger.warning(
                "a mirror waits for an admin", mirror=mirror.id, reason=verdict.disputed
            )

    async def _others(self, mirror: Mirror) -> list[tuple[str, Word]]:
        """Return what ended markets say that ask the same by an admin's word."""
        pairs, _ = await self._matches.page_of_market(
            mirror.platform, mirror.external_id, MATCHES_MAX, 0, None
        )
        own, said = (mirror.platform, mirror.external_id), []
        for pair in pairs:
            if pair.status is not MatchStatus.CONFIRMED:
                continue
            other = pair.second if pair.first == own else pair.first
            row = await self._markets.find(*other)
            word = None if row is None else word_of(market_of(row.record, row.venue_at))
            if word is not None:
                said.append((":".join(other), word))
        return said

    def reached(self, point: JudgingPoint) -> None:
        """Go on; tests of crashes end the process here."""
