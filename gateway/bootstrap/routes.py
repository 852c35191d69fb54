"""All routes of the API, domain by domain: the one list of what exists over REST.

Laws: a domain is made here of what it needs (a repository of `parts.pool`, a topic of
`parts.topics` ...) and gives its rows; a new domain is a line here.
"""

from functools import partial

from gateway.accounts.admin_routes import UserAdminRoutes
from gateway.accounts.api_keys.routes import ApiKeyRoutes
from gateway.accounts.mail.routes import MailRoutes
from gateway.accounts.passwords.routes import PasswordRoutes
from gateway.accounts.profile.leaving import LeavingRoutes
from gateway.accounts.profile.routes import ProfileRoutes
from gateway.accounts.sessions.answers import SignInAnswers
from gateway.accounts.sessions.cookies import CookieOrigins
from gateway.accounts.sessions.jwks import PublishedKeys
from gateway.accounts.sessions.own_routes import SessionRoutes
from gateway.accounts.sessions.routes import AccountRoutes
from gateway.bootstrap.admins import admin_commands, approving
from gateway.bootstrap.alerts import alert_routes
from gateway.bootstrap.credits.mirror_rows import mirror_routes
from gateway.bootstrap.economy import economy_routes, stock_routes
from gateway.bootstrap.feeds import AnyPlatformRoutes, feed_routes
from gateway.bootstrap.identity.second_factor import factor_routes
from gateway.bootstrap.identity.ways_in import linked_routes, offered_ways, wallet_routes
from gateway.bootstrap.parts import Parts
from gateway.bootstrap.past import resumption
from gateway.bootstrap.research.inquiries import research_routes
from gateway.bootstrap.settings import Settings
from gateway.feeds.api.queries import ALL, LISTED_PLATFORMS
from gateway.feeds.known import KNOWN_PLATFORMS, OURS
from gateway.feeds.matches.routes import MatchRoutes
from gateway.http.routing import RouteTable
from gateway.markets.admin_routes import MarketAdminRoutes
from gateway.markets.candles import OwnCandles
from gateway.markets.exports.routes import ExportRoutes
from gateway.markets.exports.summary_routes import SummaryRoutes
from gateway.markets.outcome_names import OutcomeNaming
from gateway.markets.past.books import BookHistory
from gateway.markets.projected import Projected
from gateway.markets.routes import MarketRoutes
from gateway.markets.tickers import TickerRoutes, Tickers
from gateway.operations.account_routes import AccountAdminRoutes
from gateway.operations.admin_routes import ExchangeAdminRoutes
from gateway.operations.audit.routes import AuditRoutes
from gateway.operations.checker.routes import CheckerRoutes
from gateway.operations.exchange_routes import BoundsView, ExchangeRoutes, bounds_view
from gateway.operations.figures.engine import EngineRoutes
from gateway.operations.figures.settlement import SettlementRoutes
from gateway.operations.health_routes import EngineCondition, HealthRoutes
from gateway.operations.job_routes import JobRoutes
from gateway.operations.lifecycle_routes import LifecycleRoutes
from gateway.operations.limit_routes import LimitRoutes
from gateway.operations.order_routes import OrderAdminRoutes
from gateway.operations.people.routes import PictureSources, UserPictureRoutes
from gateway.operations.people.system_accounts import SystemAccountRoutes
from gateway.operations.proof.routes import ProofRoutes
from gateway.operations.proposals.routes import ProposalRoutes
from gateway.operations.trading_limit_routes import TradingLimitRoutes
from gateway.portfolio.records.holdings import Holdings
from gateway.portfolio.records.portfolios import NotedPortfolioRoutes
from gateway.portfolio.records.positions import PositionRoutes
from gateway.portfolio.routes import PortfolioRoutes
from gateway.portfolio.watchlists import WatchlistRoutes
from gateway.research.asked.jobs import JOB as BACKTESTS
from gateway.research.asked.routes import BacktestRoutes
from gateway.site.front_page import FrontPage
from gateway.site.pages import ApiDescription, StaticFiles
from gateway.site.reference.error_catalogue import ErrorCatalogue
from gateway.site.terminal import Terminal
from gateway.streaming.resuming.routes import AccountEventRoutes
from gateway.trading.batch_routes import BatchRoutes
from gateway.trading.dead_man_switch import DeadManSwitch
from gateway.trading.order_groups import OrderGroupRoutes
from gateway.trading.order_life import OrderLifeRoutes
from gateway.trading.routes import OrderRoutes
from persistence.exports.kept_summaries import KeptSummaries
from persistence.repositories.checks.findings import Findings
from persistence.repositories.checks.proofs import Proofs
from persistence.repositories.feeds.matches import Matches
from persistence.repositories.market_life import MarketLives
from persistence.repositories.past_books import PastBooks
from persistence.repositories.people.linked_accounts import LinkedAccounts
from persistence.repositories.people.personal_data import PersonalData
from persistence.repositories.people.rate_tiers import RateTiers
from persistence.repositories.people.sessions import Sessions
from persistence.repositories.people.wallets import Wallets
from persistence.repositories.people.ways_in import WaysIn
from persistence.repositories.portfolio_positions import PortfolioPositions
from persistence.repositories.portfolio_values import PortfolioValues
from persistence.repositories.portfolios import Portfolios
from persistence.repositories.proposals import Proposals
from persistence.repositories.research.backtests import Backtests
from persistence.repositories.second_factor.passkeys import PasskeyRows
from persistence.repositories.watchlists import Watchlists


def platform_choices(parts: Parts) -> dict[str, tuple[str, ...]]:
    """Return which platforms a field takes: those that lists are of, or those that are known."""
    return {
        LISTED_PLATFORMS: (OURS, *parts.feeds.venues, ALL),
        KNOWN_PLATFORMS: tuple(sorted(parts.catalogue.platforms)),
    }


AdminsRoutes = (
    MarketAdminRoutes
    | UserAdminRoutes
    | ExchangeAdminRoutes
    | EngineRoutes
    | SettlementRoutes
    | AuditRoutes
    | ProposalRoutes
    | CheckerRoutes
    | LimitRoutes
    | TradingLimitRoutes
    | AccountAdminRoutes
    | OrderAdminRoutes
    | JobRoutes
)


def route_tables(parts: Parts) -> tuple[RouteTable, RouteTable]:
    """Return the tables below /api/v1 and at the root."""
    settings, engine, people = parts.settings, parts.engine, parts.people
    view, history, feed, pages = engine.view, engine.history, engine.feed, settings.pages
    static = StaticFiles()
    front = FrontPage(view, settings.listen.port)
    terminal = Terminal(front.root_page)
    description = ApiDescription(static, terminal)
    ours = _own_markets(parts)
    candles, tickers = _past(parts)
    answers = SignInAnswers(CookieOrigins(settings.http.cors_origin), people.refusals)
    api = (
        AccountRoutes(
            people.sign_in,
            people.sessions,
            people.users,
            parts.readiness,
            feed,
            answers,
            people.choice,
        ),
        *factor_routes(parts.factors, people, answers, settings),
        wallet_routes(parts, answers),
        linked_routes(parts, answers),
        offered_ways(parts),
        *_own_access(parts),
        _leaving(parts),
        ours,
        *_of_any_platform(parts, ours, candles, tickers),
        TickerRoutes(view, tickers, pages),
        *_public_past(parts),
        _matches(parts),
        OrderRoutes(parts.desk, view, history, pages),
        DeadManSwitch(engine.commands),
        OrderGroupRoutes(engine.commands, view, pages),
        OrderLifeRoutes(view, history, pages),
        BatchRoutes(parts.desk),
        PortfolioRoutes(view, history, pages),
        AccountEventRoutes(resumption(parts)),
        *_notes(parts),
        *alert_routes(settings, parts.pool, parts.catalogue, history, people.audit),
        *research_routes(settings, parts.pool, parts.catalogue),
        *economy_routes(parts),
        mirror_routes(parts),
        _backtests(parts),
        *stock_routes(parts),
        _pictures(parts),
        SystemAccountRoutes(view),
        ExchangeRoutes(view, feed, engine.commands, _bounds(settings)),
        ProofRoutes(Proofs(parts.pool), people.keys),
        *_for_admins(parts),
        ErrorCatalogue(),
        parts.described,
        description,
    )
    root = (
        front,
        terminal,
        HealthRoutes(EngineCondition(engine), parts.readiness, parts.metrics, parts.clock.warnings),
        PublishedKeys(people.keys),
        static,
    )
    table = RouteTable(row for domain in api for row in domain.routes())
    description.describe(table.routes, pages, platform_choices(parts))
    return table, RouteTable((row for domain in root for row in domain.routes()), prefix="")


def _for_admins(parts: Parts) -> tuple[AdminsRoutes, ...]:
    """Return what admins do, and what they look at."""
    engine, people, jobs, pages = parts.engine, parts.people, parts.jobs, parts.settings.pages
    view, commands = engine.view, admin_commands(parts.settings, engine, people)
    naming = OutcomeNaming(parts.feeds.outcomes, parts.feeds.mirrored.names, view)
    return (
        MarketAdminRoutes(view, commands, naming, parts.feeds.mirrored.labels),
        UserAdminRoutes(people.roles, people.users, pages, commands),
        ExchangeAdminRoutes(view, engine.feed, commands),
        EngineRoutes(view, engine.feed, parts.metrics),
        SettlementRoutes(view, pages),
        AuditRoutes(people.audit, pages),
        _proposals(parts),
        _checker(parts),
        LimitRoutes(parts.limits, RateTiers(parts.pool), people.audit, view),
        TradingLimitRoutes(view, commands),
        AccountAdminRoutes(commands),
        OrderAdminRoutes(view, commands),
        JobRoutes(jobs.all, jobs.rows),
    )


def _notes(parts: Parts) -> tuple[WatchlistRoutes, NotedPortfolioRoutes, PositionRoutes]:
    """Return what people note of markets anywhere, which moves no money."""
    pool, catalogue, settings = parts.pool, parts.catalogue, parts.settings
    own, pages, view = settings.portfolio, settings.pages, parts.engine.view
    portfolios, positions = Portfolios(pool), PortfolioPositions(pool)
    holdings = Holdings(positions, view, catalogue)
    return (
        WatchlistRoutes(Watchlists(pool), catalogue, own, pages),
        NotedPortfolioRoutes(portfolios, PortfolioValues(pool), holdings, own, pages),
        PositionRoutes(positions, portfolios, view, catalogue, own, pages),
    )


def _backtests(parts: Parts) -> BacktestRoutes:
    settings, begin = parts.settings, partial(parts.jobs.rows.put, BACKTESTS, lock=BACKTESTS)
    rows = Backtests(parts.pool)
    return BacktestRoutes(rows, parts.catalogue, begin, settings.backtests, settings.pages)


def _proposals(parts: Parts) -> ProposalRoutes:
    settings, people, pool = parts.settings, parts.people, parts.pool
    agreed = approving(settings, parts.engine, people, pool, parts.segments)
    return ProposalRoutes(agreed, Proposals(pool), people.fresh, settings.pages)


def _checker(parts: Parts) -> CheckerRoutes:
    settings, people, findings = parts.settings, parts.people, Findings(parts.pool)
    view = parts.engine.view
    return CheckerRoutes(
        findings, people.audit, people.fresh, settings.checks, settings.pages, view
    )


def _public_past(parts: Parts) -> tuple[ExportRoutes, SummaryRoutes, LifecycleRoutes]:
    """Return what tells everybody of the past of our markets, beside candles and books."""
    settings, view = parts.settings, parts.engine.view
    exports = ExportRoutes(
        view,
        _projected(parts),
        lambda: settings.store.direct_url or parts.pool.url,
        settings.store.segments_folder,
        settings.past,
    )
    return (
        exports,
        SummaryRoutes(KeptSummaries(parts.pool), settings.pages),
        LifecycleRoutes(view, MarketLives(parts.pool, parts.segments), settings.pages),
    )


def _own_access(
    parts: Parts,
) -> tuple[PasswordRoutes, SessionRoutes, ProfileRoutes, MailRoutes, ApiKeyRoutes]:
    """Return what looks after one's own account, and by what one signs in to it."""
    people, sessions = parts.people, Sessions(parts.pool)
    passwords = PasswordRoutes(
        people.users,
        sessions,
        people.audit,
        people.passwords,
        people.choice,
        people.guard,
        people.sessions,
        people.fresh,
        people.recovery,
        parts.factors.rows,
    )
    return (
        passwords,
        SessionRoutes(sessions, people.sessions, people.audit, parts.settings.pages),
        ProfileRoutes(people.users, WaysIn(parts.pool), people.audit, people.addresses),
        MailRoutes(people.recovery, people.addresses),
        ApiKeyRoutes(parts.keys.service, people.fresh, people.notices, parts.settings.pages),
    )


def _pictures(parts: Parts) -> UserPictureRoutes:
    """Return what shows one user whole."""
    people, pool = parts.people, parts.pool
    return UserPictureRoutes(
        PictureSources(
            users=people.users,
            ways=WaysIn(pool),
            sessions=Sessions(pool),
            factors=parts.factors.rows,
            passkeys=PasskeyRows(pool),
            wallets=Wallets(pool),
            links=LinkedAccounts(pool),
            keys=parts.keys.service,
            audit=people.audit,
            limits=parts.limits,
            view=parts.engine.view,
        )
    )


def _leaving(parts: Parts) -> LeavingRoutes:
    people, engine = parts.people, parts.engine
    return LeavingRoutes(
        PersonalData(parts.pool),
        Sessions(parts.pool),
        people.users,
        people.audit,
        people.sessions,
        people.fresh,
        parts.revoking,
        people.outbox,
        engine.commands,
        engine.view,
    )


def _projected(parts: Parts) -> Projected:
    return Projected(parts.candles, parts.settings.engine.min_seq_wait_seconds)


def _past(parts: Parts) -> tuple[OwnCandles, Tickers]:
    """Return what tells how our markets went."""
    projected = _projected(parts)
    return OwnCandles(parts.candles, projected), Tickers(parts.candles, projected)


def _of_any_platform(
    parts: Parts, ours: MarketRoutes, candles: OwnCandles, tickers: Tickers
) -> tuple[AnyPlatformRoutes, ...]:
    """Return what has the rows about markets of any platform."""
    return feed_routes(
        parts.feeds,
        parts.engine,
        ours,
        candles,
        tickers,
        parts.volumes,
        parts.people.audit,
        parts.settings.pages,
        parts.logger,
    )


def _matches(parts: Parts) -> MatchRoutes:
    return MatchRoutes(
        Matches(parts.pool),
        parts.catalogue,
        parts.people.audit,
        parts.feeds.reader.totals,
        parts.settings.matches,
        parts.settings.pages,
    )


def _own_markets(parts: Parts) -> MarketRoutes:
    engine = parts.engine
    past = BookHistory(PastBooks(parts.pool, parts.segments), parts.replays, engine.feed)
    labels, pages = parts.feeds.mirrored.labels, parts.settings.pages
    return MarketRoutes(engine.view, engine.history, engine.feed, past, labels, pages)


def _bounds(settings: Settings) -> BoundsView:
    bets = settings.economy.bet_bounds
    return bounds_view(settings.limits, settings.http, settings.pages, settings.sockets, bets)
