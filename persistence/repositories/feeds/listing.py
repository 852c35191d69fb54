"""Which part of the venues' markets is asked for, and the SQL of it.

Laws: every sort has one index and ends with the id, so a place is exact and a page by place costs
the same wherever it lies; nothing of a caller's text becomes SQL but by parameter.
"""

from collections.abc import Sequence
from enum import Enum
from typing import TYPE_CHECKING

import msgspec

from persistence.postgres.database import DeadlinePool

if TYPE_CHECKING:
    from asyncpg import Record

ListPlace = tuple[int, int]
"""(sort value, id) of the last market that was given."""


# Of common words the sort's index is walked along, of rare ones those of the texts are found first;
# which it is the planner knows if it plans for the words at hand.
_WITH_WORDS = (
    "m.id IN (SELECT t.market_id FROM venue_texts t WHERE t.search @@ {words}::text::tsquery)"
)


class Sort(Enum):
    """What a list is sorted by; the value is the wire's word."""

    VOLUME = "volume"
    LIQUIDITY = "liquidity"
    CREATED = "created"
    CLOSING = "closing"

    @property
    def column(self) -> str:
        """Return the column."""
        return _COLUMNS[self]


_COLUMNS = {
    Sort.VOLUME: "volume",
    Sort.LIQUIDITY: "liquidity",
    Sort.CREATED: "created_at",
    Sort.CLOSING: "close_time",
}


class Listing(msgspec.Struct, frozen=True, kw_only=True):
    """A list; None is no filter."""

    platforms: tuple[str, ...] | None = None
    statuses: tuple[str, ...] | None = None
    category_key: str | None = None
    words: str | None = None
    """A tsquery's text."""
    sort: Sort = Sort.VOLUME
    descending: bool = True
    after: ListPlace | None = None


def query_of(listing: Listing, select: str, *, ordered: bool) -> tuple[str, Sequence[object]]:
    """Return the statement that selects `select` (columns and FROM) of a list, and its arguments.

    The table of markets must be `m`.
    """
    conditions: list[str] = []
    arguments: list[object] = []

    def given(value: object) -> str:
        arguments.append(value)
        return f"${len(arguments)}"

    if listing.platforms is not None:
        conditions.append(f"m.platform = ANY({given(list(listing.platforms))}::text[])")
    if listing.statuses is not None:
        conditions.append(f"m.status = ANY({given(list(listing.statuses))}::text[])")
    if listing.category_key is not None:
        conditions.append(f"m.category_key = {given(listing.category_key)}")
    if listing.words is not None:
        words = given(listing.words)
        conditions.append(_WITH_WORDS.replace("{words}", words))
    column = f"m.{listing.sort.column}"
    if ordered and listing.after is not None:
        value, number = listing.after
        sign = "<" if listing.descending else ">"
        conditions.append(
            f"({column}, m.id) {sign} ({given(value)}::bigint, {given(number)}::bigint)"
        )
    text = f"SELECT {select}"
    if conditions:
        text += f" WHERE {' AND '.join(conditions)}"
    if ordered:
        order = "DESC" if listing.descending else "ASC"
        text += f" ORDER BY {column} {order}, m.id {order}"
    return text, arguments


async def fetch_planned(pool: DeadlinePool, query: str, *arguments: object) -> "list[Record]":
    """Return what a statement finds that is planned for these very arguments.

    For statements whose best plan depends on how common their words are. One without a name is
    planned when it is used: two round trips, where a setting in a transaction would be four.
    """
    async with pool.acquire() as connection:
        statement = await connection.prepare(query, name="")
        return await statement.fetch(*arguments)
