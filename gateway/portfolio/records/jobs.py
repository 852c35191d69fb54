"""What portfolios are worth, noted once a day: people's own, and what they hold on the exchange.

Laws: a day has one value of a portfolio, the first that was noted, so a run that is begun again
goes on where the one before ended, and changes nothing that it wrote. It comes every hour, so that
a day whose first minutes had no worker, or not yet the portfolio, has its value, too. It asks the
database alone, as a worker has no view of the exchange: our prices are those of the last trades. It
goes step by step, each bounded, and lets the event loop go between portfolios.
"""

import asyncio
from collections.abc import Callable
from itertools import groupby
from operator import attrgetter
from typing import Final

from exchange.messages.terms import NO, YES
from exchange.model.accounts import Holding
from gateway.feeds.known import MarketCatalogue, MarketRef
from gateway.jobs.job import Arguments, Job
from gateway.observability.logs import Logger
from gateway.portfolio.records.holdings import held_of
from gateway.portfolio.records.valuation import Figures, Held, figures, lot_of, money_of_ours
from persistence.clock import MICROSECONDS, now_us
from persistence.repositories.portfolio_positions import PortfolioPositions
from persistence.repositories.portfolio_values import DAY_US, HeldHere, Noted, PortfolioValues

STEP: Final = 20
"""Portfolios, or people, whose positions are read at once."""
PRUNED: Final = 1_000
"""Rows of days that are over which go in one step."""
PRUNE_STEPS_MAX: Final = 1_000


class PortfolioHistory:
    """Notes what portfolios are worth."""

    def __init__(
        self,
        positions: PortfolioPositions,
        values: PortfolioValues,
        markets: MarketCatalogue,
        logger: Logger,
        *,
        kept_s: int,
        clock: Callable[[], int] = now_us,
    ) -> None:
        """Note the values of these; those of days more than `kept_s` seconds ago go."""
        self._positions = positions
        self._values = values
        self._markets = markets
        self._logger = logger
        self._kept_us = kept_s * MICROSECONDS
        self._clock = clock

    def jobs(self) -> tuple[Job, ...]:
        """Return the jobs of this file."""
        return (
            Job(
                name="portfolio-values",
                # From the first minutes of a day on, not with what is on the hour.
                schedule="3 * * * *",
                run=self.run,
                time_limit_s=3_600,
                tries=5,
                first_wait_s=60,
            ),
        )

    async def run(self, _arguments: Arguments) -> None:
        """Note today's values that aren't noted yet, and throw away those that are too old."""
        at = self._clock()
        day = at // DAY_US
        noted = await self._note_portfolios(day, at)
        here = await self._note_here(day, at)
        gone = await self._prune((at - self._kept_us) // DAY_US)
        self._logger.info("portfolios were valued", portfolios=noted, people=here, gone=gone)

    async def _note_portfolios(self, day: int, at: int) -> int:
        noted = after = 0
        while ids := await self._values.to_note(after, day, STEP):
            shares = await self._positions.open_shares(ids)
            closed = await self._positions.closed_sums(ids)
            values = await self._worth(held_of(ids, shares, closed))
            await self._values.note(day, at, values)
            noted, after = noted + len(values), ids[-1]
        return noted

    async def _note_here(self, day: int, at: int) -> int:
        noted = after = 0
        while rows := await self._values.here_to_note(after, day, STEP):
            people = groupby(rows, key=attrgetter("account_id"))
            held = {user_id: _held_here(list(found)) for user_id, found in people}
            values = await self._worth(held)
            await self._values.note_here(day, at, values)
            noted, after = noted + len(values), rows[-1].account_id
        return noted

    async def _worth(self, held: dict[int, Held]) -> list[Noted]:
        refs: dict[MarketRef, None] = {lot.ref: None for has in held.values() for lot in has.lots}
        known = await self._markets.known_many(refs) if refs else {}
        values = []
        for owner, has in held.items():
            values.append(_noted(owner, figures(has, known)))
            await asyncio.sleep(0)  # the engine may share this event loop
        return values

    async def _prune(self, before: int) -> int:
        gone = 0
        for _ in range(PRUNE_STEPS_MAX):
            step = await self._values.prune(before, PRUNED)
            gone += step
            if step < PRUNED:
                break
        return gone


def _noted(owner: int, found: Figures) -> Noted:
    return Noted(owner, found.positions, found.unpriced, found.cost, found.value, found.realized)


def _held_here(rows: list[HeldHere]) -> Held:
    """Return what one account holds, by its rows."""
    lots = [
        lot_of(Holding(row.account_id, row.market_id, outcome, free=quantity, cost=cost))
        for row in rows
        for outcome, quantity, cost in ((YES, row.yes, row.yes_cost), (NO, row.no, row.no_cost))
        if quantity
    ]
    return Held(tuple(lots), 0, money_of_ours(sum(row.realised for row in rows)))
