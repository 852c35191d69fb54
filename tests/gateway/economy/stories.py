"""Short ways to look at what moved, around the application of `tests/gateway/conftest.py`."""

from gateway.bootstrap.economy import movements_of
from gateway.economy.movements.movements import Movements
from tests.gateway.conftest import Web


def movements(web: Web) -> Movements:
    return movements_of(web.parts.pool, web.parts.engine, web.accounts)


async def moved(web: Web) -> list[tuple[str, str]]:
    """Every intent's system id and status, in their order."""
    rows = await web.parts.pool.fetch("SELECT system_id, status FROM money_intents ORDER BY id")
    return [(row[0], row[1]) for row in rows]


async def pending(web: Web) -> int:
    return [status for _, status in await moved(web)].count("PENDING")


async def sweep(web: Web) -> int:
    """Sweep as if the claims of others were over; return how many were sent."""
    await web.parts.pool.execute("UPDATE money_intents SET tried_at = 0")
    return await movements(web).finish_left()
