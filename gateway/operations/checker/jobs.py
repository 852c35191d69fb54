"""The job that looks at the exchange, by a process of its own (`proof/online/process.py`).

Laws: what is wrong with the exchange is a finding, which is stored, and no failure of the job; a
look that couldn't be made is one, and the next tick is the next try. The gauges are there from the
first run of a process on, whatever came of it, in the process that runs the job, so whoever alerts
on them takes the greatest over all.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Final

import msgspec
from prometheus_client import CollectorRegistry, Gauge

from gateway.jobs.children import child
from gateway.jobs.job import Arguments, Job, every
from gateway.observability.logs import Logger
from gateway.operations.checker.settings import CheckSettings
from persistence.clock import MICROSECONDS, now_us
from persistence.proof.online.look import LOOK, Looked, Order
from persistence.proof.online.process import COMMAND
from persistence.repositories.checks.findings import Findings

JOB: Final = "check"
CHECKS: Final = (
    "money",
    "balance",
    "locked-cash",
    "locked-shares",
    "open-orders",
    "orders",
    "supply",
    "journal",
    "ledger",
    "trades",
    "ids",
    "settlements",
    "credits",
    "bets",
    "audit",
)
"""What a finding may be of."""
SPAN_MAX_S: Final = 30.0
TIME_LIMIT_S: Final = 300.0
LATE_ROUNDS: Final = 2
"""A course whose last round is over for so many rounds' time is late."""


class CheckFailed(Exception):
    """It couldn't be looked at the exchange."""


class Checker:
    """The job, and its gauges."""

    def __init__(
        self,
        url: Callable[[], str],
        findings: Findings,
        registry: CollectorRegistry,
        logger: Logger,
        settings: CheckSettings,
        *,
        folder: Path | None,
        clock: Callable[[], int] = now_us,
    ) -> None:
        """`url` passes any pooler; `folder` holds parts of the journal; `clock` is for tests."""
        self._url = url
        self._findings = findings
        self._registry = registry
        self._logger = logger
        self._settings = settings
        self._folder = folder
        self._clock = clock
        self._gauges: tuple[Gauge, Gauge, Gauge, Gauge] | None = None

    def jobs(self) -> tuple[Job, ...]:
        """Return the job."""
        return (
            Job(
                name=JOB,
                schedule=every(self._settings.interval),
                run=self.run,
                time_limit_s=TIME_LIMIT_S,
                tries=1,  # the next tick is the next try
            ),
        )

    async def run(self, _arguments: Arguments) -> None:
        """Look once; raises CheckFailed."""
        try:
            looked = await self._look()
        except CheckFailed:
            # Where no look was ever through, who alerts on the gauges hears of just that.
            await self._show()
            raise
        if looked is not None and looked.found:
            self._logger.error(
                "the exchange isn't as it must be: see GET /api/v1/admin/findings",
                seq=looked.seq,
                found=looked.found,
                new=looked.new,
            )
        await self._show()

    async def _look(self) -> Looked | None:
        order = Order(
            self._url(),
            None if self._folder is None else str(self._folder),
            self._settings.round,
            min(SPAN_MAX_S, self._settings.interval / 2),
        )
        # Wherever it is ended, the next look goes on.
        async with child(COMMAND, order) as process:
            line = await process.line()
            code, reason = await process.end()
        if code != 0:
            raise CheckFailed(reason or f"the look ended with code {code}")
        return msgspec.json.decode(line, type=Looked) if line else None

    async def _show(self) -> None:
        if self._gauges is None:
            self._gauges = self._make_gauges()
        counts, courses = await self._findings.counts(), await self._findings.courses()
        found, looked_at, seq, late = self._gauges
        for name in CHECKS:
            found.labels(name).set(counts.get(name, 0))
        now, over = self._clock(), LATE_ROUNDS * self._settings.round * MICROSECONDS
        behind = 0
        for course in courses:
            if course.name == LOOK:
                looked_at.set(course.ended_at / MICROSECONDS)
                seq.set(course.reached)
            elif now - (course.ended_at or course.began_at) > over:
                behind += 1
        late.set(behind)

    def _make_gauges(self) -> tuple[Gauge, Gauge, Gauge, Gauge]:
        registry = self._registry
        return (
            Gauge(
                "invariant_findings",
                "Things that aren't as they must be and that nobody has acknowledged, by check.",
                ("check",),
                registry=registry,
            ),
            Gauge(
                "invariant_check_timestamp_seconds",
                "When the checker was through with a look last.",
                registry=registry,
            ),
            Gauge(
                "invariant_check_seq",
                "The last command that the checker's last look saw.",
                registry=registry,
            ),
            Gauge(
                "invariant_check_late_courses",
                "Parts of the exchange that weren't looked at whole for two CHECK_ROUNDs.",
                registry=registry,
            ),
        )
