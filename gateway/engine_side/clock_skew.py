"""How far this machine's clock is from the database's, which all processes of the exchange share.

Laws: a clock that is off ends nothing: sessions go by the database's, freshness compares no two
machines', and trading goes on. But commands are stamped by the engine's machine, and access tokens
judged by everybody's, so it is said: at the start, when it changes, in `/ready` and as a metric.
"""

import asyncio
from typing import Final

from prometheus_client import Gauge

from gateway.jobs.supervisor import CheckIn
from gateway.observability.logs import Logger
from gateway.observability.metrics import Metrics
from persistence.clock import MICROSECONDS
from persistence.postgres.clocks import compare_clocks
from persistence.postgres.database import Queryable, absence_waited_for

INTERVAL_SECONDS: Final = 30.0
TOLERATED_US: Final = 1_000_000
"""Clocks that are synchronised differ by milliseconds."""


class ClockSkew:
    """Continuous work that measures, and what it found last."""

    NAME: Final = "clock-skew"

    def __init__(self, source: Queryable, metrics: Metrics, logger: Logger) -> None:
        self._source = source
        self._ahead = Gauge(
            "clock_ahead_of_database_seconds",
            "How far this machine's clock is ahead of the database's.",
            registry=metrics.registry,
        )
        self._logger = logger
        self._off_us = 0

    def warnings(self) -> tuple[str, ...]:
        """Return what an operator should know: nothing, or that the clock is off."""
        if not self._off_us:
            return ()
        way = "ahead of" if self._off_us > 0 else "behind"
        off_s = abs(self._off_us) / MICROSECONDS
        return (
            f"This machine's clock is {off_s:.1f} s {way} the database's: synchronise both (NTP)",
        )

    async def measure(self) -> None:
        """Compare the clocks now; nothing is learnt while the database is away."""
        with absence_waited_for():
            ahead_us, error_us = await compare_clocks(self._source)
            self._ahead.set(-ahead_us / MICROSECONDS)
            was_off = bool(self._off_us)
            self._off_us = -ahead_us if abs(ahead_us) > TOLERATED_US + error_us else 0
            if self._off_us and not was_off:
                self._logger.warning("clock skew", warning=self.warnings()[0])
            elif was_off and not self._off_us:
                self._logger.info("clock skew is gone")

    async def run(self, check_in: CheckIn) -> None:
        """Compare them again and again, until cancelled."""
        while True:
            await asyncio.sleep(INTERVAL_SECONDS)
            await self.measure()
            check_in()
