"""The mirrors of other venues' markets, against the markets that they say they are.

Laws: one walk; the markets were compared with the journal before. A mirror that isn't made yet, or
was refused, says nothing; one whose market has ended may not have noted it yet.
"""

from typing import Final

from exchange.model.state import State
from persistence.postgres.database import Connection
from persistence.repositories.economy.mirrors import SLUG

_MADE: Final = (
    "SELECT id, market_id, status, resolution, resolved_at FROM mirrors"
    " WHERE market_id IS NOT NULL ORDER BY id"
)


async def mirrors_problem(connection: Connection, state: State) -> tuple[str | None, int]:
    """Return what is wrong with the mirrors, None if nothing is, and how many were compared."""
    count = 0
    async for number, market_id, status, resolution, at in connection.cursor(_MADE):
        slug = SLUG.format(number)
        market = state.markets.get(market_id)
        if market is None or market.slug != slug:
            return f"{slug} says it is market {market_id}, which isn't called so", count
        ended = None if market.resolution is None else market.resolution.value
        if status == "RESOLVED" and (ended, market.resolved_at) != (resolution, at):
            return f"{slug} says it ended {resolution}, its market says {ended}", count
        count += 1
    return None, count
