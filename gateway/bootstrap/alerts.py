"""Alerts, put together: their routes, their jobs, and what tells the sockets of a process."""

from contextlib import AsyncExitStack
from functools import cache

from gateway.alerts.figures import MarketFigures
from gateway.alerts.jobs import AlertJobs
from gateway.alerts.routes import AlertRoutes, KnowsOrders
from gateway.alerts.tallies import AlertMetrics
from gateway.alerts.telling import TOPIC, AlertTelling
from gateway.alerts.watching import AlertWatch
from gateway.alerts.webhooks.routes import WebhookRoutes
from gateway.alerts.webhooks.sending import TIMEOUT_S, AlertSending
from gateway.alerts.webhooks.signing import WebhookSecrets
from gateway.bootstrap.feeds import Feeds
from gateway.bootstrap.markets import stored_markets
from gateway.bootstrap.settings import Settings
from gateway.feeds.known import MarketCatalogue
from gateway.jobs.job import Job
from gateway.jobs.supervisor import Supervisor
from gateway.observability.logs import Logger
from gateway.observability.metrics import Metrics
from gateway.outbound.public import PublicOutbound
from gateway.sealing.seal import Seal
from gateway.sealing.settings import make_seal
from gateway.sockets.topics import Topics
from persistence.postgres.database import DeadlinePool
from persistence.repositories.alerts.alerts import Alerts
from persistence.repositories.alerts.firings import Firings
from persistence.repositories.alerts.looks import AlertLooks
from persistence.repositories.alerts.webhooks import Webhooks
from persistence.repositories.audit import AuditLog
from persistence.repositories.candles import Candles


def webhook_secrets(settings: Settings, pool: DeadlinePool) -> WebhookSecrets:
    """Return what seals the secrets of webhooks; the key is read when there is one to seal."""

    @cache
    def seal() -> Seal:
        return make_seal(settings.sealing, settings.store.data_dir)

    return WebhookSecrets(Webhooks(pool), seal)


def alert_routes(
    settings: Settings,
    pool: DeadlinePool,
    markets: MarketCatalogue,
    orders: KnowsOrders,
    audit: AuditLog,
) -> tuple[AlertRoutes, WebhookRoutes]:
    """Return what has the rows of alerts."""
    webhooks, own, pages = Webhooks(pool), settings.alerts, settings.pages
    return (
        AlertRoutes(Alerts(pool), Firings(pool), webhooks, markets, orders, own, pages),
        WebhookRoutes(
            webhooks, webhook_secrets(settings, pool), audit, own, settings.limits, pages
        ),
    )


def alert_jobs(
    settings: Settings, pool: DeadlinePool, feeds: Feeds, metrics: Metrics, logger: Logger
) -> tuple[Job, ...]:
    """Return what looks for what alerts wait for, and sends what they tell."""
    figures = MarketFigures(Candles(pool), feeds.markets, feeds.state)
    tallies = AlertMetrics(metrics.registry)
    watch = AlertWatch(AlertLooks(pool), stored_markets(pool, feeds), figures, figures.attend)
    sending = AlertSending(
        Webhooks(pool),
        webhook_secrets(settings, pool),
        PublicOutbound(TIMEOUT_S),
        AuditLog(pool),
        settings.alerts,
        tallies,
        logger,
    )
    jobs = AlertJobs(
        watch, sending, Firings(pool), tallies, logger, kept_s=settings.alerts.history_kept
    )
    return jobs.jobs()


async def tell_alerts(
    stack: AsyncExitStack, pool: DeadlinePool, topics: Topics, supervisor: Supervisor
) -> None:
    """Tell the sockets of this process what alerts told, until the stack ends."""
    telling = AlertTelling(Firings(pool), topics.open(TOPIC))
    await stack.enter_async_context(supervisor.running(telling.NAME, telling.run))
