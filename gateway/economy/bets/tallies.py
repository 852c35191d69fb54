"""How much is bet, and what becomes of it."""

from typing import Final

from prometheus_client import CollectorRegistry, Counter

PLACED: Final = "placed"
REFUSED: Final = "refused"


class BetMetrics:
    """Counts; of the process that takes bets."""

    __slots__ = ("_placed", "_sold", "_staked")

    def __init__(self, registry: CollectorRegistry) -> None:
        """Begin at nothing."""
        self._placed = Counter(
            "bets_placed",
            "Bets that were answered: placed or refused.",
            ("result",),
            registry=registry,
        )
        self._sold = Counter(
            "bets_sold",
            "Sales of bets that were answered: placed or refused.",
            ("result",),
            registry=registry,
        )
        self._staked = Counter("bets_staked_credits", "Credits that were bet.", registry=registry)
        for result in (PLACED, REFUSED):
            self._placed.labels(result)
            self._sold.labels(result)

    def bet(self, cost: int, *, is_placed: bool) -> None:
        """Count a bet that cost so much (money)."""
        self._placed.labels(PLACED if is_placed else REFUSED).inc()
        self._staked.inc(cost / 1_000_000)

    def sold(self, *, is_placed: bool) -> None:
        """Count a sale."""
        self._sold.labels(PLACED if is_placed else REFUSED).inc()
