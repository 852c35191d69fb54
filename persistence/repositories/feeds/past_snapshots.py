"""What a market of another venue was worth, oldest first: for whoever plays it again.

Laws: one connection that only reads, a bounded step at a time, by the place (time, id) of the last
snapshot, so that a long past costs no more towards its end.
"""

from typing import Final

from persistence.postgres.database import Fetching
from persistence.repositories.feeds.markets import MarketRow
from persistence.repositories.feeds.snapshots import COLUMNS, Snapshot, snapshot_of_row, time_of

_STEP: Final = f"""
SELECT {COLUMNS} FROM market_snapshots
 WHERE market_id = $1 AND at >= $2 AND (at, id) > ($2, $3) AND at <= $4
 ORDER BY at, id LIMIT $5
"""  # noqa: S608 - constants
_MARKET: Final = """
SELECT id, platform, external_id, record, changed_at, NULL::bigint, NULL::bigint
  FROM venue_markets WHERE platform = $1 AND external_id = $2
"""
_SPAN: Final = """
SELECT count(*) FROM market_snapshots WHERE market_id = $1 AND at >= $2 AND at <= $3
"""


async def past_market(connection: Fetching, platform: str, external_id: str) -> MarketRow | None:
    """Return a market as it is stored."""
    row = await connection.fetchrow(_MARKET, platform, external_id)
    return None if row is None else MarketRow(*row)


async def snapshots_after(
    connection: Fetching, market_id: int, place: tuple[int, int], last: int, limit: int
) -> list[Snapshot]:
    """Return at most `limit` snapshots behind a place (time, id) and up to a time, oldest first."""
    at, number = place
    rows = await connection.fetch(_STEP, market_id, time_of(at), number, time_of(last), limit)
    return [snapshot_of_row(row) for row in rows]


async def snapshot_count(connection: Fetching, market_id: int, first: int, last: int) -> int:
    """Return how many snapshots lie between two times.  O(snapshots)."""
    count: int = await connection.fetchval(_SPAN, market_id, time_of(first), time_of(last))
    return count
