"""People of the demonstration who bet, each with a habit, as anybody does by `POST /bets`.

    FAVOURITES   on the likelier side, and waits for the end
    LONG_SHOTS   on the less likely one, little
    SWINGS       on either; sells again what stands well, or badly

Laws: every bet takes the three steps of all bets, so it is stored, placed once and seen through;
load is bounded: a step every few seconds, of one person. What is refused is a reason to wait.
"""

import asyncio
import contextlib
import enum
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from random import Random
from typing import Final, NamedTuple

from exchange.messages.bounds import MONEY_SCALE, PRICE_SCALE, STORED_MAX
from exchange.model.market import OPEN, Market
from exchange.model.state import State
from gateway.demo.markets import DEMO_MARKETS
from gateway.economy.bets.betting import SIDES, Betting
from gateway.economy.bets.orders import sale_order
from gateway.economy.bets.quotes import Quotes
from gateway.observability.logs import Logger
from gateway.wire.errors import ApiError
from persistence.errors import CommandNotTaken, OutcomeUnknown
from persistence.postgres.database import OUTAGES
from persistence.repositories.economy.bets import BetFilter, Bets

BETTORS: Final = ("Demo Bettor Finn", "Demo Bettor Gala", "Demo Bettor Hugo")
STEP_TIMES: Final = 4.0
"""A bettor acts so many times more rarely than a market's traders."""
_CALL: Final = "demo"
_JITTER: Final = (0.5, 1.5)
_WELL: Final = 105
_BADLY: Final = 80
"""Per cent of what it cost that a bet brings when it is sold again."""
_LOOKED_AT: Final = 20


class Habit(enum.Enum):
    """What somebody bets on, by their place in BETTORS."""

    FAVOURITES = 0
    LONG_SHOTS = 1
    SWINGS = 2


class Stake(NamedTuple):
    """What is bet: on a side, so many credits (money)."""

    side: str
    amount: int


def choose(habit: Habit, chance: int, rng: Random) -> Stake:
    """Return what somebody bets on a market whose YES stands at `chance` (a price)."""
    likelier = "THIS" if chance * 2 >= PRICE_SCALE else "THAT"
    if habit is Habit.FAVOURITES:
        return Stake(likelier, rng.randrange(20, 61) * MONEY_SCALE)
    if habit is Habit.LONG_SHOTS:
        return Stake("THAT" if likelier == "THIS" else "THIS", rng.randrange(10, 16) * MONEY_SCALE)
    return Stake(rng.choice(("THIS", "THAT")), rng.randrange(15, 41) * MONEY_SCALE)


class Bettors:
    """They bet until they are stopped."""

    def __init__(
        self,
        betting: Betting,
        rows: Bets,
        view: State,
        logger: Logger,
        accounts: Callable[[tuple[str, ...]], Awaitable[list[int]]],
        step_seconds: float,
        seed: int,
    ) -> None:
        """`accounts` opens those of these names; `seed` is that of the demonstration."""
        self._betting = betting
        self._rows = rows
        self._view = view
        self._logger = logger
        self._accounts = accounts
        self._people: Sequence[int] = ()
        self._pause = step_seconds * STEP_TIMES
        self._rng = Random(f"{seed} bettors")  # noqa: S311 - play, not secrets
        self._quotes = Quotes(view)

    async def open(self) -> None:
        """Open their accounts; where the engine takes nothing just now, `run` does."""
        with contextlib.suppress(CommandNotTaken, OutcomeUnknown):
            self._people = await self._accounts(BETTORS)

    async def run(self) -> None:
        """Act, step after step, until cancelled."""
        while True:
            await asyncio.sleep(self._pause * self._rng.uniform(*_JITTER))
            try:
                await self.step()
            except (ApiError, CommandNotTaken, OutcomeUnknown, *OUTAGES):
                continue  # the next one may fare better
            except Exception as error:
                # The outermost boundary: play must never take the exchange down.
                self._logger.exception("demo bettor failed", exc_info=error)

    async def step(self) -> None:
        """Let somebody bet, or sell again; raises what betting does."""
        if not self._people:
            await self.open()
        markets = [
            market
            for entry in DEMO_MARKETS
            if (market := self._view.market_by_slug.get(entry.slug)) is not None
            and market.status is OPEN
        ]
        if not markets or not self._people:
            return
        number, market = self._rng.randrange(len(self._people)), self._rng.choice(markets)
        account_id, habit = self._people[number], Habit(number % len(Habit))
        if habit is Habit.SWINGS and await self._sold(account_id, market):
            return
        stake = choose(habit, market.last_price or PRICE_SCALE // 2, self._rng)
        await self._betting.bet(account_id, market, stake.side, stake.amount, None, None, _CALL)

    async def _sold(self, account_id: int, market: Market) -> bool:
        """Sell the first of somebody's bets that stands well or badly enough; say whether one did.

        Raises what selling does.
        """
        wanted = BetFilter(("OPEN",), market.id)
        for bet in await self._rows.page(account_id, wanted, STORED_MAX, _LOOKED_AT):
            left = await self._rows.sellable(bet.id)
            if bet.state is None or not left:
                continue
            order = sale_order(market, account_id, SIDES[bet.side], left, None, None)
            made = await self._quotes.of(order)
            cost = bet.state.left
            if not _BADLY * cost <= 100 * (made.money - made.fee) <= _WELL * cost:
                await self._betting.sell(account_id, bet.id, None, None, None, _CALL)
                return True
        return False


@contextlib.asynccontextmanager
async def running_bettors(bettors: Bettors | None) -> AsyncIterator[None]:
    """Let them bet, if there are any, until the block ends."""
    if bettors is None:
        yield
        return
    await bettors.open()
    task = asyncio.create_task(bettors.run(), name="demo bettors")
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
