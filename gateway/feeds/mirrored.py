"""Which markets of ours mirror one of another venue, and what the outcomes of ours are called.

Laws: known by heart, since every view of a market of ours asks; whoever keeps mirrors notes them. A
mirror's outcomes are called as at its source, those of others as whoever listed them said.
"""

from typing import NamedTuple

from exchange.model.market import Market
from gateway.markets.outcome_names import Labels, OutcomeNames


class MirroredFrom(NamedTuple):
    """The source of a mirror."""

    id: str
    """As on the wire: platform, colon, what that calls it."""
    labels: Labels
    """What YES and NO are called there."""


class Mirrored:
    """The mirrors, by the id of our market."""

    def __init__(self, names: OutcomeNames) -> None:
        """Have what isn't a mirror called as `names` has it."""
        self.names = names
        self._by_market: dict[int, MirroredFrom] = {}
        self._by_source: dict[str, int] = {}

    def note(self, market_id: int, source: str, labels: Labels) -> None:
        """Note that a market of ours mirrors another."""
        self._by_market[market_id] = MirroredFrom(source, labels)
        self._by_source[source] = market_id

    def of(self, market_id: int) -> MirroredFrom | None:
        """Return what a market of ours mirrors; None for nothing."""
        return self._by_market.get(market_id)

    def labels(self, market: Market) -> Labels:
        """Return what YES and NO of a market of ours are called."""
        source = self._by_market.get(market.id)
        return self.names.of(market.slug) if source is None else source.labels

    def mirror_of(self, source: str) -> int | None:
        """Return the market of ours that mirrors another; None if none does."""
        return self._by_source.get(source)
