"""How commands travel between processes: what the engine read, what gateways sent."""

from typing import Final

from prometheus_client import CollectorRegistry, Counter

FATES: Final = ("sent", "unanswered", "taken", "foreign", "repeated", "untold", "made", "restored")


class CommandStreamMetrics:
    """Counts by what became of them; of one process, at either end."""

    __slots__ = ("_counted",)

    def __init__(self, registry: CollectorRegistry) -> None:
        counter = Counter(
            "command_stream_entries",
            "At a gateway: commands sent, and those whose outcome it called unknown (unanswered)."
            " At the engine: commands taken, entries that no process of ours wrote (foreign) or"
            " that came again (repeated), answers that Redis didn't take (untold), and how often"
            " the stream was made or an older copy of it was put back (restored).",
            ("fate",),
            registry=registry,
        )
        self._counted = {fate: counter.labels(fate) for fate in FATES}

    def count(self, fate: str, by: int = 1) -> None:
        """Count one of `FATES`."""
        self._counted[fate].inc(by)
