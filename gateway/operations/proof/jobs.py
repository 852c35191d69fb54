"""The job that makes a proof, by a process of its own (`proof/solvency/process.py`).

Laws: it gives way to everybody; a proof whose sums don't agree isn't made, which fails the run and
is told by the job's failures; old ones go in bounded steps, the newest never does.
"""

from collections.abc import Callable
from typing import Final

import msgspec
from prometheus_client import CollectorRegistry, Gauge

from gateway.jobs.children import child
from gateway.jobs.job import Arguments, Job, every
from gateway.observability.logs import Logger
from gateway.operations.checker.settings import CheckSettings
from persistence.clock import MICROSECONDS, now_us
from persistence.proof.solvency.process import COMMAND
from persistence.repositories.checks.proofs import Proofs

JOB: Final = "proof"
TIME_LIMIT_S: Final = 600.0
PRUNED_AT_ONCE: Final = 20
"""More than one is made; a run that has more to do leaves it to the next one."""


class ProofFailed(Exception):
    """No proof could be made."""


class ProofMaker:
    """The job, and when it made one last."""

    def __init__(
        self,
        url: Callable[[], str],
        proofs: Proofs,
        registry: CollectorRegistry,
        logger: Logger,
        settings: CheckSettings,
    ) -> None:
        """`url` passes any pooler."""
        self._url = url
        self._proofs = proofs
        self._registry = registry
        self._logger = logger
        self._settings = settings
        self._made_at: Gauge | None = None

    def jobs(self) -> tuple[Job, ...]:
        """Return the job."""
        return (
            Job(
                name=JOB,
                # Not with everything else on the hour, nor with the lists of all venues.
                schedule=every(self._settings.proof_interval, minute=37),
                run=self.run,
                time_limit_s=TIME_LIMIT_S,
                tries=1,  # the next tick is the next try
            ),
        )

    async def run(self, _arguments: Arguments) -> None:
        """Make one, and throw old ones away; raises ProofFailed."""
        number = await self._make()
        before = now_us() - self._settings.proof_kept * MICROSECONDS
        await self._proofs.prune(before, PRUNED_AT_ONCE)
        if number is None:
            return
        if self._made_at is None:
            self._made_at = Gauge(
                "proof_last_success_timestamp_seconds",
                "When a proof of what is owed was made last.",
                registry=self._registry,
            )
        self._made_at.set(now_us() / MICROSECONDS)
        self._logger.info("a proof was made", proof=number)

    async def _make(self) -> int | None:
        async with child(COMMAND, self._url()) as process:
            line = await process.line()
            code, reason = await process.end()
        if code != 0:
            raise ProofFailed(reason or f"it ended with code {code}")
        return msgspec.json.decode(line, type=int) if line else None
