"""How often alerts fire, and what becomes of what is sent."""

from prometheus_client import CollectorRegistry, Counter


class AlertMetrics:
    """Counts; of the process that looks and sends."""

    __slots__ = ("_fired", "_sent")

    def __init__(self, registry: CollectorRegistry) -> None:
        """Begin at nothing."""
        self._fired = Counter("alerts_fired", "Alerts that fired.", registry=registry)
        self._sent = Counter(
            "alert_deliveries",
            "Tries to send an alert to a webhook: delivered or failed.",
            ("result",),
            registry=registry,
        )

    def fired(self, count: int) -> None:
        """Count alerts that fired."""
        self._fired.inc(count)

    def sent(self, *, is_delivered: bool) -> None:
        """Count one try."""
        self._sent.labels("delivered" if is_delivered else "failed").inc()
