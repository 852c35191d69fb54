"""Research on the web, put together: its routes, its jobs, and what tells the sockets."""

from contextlib import AsyncExitStack

from gateway.bootstrap.settings import Settings
from gateway.feeds.known import MarketCatalogue
from gateway.jobs.job import Job
from gateway.jobs.supervisor import Supervisor
from gateway.observability.logs import Logger
from gateway.observability.metrics import Metrics
from gateway.outbound.asking import Outbound
from gateway.research.inquiries.asking import Asking
from gateway.research.inquiries.following import Following
from gateway.research.inquiries.parallel import ASKED_S, Parallel
from gateway.research.inquiries.routes import ResearchRoutes
from gateway.research.inquiries.tallies import ResearchMetrics
from gateway.research.inquiries.telling import TOPIC, ResearchTelling
from gateway.research.inquiries.webhooks import ServiceMessages
from gateway.sockets.topics import Topics
from persistence.postgres.database import DeadlinePool
from persistence.repositories.research.inquiries import Inquiries
from persistence.repositories.research.steps import InquirySteps


def service_of(settings: Settings) -> Parallel | None:
    """Return whom research asks; None where it isn't set up."""
    own, public = settings.research, settings.sign_in.public_url
    if own.key is None:
        return None
    is_told = own.webhook_secret is not None and public is not None
    webhook_url = f"{public}/api/v1/research/webhook" if is_told else None
    return Parallel(own.url, own.key, webhook_url, Outbound(ASKED_S))


def research_routes(
    settings: Settings, pool: DeadlinePool, markets: MarketCatalogue
) -> tuple[ResearchRoutes, ServiceMessages]:
    """Return what has the rows of research."""
    own, rows = settings.research, Inquiries(pool)
    asking = Asking(rows, service_of(settings), own)
    return (
        ResearchRoutes(asking, rows, markets, own, settings.pages),
        ServiceMessages(InquirySteps(pool), own.webhook_secret),
    )


def research_jobs(
    settings: Settings, pool: DeadlinePool, metrics: Metrics, logger: Logger
) -> tuple[Job, ...]:
    """Return what takes questions through."""
    return Following(
        InquirySteps(pool),
        service_of(settings),
        ResearchMetrics(metrics.registry),
        logger,
        kept_s=settings.research.kept_s,
    ).jobs()


async def tell_research(
    stack: AsyncExitStack, pool: DeadlinePool, topics: Topics, supervisor: Supervisor
) -> None:
    """Tell the sockets of this process how questions stand, until the stack ends."""
    telling = ResearchTelling(Inquiries(pool), topics.open(TOPIC))
    await stack.enter_async_context(supervisor.running(telling.NAME, telling.run))
