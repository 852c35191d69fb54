"""Shows how old the last backup and the last proof of the exchange are, and what room is left.

Laws: only looks; the gauges are there from the first run of a process on, in the process that runs
the job, so whoever alerts on them takes the greatest over all. A backup that somebody else makes
(pgBackRest, a provider) is nothing we know of: its own figures have to be watched instead.
"""

import asyncio
import shutil
from pathlib import Path

from prometheus_client import CollectorRegistry, Gauge

from gateway.jobs.job import Arguments, Job
from persistence.backups.noted import noted
from persistence.clock import MICROSECONDS
from persistence.postgres.database import Fetching


class Safekeeping:
    """The job, and its gauges."""

    def __init__(self, source: Fetching, registry: CollectorRegistry, *, data_dir: Path) -> None:
        self._source = source
        self._registry = registry
        self._data_dir = data_dir
        self._gauges: tuple[Gauge, Gauge, Gauge, Gauge, Gauge] | None = None

    def jobs(self) -> tuple[Job, ...]:
        """Return the job."""
        return (
            Job(
                name="safekeeping",
                schedule="* * * * *",
                run=self.run,
                time_limit_s=30,
                tries=1,  # the next tick is the next try
            ),
        )

    async def run(self, _arguments: Arguments) -> None:
        """Look, and set the gauges."""
        found = await noted(self._source)
        room = await asyncio.to_thread(shutil.disk_usage, self._data_dir)
        if self._gauges is None:
            self._gauges = self._make_gauges()
        backup, verified, wrong, free, size = self._gauges
        backup.set(found.backup_at / MICROSECONDS)
        verified.set(found.verified_at / MICROSECONDS)
        wrong.set(found.is_wrong)
        free.set(room.free)
        size.set(room.total)

    def _make_gauges(self) -> tuple[Gauge, Gauge, Gauge, Gauge, Gauge]:
        registry = self._registry
        return (
            Gauge(
                "backup_last_success_timestamp_seconds",
                "When `probity backup` made one last; 0: never.",
                registry=registry,
            ),
            Gauge(
                "verification_last_success_timestamp_seconds",
                "When `probity verify --note` found everything right last; 0: never.",
                registry=registry,
            ),
            Gauge(
                "verification_failed",
                "1 while the last `probity verify --note` found something wrong.",
                registry=registry,
            ),
            Gauge("data_folder_free_bytes", "Room left on DATA_DIR's disk.", registry=registry),
            Gauge("data_folder_disk_bytes", "Size of DATA_DIR's disk.", registry=registry),
        )
