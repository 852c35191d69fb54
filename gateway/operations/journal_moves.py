"""Moves what is old of the journal to files, by a process of its own (`segments/process.py`).

Laws: without JOURNAL_KEPT_DAYS nothing moves, and a run only looks; a run that finds another one at
work, or its time over, leaves the rest to the next; what is wrong (a full disk, the wrong folder)
fails the run, is counted as the job's failure, and leaves the journal as it is.
"""

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Final

import msgspec
from prometheus_client import CollectorRegistry, Gauge

from gateway.jobs.children import child
from gateway.jobs.job import Arguments, Job
from gateway.observability.logs import Logger
from persistence.clock import MICROSECONDS
from persistence.journal.segments.process import BUSY, COMMAND, Order
from persistence.journal.segments.segments import Segment
from persistence.repositories.journal_segments import SegmentTotals

RUN_S: Final = 540.0
"""So long a run begins with other segments; the next one goes on."""


class MoveFailed(Exception):
    """The journal couldn't be moved on; nothing is lost."""


class JournalMoves:
    """The job, and the figures of what it has done."""

    def __init__(
        self,
        url: Callable[[], str],
        totals: SegmentTotals,
        registry: CollectorRegistry,
        logger: Logger,
        *,
        folder: Path,
        kept_us: int,
        behind_projector: bool,
    ) -> None:
        """Move to `folder` what is older than `kept_us` (0: nothing); `url` passes any pooler."""
        self._url = url
        self._totals = totals
        self._registry = registry
        self._logger = logger
        self._folder = folder
        self._kept_us = kept_us
        self._behind_projector = behind_projector
        self._gauges: tuple[Gauge, Gauge, Gauge] | None = None

    def jobs(self) -> tuple[Job, ...]:
        """Return the job."""
        return (
            Job(
                name="journal-move",
                schedule="*/10 * * * *",
                run=self.run,
                time_limit_s=900,
                tries=1,  # the next tick is the next try
            ),
        )

    async def run(self, _arguments: Arguments) -> None:
        """Move all that is old enough and fills a file; raises MoveFailed."""
        try:
            if self._kept_us:
                await self._move()
        finally:
            await self._show()

    async def _move(self) -> None:
        order = Order(self._url(), str(self._folder), self._kept_us, self._behind_projector)
        ends_at = asyncio.get_running_loop().time() + RUN_S
        # Wherever it is ended, the next run goes on.
        async with child(COMMAND, order) as process:
            while line := await process.line():
                segment = msgspec.json.decode(line, type=Segment)
                self._logger.info(
                    "journal moved",
                    file=segment.file,
                    bytes=segment.size,
                    last_seq=segment.last_seq,
                )
                if asyncio.get_running_loop().time() > ends_at:
                    return
            code, reason = await process.end()
        if code not in (0, BUSY):
            raise MoveFailed(reason or f"the journal's mover ended with code {code}")

    async def _show(self) -> None:
        """Set the gauges, which are there from the first run of this process on."""
        totals = await self._totals.read()
        if self._gauges is None:
            self._gauges = self._make_gauges()
        segments, size, moved = self._gauges
        segments.set(totals.segments)
        size.set(totals.bytes)
        moved.set(totals.moved_at / MICROSECONDS)

    def _make_gauges(self) -> tuple[Gauge, Gauge, Gauge]:
        registry = self._registry
        return (
            Gauge("journal_segments", "Files with old parts of the journal.", registry=registry),
            Gauge("journal_segment_bytes", "Bytes of all these files.", registry=registry),
            Gauge(
                "journal_last_move_timestamp_seconds",
                "When a part of the journal was moved to a file last; 0: never.",
                registry=registry,
            ),
        )
