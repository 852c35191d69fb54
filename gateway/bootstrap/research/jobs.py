"""Backtests and research on the web, put together: their jobs."""

from gateway.bootstrap.research.inquiries import service_of
from gateway.bootstrap.settings import Settings
from gateway.jobs.job import Job
from gateway.observability.logs import Logger
from gateway.observability.metrics import Metrics
from gateway.research.asked.jobs import BacktestJob
from gateway.research.inquiries.following import Following
from gateway.research.inquiries.tallies import ResearchMetrics
from persistence.postgres.database import DeadlinePool
from persistence.repositories.research.backtests import Backtests
from persistence.repositories.research.steps import InquirySteps


def research_jobs(
    settings: Settings, pool: DeadlinePool, metrics: Metrics, logger: Logger
) -> tuple[Job, ...]:
    """Return what runs backtests, and what takes questions through."""
    backtests = BacktestJob(
        Backtests(pool),
        lambda: settings.store.direct_url or pool.url,
        settings.store.segments_folder,
        settings.backtests,
        logger,
    )
    following = Following(
        InquirySteps(pool),
        service_of(settings),
        ResearchMetrics(metrics.registry),
        logger,
        kept_s=settings.research.kept_s,
        known_s=settings.research.known_s,
    )
    return (*backtests.jobs(), *following.jobs())
