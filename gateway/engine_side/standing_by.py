"""How a waiting engine is doing, for `/health`, `/ready`, the metrics and the log.

Implements `persistence.standby.observer.StandbyObserver`.
"""

import time
from typing import Final

from prometheus_client import Gauge

from gateway.observability.logs import Logger
from gateway.observability.metrics import Metrics
from persistence.standby.lease import Standing

AWAY_S: Final = 2.0
"""A database that was silent for so long is in the way of a takeover."""


class StandbyFollowing:
    """What is known of it."""

    def __init__(self, metrics: Metrics, logger: Logger) -> None:
        self.epoch = 0
        """Of the engine that leads."""
        self.seq = 0
        """The last command that is followed."""
        self.is_led = False
        """Whether there is an engine that leads."""
        self._is_loaded = False
        self._alarm: str | None = None
        self._is_away = False
        self._leads = False
        self._heard_at = time.monotonic()
        self._metrics = metrics
        self._logger = logger
        self._differs = Gauge(
            "standby_differs",
            "1 where this standby's state isn't what the tables hold: it takes nothing over.",
            registry=metrics.registry,
        )
        self._compared = Gauge(
            "standby_compared_timestamp_seconds",
            "When this standby's state was last found to be what the tables hold.",
            registry=metrics.registry,
        )
        Gauge(
            "standby_ready",
            "1 where this standby could take over now, or has.",
            registry=metrics.registry,
        ).set_function(lambda: self._leads or self.trouble() is None)

    def silence_s(self) -> float:
        """Return the seconds since the database answered."""
        return time.monotonic() - self._heard_at

    def trouble(self) -> str | None:
        """Return why nothing could be taken over now; None if it could."""
        if self._alarm is not None:
            return f"The standby takes nothing over: {self._alarm}"
        if not self._is_loaded:
            return "The standby reads the exchange"
        if self.silence_s() > AWAY_S:
            return "The standby doesn't reach the database"
        return None

    def leads(self) -> None:
        """Note that it has taken over, and waits for nothing any more."""
        self._leads = True

    def followed(self, standing: Standing, seq: int) -> None:
        """Note a look."""
        self._heard_at, self.seq, self.is_led = time.monotonic(), seq, standing.leader is not None
        self._metrics.engine_last_sequence.set(seq)
        self._metrics.engine_epoch.set(standing.epoch)
        if self._is_away:
            self._is_away = False
            self._logger.info("the standby reaches the database again", seq=seq)
        if standing.epoch != self.epoch:
            self.epoch = standing.epoch
            self._logger.info("the standby follows", epoch=standing.epoch, seq=seq)

    def compared(self, seq: int, state: bytes) -> None:
        """Note that all is well."""
        self._compared.set(time.time())
        self._logger.info("the standby is what the tables hold", seq=seq, state=state.hex())

    def left_comparing(self, behind: int) -> None:
        """Say why there is no news of the tables; the next comparison may come to its end."""
        self._logger.warning("the standby has left a comparison", behind=behind)

    def loaded(self, seq: int) -> None:
        """Note a beginning."""
        if self._is_loaded:
            self._logger.warning("the standby has loaded the tables anew", seq=seq)
        self._is_loaded = True

    def differs(self, problem: str) -> None:
        """Raise the alarm, for good."""
        self._alarm = problem
        self._differs.set(1)
        self._logger.error("the standby takes nothing over any more", problem=problem)

    def away(self, reason: str) -> None:
        """Note that the database can't be asked; once until it can."""
        if not self._is_away:
            self._is_away = True
            self._logger.warning("the standby doesn't reach the database", reason=reason)
