"""Counters of what was refused, by reasons of closed lists: never by whom."""

from prometheus_client import CollectorRegistry, Counter

from exchange.messages.reasons import Reason
from gateway.observability.tallies import Tallies, Tally


class RefusalMetrics:
    """What was refused: commands by the engine's reason, sockets by the code that was told, calls
    signed with an API key by what was wrong with them.
    """

    __slots__ = ("_signed", "by_reason", "sockets")

    def __init__(self, registry: CollectorRegistry) -> None:
        self.by_reason = {reason: Tally() for reason in Reason}
        Tallies(
            "refusals",
            "Commands that the engine refused, by its reason.",
            {(reason.name,): tally for reason, tally in self.by_reason.items()},
            labels=("reason",),
            registry=registry,
        )
        self.sockets = Counter(
            "websocket_connections_refused",
            "Sockets that were refused, by the code that was told.",
            ("reason",),
            registry=registry,
        )
        self._signed = Counter(
            "api_key_refusals",
            "Calls signed with an API key that were refused, by the reason.",
            ("reason",),
            registry=registry,
        )

    def signed(self, reason: str) -> None:
        """Count a signed call that was refused; the reason is a word of ours."""
        self._signed.labels(reason).inc()
