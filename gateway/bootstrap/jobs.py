"""All jobs, domain by domain: the one list of what exists beside requests; and what runs them.

Laws: a domain's `jobs.py` holds a class that is made here of what it needs and gives its jobs; a
new domain with jobs is a line in `make_jobs`. Every process knows the list, to tell of it; those
with the worker's role run it.
"""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass

from gateway.bootstrap.alerts import alert_jobs
from gateway.bootstrap.credits.mirrors import mirror_jobs
from gateway.bootstrap.feeds import Feeds
from gateway.bootstrap.markets import platforms_of, stored_markets
from gateway.bootstrap.projector import ProjectorProcess
from gateway.bootstrap.research.jobs import research_jobs
from gateway.bootstrap.settings import Settings
from gateway.economy.leaderboards.jobs import LeaderboardJob
from gateway.economy.rewards.claims import Everybody
from gateway.economy.rewards.jobs import RewardsOfTheDay
from gateway.economy.stocks.jobs import StockInterest
from gateway.feeds.matches.jobs import MatchFinder
from gateway.jobs.job import Job
from gateway.jobs.queue import JobQueue
from gateway.jobs.supervisor import Supervisor
from gateway.markets.exports.jobs import DailySummaries
from gateway.observability.logs import Logger
from gateway.observability.metrics import Metrics
from gateway.operations.checker.jobs import Checker
from gateway.operations.jobs import Housekeeping
from gateway.operations.journal_moves import JournalMoves
from gateway.operations.proof.jobs import ProofMaker
from gateway.operations.safekeeping import Safekeeping
from gateway.portfolio.records.jobs import PortfolioHistory
from persistence.exports.kept_summaries import KeptSummaries
from persistence.postgres.database import DeadlinePool
from persistence.projection.process import Order
from persistence.repositories.audit import AuditLog
from persistence.repositories.checks.findings import Findings
from persistence.repositories.checks.proofs import Proofs
from persistence.repositories.economy.rewards import DailyRewards
from persistence.repositories.feeds.matches import Matches
from persistence.repositories.jobs import JobRows
from persistence.repositories.journal_segments import SegmentTotals
from persistence.repositories.people.linked_accounts import LinkedAccounts
from persistence.repositories.people.mail_tokens import MailTokens
from persistence.repositories.people.sessions import Sessions
from persistence.repositories.people.sign_in_counts import SignInCounts
from persistence.repositories.people.wallets import Wallets
from persistence.repositories.portfolio_positions import PortfolioPositions
from persistence.repositories.portfolio_values import PortfolioValues
from persistence.repositories.second_factor.challenges import SignInChallenges
from persistence.repositories.second_factor.passkeys import PasskeyRows


@dataclass(frozen=True, slots=True)
class Jobs:
    """Every job there is, and what is known of them."""

    all: tuple[Job, ...]
    rows: JobRows
    at_start: tuple[Callable[[], Awaitable[None]], ...] = ()
    """What a worker queues when it begins."""


def make_jobs(
    settings: Settings, pool: DeadlinePool, feeds: Feeds, metrics: Metrics, logger: Logger
) -> Jobs:
    """Return the jobs, made over the database behind `pool`."""
    rows, kept = JobRows(pool), settings.retention
    housekeeping = Housekeeping(
        Sessions(pool),
        SignInCounts(pool),
        MailTokens(pool),
        Wallets(pool),
        SignInChallenges(pool),
        PasskeyRows(pool),
        LinkedAccounts(pool),
        rows,
        logger,
        sessions_kept_s=kept.ended_sessions,
        failed_jobs_kept_s=kept.failed_jobs,
    )
    journal = JournalMoves(
        lambda: settings.store.direct_url or pool.url,
        SegmentTotals(pool),
        metrics.registry,
        logger,
        folder=settings.store.segments_folder,
        kept_us=kept.journal_kept_us,
        behind_projector=settings.past.projector,
    )
    # Without a venue there is nothing to look after.
    of_feeds = feeds.jobs.jobs() if feeds.venues else ()
    portfolios = PortfolioHistory(
        PortfolioPositions(pool),
        PortfolioValues(pool),
        stored_markets(pool, feeds),
        logger,
        kept_s=settings.portfolio.history_kept,
    )
    matches = MatchFinder(
        Matches(pool), feeds.markets, platforms_of(feeds), settings.matches, logger
    )
    days = DailySummaries(KeptSummaries(pool), logger)
    rewards = RewardsOfTheDay(Everybody(DailyRewards(pool), pool, settings.economy), rows, logger)
    leaderboards = LeaderboardJob(
        lambda: settings.store.direct_url or pool.url,
        rows,
        logger,
        settings.economy,
    )
    interest = StockInterest(pool, rows, AuditLog(pool), logger)
    every = (
        *housekeeping.jobs(),
        *journal.jobs(),
        *_checking(settings, pool, metrics, logger),
        *Safekeeping(pool, metrics.registry, data_dir=settings.store.data_dir).jobs(),
        *portfolios.jobs(),
        *days.jobs(),
        *matches.jobs(),
        *rewards.jobs(),
        *mirror_jobs(settings, pool, feeds, logger),
        *leaderboards.jobs(),
        *interest.jobs(),
        *alert_jobs(settings, pool, feeds, metrics, logger),
        *research_jobs(settings, pool, metrics, logger),
        *of_feeds,
    )
    return Jobs(every, rows, (rewards.begin, leaderboards.begin, interest.begin))


def _checking(
    settings: Settings, pool: DeadlinePool, metrics: Metrics, logger: Logger
) -> tuple[Job, ...]:
    """Return what looks whether all is as it must be, and what proves it to others."""
    told = metrics.registry, logger, settings.checks
    checker = Checker(
        lambda: settings.store.direct_url or pool.url,
        Findings(pool),
        *told,
        folder=settings.store.segments_folder,
    )
    proofs = ProofMaker(lambda: settings.store.direct_url or pool.url, Proofs(pool), *told)
    return (*checker.jobs(), *proofs.jobs())


@asynccontextmanager
async def running_jobs(
    jobs: Jobs,
    settings: Settings,
    url: str,
    metrics: Metrics,
    logger: Logger,
    supervisor: Supervisor,
) -> AsyncIterator[JobQueue]:
    """Do the worker's part beside the block: jobs, and what follows from the journal.

    At its end jobs under way may finish in bounded time.

    In a process that has failed they may not: another one begins them again.

    `url` reaches the database past any pooler. Raises DatabaseUnavailable if psycopg can't read it.
    """
    queue = JobQueue(
        url,
        jobs.all,
        jobs.rows,
        metrics.jobs,
        logger,
        at_once=settings.worker.runs_max,
        drain_s=settings.listen.shutdown_timeout_seconds,
        in_haste=supervisor.failed.done,
    )
    async with AsyncExitStack() as stack:
        await stack.enter_async_context(supervisor.running("job-queue", queue.work))
        if settings.past.projector:
            folder = str(settings.store.segments_folder)
            order = Order(url, settings.past.account_events_kept_us, folder)
            projector = ProjectorProcess(order, metrics)
            await stack.enter_async_context(supervisor.running(projector.NAME, projector.run))
        for begin in jobs.at_start:
            await begin()
        yield queue
