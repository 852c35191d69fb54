"""Stored markets as lists show them, each worked out once for as long as it is listed unchanged.

Laws: what is remembered depends on the record alone, so it can't be old; how long ago it was so is
added each time. Bounded: the least lately shown are forgotten.
"""

from functools import lru_cache
from typing import Final

import msgspec

from gateway.feeds.api.views import ListedMarketView, as_of, listed_view
from gateway.feeds.intake.catalogue import market_of
from gateway.feeds.model import FINAL
from persistence.repositories.feeds.markets import MarketRow

REMEMBERED: Final = 4_096


class ShownRows:
    """Makes views of rows."""

    def __init__(self) -> None:
        self._made = lru_cache(REMEMBERED)(_made)

    def view(self, row: MarketRow, now: int) -> ListedMarketView:
        """Return a stored market of another platform as it is shown at a time."""
        made = self._made(row.record)
        known = as_of(row.as_of, now, final=made.status in FINAL)
        return msgspec.structs.replace(made, as_of=known)


def _made(record: bytes) -> ListedMarketView:
    return listed_view(market_of(record, None), 0, 0)
