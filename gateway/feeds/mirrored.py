"""Which markets of ours mirror one of another venue, and what its outcomes are called.

Law: known by heart, since every view of a market of ours asks; whoever keeps mirrors notes them.
"""

from typing import NamedTuple


class MirroredFrom(NamedTuple):
    """The source of a mirror."""

    id: str
    """As on the wire: platform, colon, what that calls it."""
    labels: tuple[str, str]
    """What YES and NO are called there."""


class Mirrored:
    """The mirrors, by the id of our market."""

    def __init__(self) -> None:
        self._by_market: dict[int, MirroredFrom] = {}
        self._by_source: dict[str, int] = {}

    def note(self, market_id: int, source: str, labels: tuple[str, str]) -> None:
        """Note that a market of ours mirrors another."""
        self._by_market[market_id] = MirroredFrom(source, labels)
        self._by_source[source] = market_id

    def of(self, market_id: int) -> MirroredFrom | None:
        """Return what a market of ours mirrors; None for nothing."""
        return self._by_market.get(market_id)

    def mirror_of(self, source: str) -> int | None:
        """Return the market of ours that mirrors another; None if none does."""
        return self._by_source.get(source)
