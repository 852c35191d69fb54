"""Research on the web, put together: whom it asks, and its routes."""

from gateway.bootstrap.settings import Settings
from gateway.feeds.known import MarketCatalogue
from gateway.outbound.asking import Outbound
from gateway.research.inquiries.asking import Asking
from gateway.research.inquiries.parallel import ASKED_S, Parallel
from gateway.research.inquiries.routes import ResearchRoutes
from gateway.research.inquiries.webhooks import ServiceMessages
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
