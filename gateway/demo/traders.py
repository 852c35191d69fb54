"""The demonstration of `probity serve --demo`: some markets, and simulated traders in them.

Laws: everything goes through the CommandPort, like anybody's orders. What is there is found and
kept: markets by their slug, accounts by their e-mail, their credits by a requestId, quotes in the
book; so a second start changes nothing. The accounts are ordinary users whose password can't be
typed; an account that somebody has registered under such an e-mail is left alone. Load is bounded:
a step a market every few seconds, a ladder of quotes a maker. Makers trade as a maker should: a
ladder is replaced by one batch of post-only orders, a group takes all out when a crowd fills too
much, and a dead-man switch when they are gone. A refusal, a full queue or a halted market is a
reason to wait, never to fail; a market that has ended ends its traders.
"""

import asyncio
import contextlib
import secrets
from collections.abc import AsyncIterator
from random import Random
from typing import Final

from exchange.messages.bounds import QUANTITY_SCALE
from exchange.messages.commands import (
    BatchOrders,
    CancelOrder,
    CreditAccount,
    OpenAccount,
    Operation,
    PlaceOrder,
    SetDeadMan,
)
from exchange.messages.conditions import OrderConditions
from exchange.messages.group_commands import ResetOrderGroup, SetOrderGroup
from exchange.messages.terms import GTC, IOC, LIMIT, MARKET, ExchangeMode, TimeInForce
from exchange.model.market import OPEN, UNFINISHED, Market
from exchange.model.state import State
from gateway.access.principals import Role
from gateway.demo.markets import DEMO_MARKETS, DemoMarket
from gateway.demo.mirrors import DemoMirrors
from gateway.demo.pricing import Holdings, Quote, Terms, make, quote_terms, take, wander
from gateway.demo.settings import DemoSettings
from gateway.demo.stocks import DemoStocks
from gateway.observability.logs import Logger
from persistence.clock import now_us
from persistence.errors import CommandNotTaken, OutcomeUnknown
from persistence.loop.ports import CommandPort
from persistence.repositories.people.users import Users

UNUSABLE_PASSWORD: Final = "!"  # noqa: S105 - no hash of any password looks like this
MAKERS: Final = ("Demo Maker North", "Demo Maker South")
TAKERS: Final = ("Demo Taker Ada", "Demo Taker Ben", "Demo Taker Cleo")
_CREDITS: Final = 1_000_000 * 1_000_000
_REQUEST_ID: Final = "demo-credits-1"
_HALF_SPREADS: Final = (80, 150)
"""A maker's distance from the fair price, in price units, by its place in MAKERS."""
_TAKE_CHANCE: Final = 0.6
"""How likely a taker trades in a step."""
_STEP_JITTER: Final = (0.5, 1.5)
_IDLE_STEPS: Final = 5
"""A market that doesn't trade at the moment is looked at only so often."""
_DEAD_MS: Final = 60_000
_ALIVE_SECONDS: Final = 20
"""Makers say so often that they live; their quotes stay for `_DEAD_MS` after the last time."""
GROUP: Final = "demo"
FILLED_MAX: Final = 1_500 * QUANTITY_SCALE
"""Of a maker's quotes in all markets, within `WINDOW` seconds: more than the takers would; then it
rests until it says the next time that it lives."""
WINDOW: Final = 10
_QUOTES: Final = OrderConditions(post_only=True, group=GROUP)


class Demo:
    """The markets and traders; `start`, then `stop` before the engine stops."""

    def __init__(
        self,
        settings: DemoSettings,
        starting_credits: int,
        commands: CommandPort,
        view: State,
        users: Users,
        logger: Logger,
        mirrors: DemoMirrors | None = None,
        stocks: DemoStocks | None = None,
    ) -> None:
        self._commands = commands
        self._view = view
        self._users = users
        self._mirrors = mirrors
        self._stocks = stocks
        self._logger = logger
        self._starting_credits = starting_credits
        self._step_seconds = settings.step_seconds
        seed = settings.seed
        self.seed = secrets.randbits(32) if seed is None else seed
        self._tasks: list[asyncio.Task[None]] = []

    async def start(self) -> None:
        """Seed what is missing and let the traders begin, if the engine takes commands."""
        try:
            await self._start()
        except (CommandNotTaken, OutcomeUnknown) as error:
            self._logger.warning("demo can't start", cause=type(error).__name__)

    async def _start(self) -> None:
        for entry in DEMO_MARKETS:
            if entry.slug not in self._view.market_by_slug:
                await self._commands.submit(entry.command(now_us()))
        makers = await self.accounts(MAKERS)
        for maker in makers:
            if GROUP not in self._view.groups.get(maker, {}):
                await self._commands.submit(SetOrderGroup(maker, GROUP, FILLED_MAX, WINDOW))
        takers = await self.accounts(TAKERS)
        for entry in DEMO_MARKETS:
            market = self._view.market_by_slug.get(entry.slug)
            if market is not None and makers:
                # A str of its own seeds each market, so its traders don't hang on the others'.
                rng = Random(f"{self.seed} {entry.slug}")  # noqa: S311 - play, not secrets
                desk = Desk(self._commands, self._view, market, entry, makers, takers, rng)
                self._tasks.append(asyncio.create_task(self._trade(desk), name=entry.slug))
        self._logger.info("demo started", seed=self.seed, markets=len(self._tasks))
        self._tasks.append(asyncio.create_task(self._live(makers), name="demo makers"))
        if self._mirrors is not None:
            self._tasks.append(asyncio.create_task(self._mirrors.run(), name="demo mirrors"))
        if self._stocks is not None and takers:
            await self._stocks.start()
            playing = self._trade_stocks(self._stocks, takers)
            self._tasks.append(asyncio.create_task(playing, name="demo stocks"))

    async def stop(self) -> None:
        """End the traders; their quotes stay until the dead-man switch, as anybody's would."""
        tasks, self._tasks = self._tasks, []
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def accounts(self, names: tuple[str, ...]) -> list[int]:
        """Return the ids of the demo's users of these names, opened and funded."""
        found = []
        for name in names:
            user_id = await self._user(name)
            if user_id is None:
                continue
            account = self._view.accounts.get(user_id)
            if account is None:
                await self._commands.submit(OpenAccount(user_id, self._starting_credits))
            if account is None or account.available + account.locked < _CREDITS // 2:
                credit = CreditAccount(user_id, _CREDITS, "demonstration", _REQUEST_ID)
                await self._commands.submit(credit)
            found.append(user_id)
        return found

    async def _user(self, name: str) -> int | None:
        email = f"{name.lower().replace(' ', '-')}@demo.invalid"
        user = await self._users.insert(email, name, Role.USER, UNUSABLE_PASSWORD, now_us())
        if user is not None:
            return user.id
        known = await self._users.credentials(email)
        if (
            known is None
            or known.password_hash != UNUSABLE_PASSWORD
            or known.user.role != Role.USER
        ):
            self._logger.warning("demo account is somebody's own, left alone", trader=name)
            return None
        return known.user.id

    async def _live(self, makers: list[int]) -> None:
        """Keep the makers' dead-man switches from firing."""
        while True:
            for maker in makers:
                with contextlib.suppress(CommandNotTaken, OutcomeUnknown):
                    await self._commands.submit(SetDeadMan(maker, _DEAD_MS))
                    if self._view.groups[maker][GROUP].triggered:
                        await self._commands.submit(ResetOrderGroup(maker, GROUP))
            await asyncio.sleep(_ALIVE_SECONDS)

    async def _trade_stocks(self, stocks: DemoStocks, traders: list[int]) -> None:
        """Let the takers trade stocks as well, step after step."""
        rng = Random(f"{self.seed} stocks")  # noqa: S311 - play, not secrets
        while True:
            try:
                await stocks.step(traders, rng)
            except Exception as error:
                # As in `_trade`: the outermost boundary.
                self._logger.exception("demo trader failed", market="stocks", exc_info=error)
            await asyncio.sleep(self._step_seconds * rng.uniform(*_STEP_JITTER))

    async def _trade(self, desk: "Desk") -> None:
        """Let one market's traders act, step after step, until the market has ended."""
        while desk.market.status in UNFINISHED:
            pause = self._step_seconds * desk.rng.uniform(*_STEP_JITTER)
            try:
                acted = await desk.step()
            except (CommandNotTaken, OutcomeUnknown):
                acted = False
            except Exception as error:
                # The outermost boundary of a trader: play must never take the exchange down.
                slug = desk.market.slug
                self._logger.exception("demo trader failed", market=slug, exc_info=error)
                acted = False
            await asyncio.sleep(pause if acted else pause * _IDLE_STEPS)


class Desk:
    """The traders of one market and the fair price they share."""

    def __init__(
        self,
        commands: CommandPort,
        view: State,
        market: Market,
        entry: DemoMarket,
        makers: list[int],
        takers: list[int],
        rng: Random,
    ) -> None:
        self.market = market
        self.rng = rng
        self._commands = commands
        self._view = view
        self._anchor = entry.fair
        self._makers = makers
        self._takers = takers
        self.fair = entry.fair if market.last_price is None else market.last_price

    async def step(self) -> bool:
        """Let every maker requote and perhaps a taker trade; return False if nothing may trade.

        Raises CommandNotTaken and OutcomeUnknown.
        """
        market = self.market
        if market.status is not OPEN or self._view.mode is not ExchangeMode.OPEN:
            return False
        self.fair = wander(self.fair, self._anchor, self.rng)
        for index, maker in enumerate(self._makers):
            await self._requote(maker, _HALF_SPREADS[index])
        if self._takers and self.rng.random() < _TAKE_CHANCE:
            taker = self.rng.choice(self._takers)
            bid, ask = market.book.bids.best, market.book.asks.best
            terms = take(
                self._held(taker),
                None if bid is None else bid.price,
                None if ask is None else ask.price,
                self.rng,
            )
            if terms is not None:
                await self._commands.submit(self._order(taker, terms, IOC))
        return True

    async def _requote(self, maker: int, half_spread: int) -> None:
        """Bring a maker's ladder to where it should be, as one command."""
        market = self.market
        account = self._view.accounts.get(maker)
        if account is None:
            return
        mine = [order for order in account.orders.values() if order.market_id == market.id]
        held = self._held(maker)
        plan = make(self.fair, held.net, market.tick_size, half_spread, mine, self.rng)
        operations: list[Operation] = [CancelOrder(maker, order_id) for order_id in plan.cancels]
        for quote in plan.quotes:
            operations.append(self._order(maker, quote_terms(quote, held), GTC, _QUOTES))
            held = _after(quote, held)
        if operations:
            await self._commands.submit(BatchOrders(maker, tuple(operations)))

    def _held(self, account_id: int) -> Holdings:
        position = self.market.positions.get(account_id)
        if position is None:
            return Holdings()
        yes, no = position.yes, position.no
        return Holdings(yes.free, no.free, yes.quantity - no.quantity)

    def _order(
        self,
        account_id: int,
        terms: Terms,
        time_in_force: TimeInForce,
        conditions: OrderConditions | None = None,
    ) -> PlaceOrder:
        return PlaceOrder(
            account_id,
            self.market.id,
            terms.side,
            terms.outcome,
            MARKET if terms.price is None else LIMIT,
            terms.price,
            terms.quantity,
            time_in_force,
            max_cost=terms.max_cost,
            conditions=conditions,
        )


def _after(quote: Quote, held: Holdings) -> Holdings:
    """Return what is still free once a quote that sells has locked its shares."""
    if quote.is_bid:
        free_no = held.free_no - (quote.quantity if held.free_no >= quote.quantity else 0)
        return held._replace(free_no=free_no)
    free_yes = held.free_yes - (quote.quantity if held.free_yes >= quote.quantity else 0)
    return held._replace(free_yes=free_yes)


@contextlib.asynccontextmanager
async def running_demo(demo: Demo | None) -> AsyncIterator[None]:
    """Start the demonstration, if there is to be one, and stop it at the end."""
    if demo is None:
        yield
        return
    try:
        await demo.start()
        yield
    finally:
        await demo.stop()
