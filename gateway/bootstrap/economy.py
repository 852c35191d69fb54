"""The credits economy, put together: its routes, its jobs, and the work of the engine's process."""

from contextlib import AsyncExitStack

from prometheus_client import CollectorRegistry

from exchange.model.state import State
from gateway.bootstrap.credits.mirrors import mirroring_of
from gateway.bootstrap.feeds import Feeds
from gateway.bootstrap.identity.people import People
from gateway.bootstrap.parts import Parts
from gateway.bootstrap.settings import Settings
from gateway.bootstrap.sockets import Hearers
from gateway.economy.bets.betting import NOTES as BET_NOTES
from gateway.economy.bets.betting import Betting
from gateway.economy.bets.routes import BetRoutes
from gateway.economy.bets.tallies import BetMetrics
from gateway.economy.bets.telling import TOPIC as BETS_TOPIC
from gateway.economy.bets.telling import BetTelling
from gateway.economy.leaderboards.reading import Reading
from gateway.economy.leaderboards.routes import LeaderboardRoutes
from gateway.economy.movements.movements import Kind, Movements
from gateway.economy.purchases.buying import Buying, note_answer
from gateway.economy.purchases.providers import SimulatedProvider
from gateway.economy.purchases.routes import PurchaseRoutes
from gateway.economy.referrals.rewarding import Rewarding
from gateway.economy.referrals.routes import ReferralRoutes
from gateway.economy.rewards.claims import Claims
from gateway.economy.rewards.routes import DailyCreditsRoutes
from gateway.economy.settings import EconomySettings, Seller
from gateway.economy.stocks.admin_routes import StockAdminRoutes
from gateway.economy.stocks.desk import StockDesk
from gateway.economy.stocks.desk import note_answer as note_stock_answer
from gateway.economy.stocks.quote_routes import StockQuoteRoutes
from gateway.economy.stocks.routes import StockRoutes
from gateway.economy.transactions.routes import TransactionRoutes
from gateway.engine_side.running import EngineSide
from gateway.jobs.supervisor import Supervisor
from gateway.markets.projected import Projected
from gateway.observability.metrics import Metrics
from persistence.postgres.database import DeadlinePool
from persistence.repositories.economy.bets import Bets
from persistence.repositories.economy.purchases import Purchases
from persistence.repositories.economy.referrals import Referrals
from persistence.repositories.economy.rewards import DailyRewards
from persistence.repositories.economy.stocks.reading import StockReading
from persistence.repositories.economy.stocks.stocks import Stocks
from persistence.repositories.economy.transactions import Transactions
from persistence.repositories.leaderboards.boards import Leaderboards


def movements_of(pool: DeadlinePool, engine: EngineSide, people: People) -> Movements:
    """Return the steps by which money moves outside the book."""
    return Movements(
        pool,
        engine.commands,
        people.audit,
        {
            **BET_NOTES,
            Kind.PURCHASE: note_answer,
            Kind.STOCK: note_stock_answer,
            Kind.LIQUIDATION: note_stock_answer,
        },
        takes_commands=engine.feed.takes_commands,
    )


def buying_of(
    settings: EconomySettings, pool: DeadlinePool, engine: EngineSide, people: People
) -> Buying:
    """Return what sells credits."""
    return Buying(
        pool,
        movements_of(pool, engine, people),
        engine.view,
        SimulatedProvider(),
        people.audit,
        settings.user_credits_max,
        is_open=settings.purchases is not Seller.OFF,
    )


def economy_routes(
    parts: Parts,
) -> tuple[
    DailyCreditsRoutes
    | TransactionRoutes
    | PurchaseRoutes
    | ReferralRoutes
    | LeaderboardRoutes
    | BetRoutes,
    ...,
]:
    """Return what has the rows of the economy."""
    view, settings = parts.engine.view, parts.settings.economy
    movements = movements_of(parts.pool, parts.engine, parts.people)
    claims = Claims(DailyRewards(parts.pool), movements, view, settings)
    return (
        DailyCreditsRoutes(claims, view, settings),
        TransactionRoutes(Transactions(parts.pool), view, parts.settings.pages),
        PurchaseRoutes(
            buying_of(settings, parts.pool, parts.engine, parts.people),
            Purchases(parts.pool),
            view,
            parts.settings.pages,
        ),
        ReferralRoutes(Referrals(parts.pool), view, settings, parts.settings.pages),
        leaderboard_routes(parts),
        bet_routes(parts),
    )


def leaderboard_routes(parts: Parts) -> LeaderboardRoutes:
    """Return what shows the leaderboards."""
    rows = Leaderboards(parts.pool)
    reading = Reading(rows, parts.feeds.sorted_sets, parts.metrics.cache)
    minutes = parts.settings.economy.leaderboard_minutes
    return LeaderboardRoutes(reading, rows, parts.settings.pages, minutes=minutes)


def betting_of(
    settings: Settings,
    feeds: Feeds,
    pool: DeadlinePool,
    engine: EngineSide,
    people: People,
    registry: CollectorRegistry,
) -> Betting:
    """Return what places bets and sells them again."""
    movements = movements_of(pool, engine, people)
    mirrors = mirroring_of(settings, feeds, pool, engine, people)
    return Betting(Bets(pool), movements, engine.view, BetMetrics(registry), mirrors)


def bet_routes(parts: Parts) -> BetRoutes:
    """Return what takes bets and shows them."""
    rows, view = Bets(parts.pool), parts.engine.view
    known = parts.settings, parts.feeds, parts.pool, parts.engine, parts.people
    return BetRoutes(
        betting_of(*known, parts.metrics.registry),
        rows,
        view,
        Projected(rows, parts.settings.engine.min_seq_wait_seconds),
        parts.settings.economy,
        parts.settings.pages,
        parts.limits.charge_reads,
    )


async def tell_bets(
    stack: AsyncExitStack,
    pool: DeadlinePool,
    hearers: Hearers,
    view: State,
    supervisor: Supervisor,
) -> None:
    """Tell the sockets of this process what became of bets, until the stack ends."""
    topic = hearers.topics.open(BETS_TOPIC)
    telling = BetTelling(Bets(pool), topic, view, hearers.users.rooms.keys)
    await stack.enter_async_context(supervisor.running(telling.NAME, telling.run))


def stock_desk(
    pool: DeadlinePool, engine: EngineSide, people: People, metrics: Metrics
) -> StockDesk:
    """Return what trades stocks, of which a process has one."""
    movements = movements_of(pool, engine, people)
    return StockDesk(pool, movements, engine.commands, engine.view, metrics.registry, people.audit)


def stock_routes(
    parts: Parts,
) -> tuple[StockRoutes | StockQuoteRoutes | StockAdminRoutes, ...]:
    """Return what has the rows of stocks."""
    desk, rows, reading = parts.stocks, Stocks(parts.pool), StockReading(parts.pool)
    return (
        StockRoutes(desk, rows, reading, parts.engine.view, parts.settings.pages),
        StockQuoteRoutes(rows, reading, parts.engine.view),
        StockAdminRoutes(desk, rows, reading, parts.people.audit, parts.pool),
    )


async def watch_economy(
    stack: AsyncExitStack,
    settings: EconomySettings,
    pool: DeadlinePool,
    engine: EngineSide,
    people: People,
    supervisor: Supervisor,
) -> None:
    """See through what was intended and has no answer yet, until the stack ends."""
    movements = movements_of(pool, engine, people)
    await stack.enter_async_context(supervisor.running(movements.NAME, movements.run))
    buying = buying_of(settings, pool, engine, people)
    await stack.enter_async_context(supervisor.running(buying.NAME, buying.run))
    rewarding = Rewarding(pool, movements, engine.view, settings)
    await stack.enter_async_context(supervisor.running(rewarding.NAME, rewarding.run))
