"""What becomes of questions, and what was spent on them."""

from prometheus_client import CollectorRegistry, Counter


class ResearchMetrics:
    """Counts; of the process that takes questions through."""

    __slots__ = ("_ended",)

    def __init__(self, registry: CollectorRegistry) -> None:
        """Begin at nothing."""
        self._ended = Counter(
            "research_runs",
            "Questions that ended: completed, failed or lost (nobody knows whether it was sent).",
            ("result",),
            registry=registry,
        )

    def ended(self, result: str) -> None:
        """Count one."""
        self._ended.labels(result).inc()
