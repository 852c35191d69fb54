"""Backtests and research on the web, put together: what tells the sockets of a process."""

from contextlib import AsyncExitStack

from gateway.bootstrap.sockets import Hearers
from gateway.jobs.supervisor import Supervisor
from gateway.research.asked.telling import TOPIC as BACKTESTS
from gateway.research.asked.telling import BacktestTelling
from gateway.research.inquiries.telling import TOPIC as RESEARCH
from gateway.research.inquiries.telling import ResearchTelling
from persistence.postgres.database import DeadlinePool
from persistence.repositories.research.backtests import Backtests
from persistence.repositories.research.inquiries import Inquiries


async def tell_research(
    stack: AsyncExitStack, pool: DeadlinePool, hearers: Hearers, supervisor: Supervisor
) -> None:
    """Tell the sockets of this process how backtests and questions stand, until the stack ends."""
    topics, members = hearers.topics, hearers.users.rooms.keys
    backtests = BacktestTelling(Backtests(pool), topics.open(BACKTESTS), members)
    await stack.enter_async_context(supervisor.running(backtests.NAME, backtests.run))
    research = ResearchTelling(Inquiries(pool), topics.open(RESEARCH))
    await stack.enter_async_context(supervisor.running(research.NAME, research.run))
