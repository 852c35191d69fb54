"""The credits economy, put together: its routes, its jobs, and the work of the engine's process."""

from contextlib import AsyncExitStack

from gateway.bootstrap.identity.people import People
from gateway.bootstrap.parts import Parts
from gateway.economy.movements.movements import Movements
from gateway.economy.rewards.claims import Claims
from gateway.economy.rewards.routes import DailyCreditsRoutes
from gateway.economy.transactions.routes import TransactionRoutes
from gateway.engine_side.running import EngineSide
from gateway.jobs.supervisor import Supervisor
from persistence.postgres.database import DeadlinePool
from persistence.repositories.economy.rewards import DailyRewards
from persistence.repositories.economy.transactions import Transactions


def movements_of(pool: DeadlinePool, engine: EngineSide, people: People) -> Movements:
    """Return the steps by which money moves outside the book."""
    return Movements(pool, engine.commands, people.audit, takes_commands=engine.feed.takes_commands)


def economy_routes(parts: Parts) -> tuple[DailyCreditsRoutes, TransactionRoutes]:
    """Return what has the rows of the economy."""
    view, settings = parts.engine.view, parts.settings.economy
    movements = movements_of(parts.pool, parts.engine, parts.people)
    claims = Claims(DailyRewards(parts.pool), movements, view, settings)
    return (
        DailyCreditsRoutes(claims, view, settings),
        TransactionRoutes(Transactions(parts.pool), view, parts.settings.pages),
    )


async def watch_economy(
    stack: AsyncExitStack,
    pool: DeadlinePool,
    engine: EngineSide,
    people: People,
    supervisor: Supervisor,
) -> None:
    """See through what was intended and has no answer yet, until the stack ends."""
    movements = movements_of(pool, engine, people)
    await stack.enter_async_context(supervisor.running(movements.NAME, movements.run))
