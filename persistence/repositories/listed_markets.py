"""Our own markets as the table has them, for processes that have no view of the exchange.

Numbers are the table's own: units of the exchange, codes of `persistence.journal.codes`, 0 for
none. Where there is a committed view, it is asked instead.
"""

from collections.abc import Collection
from typing import Final

import msgspec

from persistence.postgres.database import DeadlinePool

_COLUMNS: Final = (
    "id, slug, question, category, status, close_time, last_price, resolution, yes_payout,"
    " maker_fee, taker_fee, fee_model"
)
_BY_IDS: Final = f"SELECT {_COLUMNS} FROM markets WHERE id = ANY($1::bigint[])"  # noqa: S608 - a constant
_BY_SLUG: Final = f"SELECT {_COLUMNS} FROM markets WHERE slug = $1"  # noqa: S608 - a constant


class ListedMarket(msgspec.Struct, frozen=True):
    """A row of a market."""

    id: int
    slug: str
    question: str
    category: str
    status: int
    close_time: int
    last_price: int
    resolution: int
    yes_payout: int
    maker_fee: int
    taker_fee: int
    fee_model: int


class ListedMarkets:
    """Reads markets."""

    def __init__(self, pool: DeadlinePool) -> None:
        self._pool = pool

    async def by_ids(self, ids: Collection[int]) -> list[ListedMarket]:
        """Return those of these ids that there are."""
        rows = await self._pool.fetch(_BY_IDS, list(ids))
        return [ListedMarket(*row) for row in rows]

    async def by_slug(self, slug: str) -> ListedMarket | None:
        """Return the market of a slug."""
        row = await self._pool.fetchrow(_BY_SLUG, slug)
        return None if row is None else ListedMarket(*row)
