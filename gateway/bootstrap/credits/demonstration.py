"""The demonstration, put together: traders, mirrors, stocks, and people who bet."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from prometheus_client import CollectorRegistry

from gateway.bootstrap.compose import Running
from gateway.bootstrap.credits.mirrors import demo_mirrors
from gateway.bootstrap.economy import betting_of
from gateway.bootstrap.settings import Settings
from gateway.demo.bettors import Bettors, running_bettors
from gateway.demo.stocks import DemoStocks
from gateway.demo.traders import Demo, running_demo
from gateway.observability.logs import Logger
from persistence.repositories.economy.bets import Bets


@asynccontextmanager
async def demonstration(
    running: Running, settings: Settings, logger: Logger, *, wanted: bool
) -> AsyncIterator[Demo | None]:
    """Let people trade and bet in a process that is up, if that is wanted, until the block ends."""
    if not wanted:
        yield None
        return
    engine, people, pool = running.engine, running.people, running.pool
    traders = Demo(
        settings.demo,
        settings.sign_in.starting_credits,
        engine.commands,
        engine.view,
        people.users,
        logger,
        mirrors=demo_mirrors(settings, running.feeds, pool, engine, people, logger),
        stocks=DemoStocks(running.stocks, pool),
    )
    # Whoever plays isn't counted.
    betting = betting_of(settings, running.feeds, pool, engine, people, CollectorRegistry())
    pace = settings.demo.step_seconds, traders.seed
    bettors = Bettors(betting, Bets(pool), engine.view, logger, traders.accounts, *pace)
    async with running_demo(traders), running_bettors(bettors):
        yield traders
