"""A process in which everything of the economy happens by chance, and may end anywhere.

    bets, sales, daily rewards, referrals, purchases, trades of stocks, who is sold out by them or
    by a day's interest, admins' credits and debits, orders, resolutions, the sweep, the projector

What is asked for under an id is told by the id alone, so that whoever asks again in a later process
asks for the same.
"""

import contextlib
from collections.abc import Callable
from datetime import timedelta
from random import Random
from typing import Any, Final

import msgspec
from prometheus_client import CollectorRegistry

from exchange.messages.bounds import MONEY_SCALE
from exchange.messages.commands import (
    Command,
    CreditAccount,
    DebitAccount,
    OpenAccount,
    PlaceOrder,
    ResolveMarket,
)
from exchange.messages.terms import BUY, GTC, LIMIT, NO, SELL, YES, Resolution
from gateway.bootstrap.settings import load_settings
from gateway.economy.bets.betting import NOTES as BET_NOTES
from gateway.economy.bets.betting import Betting
from gateway.economy.bets.tallies import BetMetrics
from gateway.economy.movements.movements import Kind, Movements, Point
from gateway.economy.purchases.buying import Buying, note_answer
from gateway.economy.purchases.providers import DECLINED, SimulatedProvider
from gateway.economy.referrals.rewarding import Rewarding
from gateway.economy.rewards.claims import Claims
from gateway.economy.rewards.rules import day_of
from gateway.economy.stocks.desk import StockDesk
from gateway.economy.stocks.desk import note_answer as note_stock
from gateway.economy.stocks.jobs import StockInterest
from gateway.economy.stocks.orders import Ask
from gateway.wire.errors import ApiError
from persistence.clock import now_us
from persistence.errors import CommandNotTaken
from persistence.postgres.database import connect
from persistence.projection.process import projections
from persistence.proof.verification import verify
from persistence.repositories.audit import AuditLog
from persistence.repositories.economy.bets import Bets
from persistence.repositories.economy.referrals import Referrals
from persistence.repositories.economy.rewards import DailyRewards
from persistence.repositories.economy.stocks.stocks import NewStock, Stocks
from persistence.repositories.leaderboards.computing import make_boards
from tests.persistence.bet_stories import project
from tests.persistence.running import Running, listing

PEOPLE: Final = range(1, 7)
SYMBOLS: Final = ("ORCA", "PUMA")
DAY_US: Final = 86_400_000_000
LATEST: Final = 6
"""Markets that are traded: the ones that were listed last."""
Reached = Callable[[Point, Kind], None]
"""Is told where the process is; it may end it."""


class Days:
    """A clock in microseconds since the epoch, which stands until it is moved on."""

    def __init__(self) -> None:
        self.now = now_us()

    def __call__(self) -> int:
        return self.now


class MortalMovements(Movements):
    """The three steps, which say where they are."""

    says: Reached

    def reached(self, point: Point, kind: Kind) -> None:
        self.says(point, kind)


class MortalInterest(StockInterest):
    """A day's interest, which says where it is."""

    says: Reached

    def reached(self, point: Point, kind: Kind) -> None:
        self.says(point, kind)


class Life:
    """One process: an engine and what moves money outside its book.

    `most` is how many credits anybody is given; `reached` hears of each point; `clock` is moved on,
    and what claims of rewards are to go by.
    """

    def __init__(
        self, engine: Running, url: str, reached: Reached, most: int, clock: Days | None = None
    ) -> None:
        settings = load_settings({"MAX_USER_CREDITS": str(most)}).economy
        pool, audit, view = engine.pool, AuditLog(engine.pool), engine.view
        notes = {**BET_NOTES, Kind.PURCHASE: note_answer}
        notes |= {Kind.STOCK: note_stock, Kind.LIQUIDATION: note_stock}
        movements = MortalMovements(pool, engine.sequencer, audit, notes)
        movements.says = reached
        unused: Any = None
        self.engine = engine
        self.url = url
        self.movements = movements
        self.claims = Claims(DailyRewards(pool), movements, view, settings)
        self.buying = Buying(
            *(pool, movements, view, SimulatedProvider(), audit, settings.user_credits_max),
            is_open=True,
        )
        self.rewarding = Rewarding(pool, movements, view, settings)
        registry = CollectorRegistry()
        # None of the markets is another venue's.
        self.betting = Betting(Bets(pool), movements, view, BetMetrics(registry), unused)
        self.desk = StockDesk(pool, movements, engine.sequencer, view, registry, audit)
        # It neither queues nor logs where it is called like this.
        self.interest = MortalInterest(pool, unused, audit, unused)
        self.interest.says = reached
        self.clock = clock or Days()

    async def act(self, rng: Random, favoured: Kind | None = None) -> None:
        """Do anything, of one kind more than of others; what is refused is an answer, too."""
        self.clock.now += rng.choice((0, 0, 0, DAY_US // 3, DAY_US))
        deeds = {
            Kind.BET: self._bet,
            Kind.SALE: self._sell,
            Kind.REWARD: self._claim,
            Kind.REFERRAL: self._invite,
            Kind.PURCHASE: self._buy,
            Kind.STOCK: self._trade_stock,
            Kind.LIQUIDATION: self._add_interest,
            None: self._anything_else,
        }
        kind = rng.choice((*deeds, None, None, None))
        if favoured is not None and rng.random() < 0.4:
            kind = favoured
        with contextlib.suppress(ApiError, CommandNotTaken):
            await deeds[kind](rng)

    async def _bet(self, rng: Random) -> None:
        person, number, market_id = rng.choice(PEOPLE), rng.randint(1, 30), self._market(rng)
        terms = ("THIS", "THAT")[number % 2], (10 + number) * MONEY_SCALE
        worst, name = (None, 8_000)[number % 3 == 0], f"b-{market_id}-{number}"
        market = self.engine.view.markets[market_id]
        await self.betting.bet(person, market, *terms, worst, name, "call")

    async def _sell(self, rng: Random) -> None:
        rows = await self.engine.pool.fetch(
            "SELECT account_id, id FROM bets WHERE bought > 0 ORDER BY id DESC LIMIT 20"
        )
        if not rows:
            await self._bet(rng)
            return
        person, bet = rng.choice(rows)
        number = rng.randint(1, 5)
        quantity = None if number == 1 else number * 100
        await self.betting.sell(person, bet, quantity, None, f"s-{bet}-{number}", "call")

    async def _claim(self, rng: Random) -> None:
        await self.claims.claim(rng.choice(PEOPLE), "call")

    async def _buy(self, rng: Random) -> None:
        method = rng.choice(("test-card", "test-card", DECLINED))
        asked = rng.choice((None, f"p-{rng.randint(1, 9)}"))
        await self.buying.buy(rng.choice(PEOPLE), "starter", method, asked, "call")

    async def _invite(self, rng: Random) -> None:
        """Somebody comes by another one's code, or what is due to both is given."""
        if rng.random() < 0.5:
            person = await new_person(self.engine)
            await Referrals(self.engine.pool).add(person, rng.choice(PEOPLE))
            order = traded(person, self._market(rng), rng)
            await self.engine.send(msgspec.structs.replace(order, account_id=person))
        await self.rewarding.look()

    async def _trade_stock(self, rng: Random) -> None:
        person, symbol, number = rng.choice(PEOPLE), rng.choice(SYMBOLS), rng.randint(1, 60)
        shares = 100 * (1 + number % 20)
        ask = Ask(is_buy=number % 3 > 0, shares=shares, leverage=1 + number % 5)
        if number % 3 == 0:
            ask = Ask(is_buy=False, shares=shares)
        asked = rng.choice((None, f"t-{symbol}-{number}"))
        await self.desk.trade(person, symbol, ask, asked, "call")

    async def _add_interest(self, rng: Random) -> None:
        """A day's interest, of much that is owed; whoever is sold out is paid by the sweep."""
        if rng.random() < 0.5:
            ask = Ask(is_buy=True, shares=2_000, leverage=5)
            await self.desk.trade(rng.choice(PEOPLE), rng.choice(SYMBOLS), ask, None, "call")
        day = await self.engine.pool.fetchval("SELECT max(interest_day) FROM stocks")
        await self.interest.add(day + timedelta(days=1))
        await self.sweep()

    async def _anything_else(self, rng: Random) -> None:
        roll = rng.random()
        if roll < 0.1:
            await self.sweep()
        elif roll < 0.2:
            await self.project()
        elif roll < 0.25:
            ends = rng.choice((Resolution.YES, Resolution.NO, Resolution.VOID))
            await self.engine.send(ResolveMarket(self._market(rng), ends, None, ""))
            await self.engine.send(listing(f"market-{self.engine.view.seq}", taker_fee=50))
        elif roll < 0.4:
            await self.engine.send(given(rng))
        else:
            await self.engine.send(traded(rng.choice(PEOPLE), self._market(rng), rng))

    def _market(self, rng: Random) -> int:
        return max(self.engine.view.markets) - rng.randrange(LATEST)

    async def sweep(self) -> None:
        """Go on with what others left, as if their claims were over."""
        await self.engine.pool.execute("UPDATE money_intents SET tried_at = 0")
        await self.engine.pool.execute("UPDATE purchases SET tried_at = 0")
        await self.movements.finish_left()
        await self.buying.finish_left()

    async def project(self) -> None:
        """Bring what follows from the journal up to its end."""
        await project(self.url, projections())

    async def finish(self) -> None:
        """See everything through; nothing is left then."""
        for _ in range(20):
            await self.rewarding.look()
            await self.sweep()
        await self.project()
        assert await self.left() == 0

    async def left(self) -> int:
        """How much has no end yet."""
        found: int = await self.engine.pool.fetchval(
            "SELECT (SELECT count(*) FROM money_intents WHERE status = 'PENDING')"
            " + (SELECT count(*) FROM stocks WHERE under_way IS NOT NULL)"
            " + (SELECT count(*) FROM purchases WHERE status IN ('CHARGING', 'REFUSED'))"
            " + (SELECT count(*) FROM referrals r WHERE rewarded_at IS NULL"
            "     AND EXISTS (SELECT FROM orders o WHERE o.account_id = r.invited_id))"
        )
        return found


def traded(person: int, market_id: int, rng: Random) -> PlaceOrder:
    """An order."""
    side, outcome = (BUY if rng.random() < 0.8 else SELL), rng.choice((YES, NO))
    price, quantity = rng.choice((3_000, 5_000, 7_000)), rng.randint(1, 9) * 100
    return PlaceOrder(person, market_id, side, outcome, LIMIT, price, quantity, GTC)


def given(rng: Random) -> Command:
    """What an admin gives or takes; ids are used again."""
    person, amount = rng.choice(PEOPLE), rng.randint(1, 30) * MONEY_SCALE
    if rng.random() < 0.5:
        return CreditAccount(person, amount, "given", f"c-{rng.randint(1, 40)}")
    return DebitAccount(person, amount, "taken", f"d-{rng.randint(1, 40)}")


async def new_person(engine: Running) -> int:
    """Somebody new, with a thousand credits."""
    person: int = await engine.pool.fetchval(
        "INSERT INTO users (email, role, password_hash, created_at) SELECT"
        " coalesce(max(id), 0) + 1 || '@example.org', 'USER', '', $1 FROM users RETURNING id",
        now_us(),
    )
    await engine.send(OpenAccount(person, 1_000 * MONEY_SCALE))
    return person


async def begin(engine: Running) -> None:
    """Six people of whom each but the first was invited by the one before, six markets, and two
    stocks on which interest is dear.
    """
    for person in PEOPLE:
        assert await new_person(engine) == person
        if person > 1:
            assert await Referrals(engine.pool).add(person, person - 1)
    for number in PEOPLE:
        await engine.send(listing(f"market-{number}", maker_fee=10, taker_fee=50))
    for symbol in SYMBOLS:
        terms = NewStock(symbol, symbol, MONEY_SCALE, MONEY_SCALE // 100, 800, 1_000)
        await Stocks(engine.pool).add(terms, now_us(), day_of(now_us()))


async def check(life: Life) -> None:
    """All there is came from somewhere, once, and `probity verify` finds nothing."""
    pool, view = life.engine.pool, life.engine.view
    moved = await pool.fetchval(
        "SELECT coalesce(sum(amount), 0)::bigint FROM money_intents WHERE status = 'DONE'"
    )
    by_hand = await pool.fetchval(
        "SELECT coalesce(sum(l.available), 0)::bigint FROM ledger l JOIN credits c"
        " ON c.account_id = l.owner_id AND c.command_seq = l.command_seq"
        " WHERE l.owner = 1 AND c.kind = 1"
    )
    assert view.issued == moved + by_hand
    cash = sum(one.available + one.locked for one in view.accounts.values())
    collateral = sum(market.collateral for market in view.markets.values())
    assert cash + collateral + view.fees == view.issued
    doubled = await pool.fetch(
        "SELECT seq FROM money_intents WHERE status = 'DONE' GROUP BY seq HAVING count(*) <> 1"
    )
    assert doubled == []
    await _each_intent_has_its_row(pool)
    made = await make_boards(life.url, now_us() + 60_000_000, forecasts_min=1)
    assert made is not None
    gains = await pool.fetchval(
        "SELECT coalesce(sum(gain), 0)::bigint FROM leaderboard_standings WHERE span = 1"
    )
    # What stocks bring is between their traders, and no part of it.
    assert gains == -view.fees
    connection = await connect(life.url)
    try:
        results = [result async for result in verify(connection)]
    finally:
        await connection.close()
    assert [result for result in results if not result.passed] == []


async def _each_intent_has_its_row(pool: Any) -> None:
    rows = await pool.fetchrow(
        "SELECT (SELECT count(*) FROM daily_rewards) AS rewards,"
        " (SELECT count(*) FROM purchases WHERE intent_id IS NOT NULL) AS purchases,"
        " (SELECT count(inviter_intent) + count(invited_intent) FROM referrals) AS referrals,"
        " (SELECT count(*) FROM bets) AS bets, (SELECT count(*) FROM bet_sales) AS sales,"
        " (SELECT count(intent_id) FROM stock_orders) AS stocks,"
        " (SELECT count(*) FROM money_intents) AS intents"
    )
    counted = dict(rows)
    print(counted)
    assert counted.pop("intents") == sum(counted.values())
