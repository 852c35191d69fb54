"""How the transport to other processes is doing, as metrics and in the log."""

from gateway.observability.logs import Logger
from gateway.observability.metrics import FeedMetrics
from persistence.relay.messages import BusObserver


class BusWatch(BusObserver):
    """Watches one end of the fan-out."""

    def __init__(self, metrics: FeedMetrics, logger: Logger) -> None:
        self._metrics = metrics
        self._logger = logger

    def connected(self, is_connected: bool, reason: str) -> None:
        """Note that Redis answers, or why it doesn't."""
        self._metrics.redis_connected.set(is_connected)
        if is_connected:
            self._logger.info("redis answers")
        else:
            self._logger.warning("redis doesn't answer", reason=reason)

    def published(self, rows: int) -> None:
        """Count batches that Redis has taken."""
        self._metrics.batches.labels("published").inc(rows)

    def dropped(self, rows: int) -> None:
        """Count batches that gateways have to read from the journal."""
        self._metrics.batches.labels("dropped").inc(rows)
