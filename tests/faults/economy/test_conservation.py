"""Random days of the whole economy, in processes that die anywhere: each credit is accounted for.

What dies here is the asyncio side of a process, in place: at a point of a movement, with whatever
else was under way, and its engine with it. `kill -9` of real ones is `test_kills_at_steps.py`.
"""

import contextlib
from collections import Counter
from pathlib import Path
from random import Random

import pytest

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
from gateway.economy.movements.movements import Kind, Movements, Point
from gateway.economy.purchases.buying import Buying, PaymentDeclined, note_answer
from gateway.economy.purchases.providers import DECLINED, SimulatedProvider
from gateway.economy.referrals.rewarding import Rewarding
from gateway.economy.rewards import claims
from gateway.economy.rewards.claims import Claims
from gateway.economy.room import CreditsLimit
from gateway.engine_side.refusals import EngineRefused
from gateway.wire.errors import Conflict
from persistence.clock import now_us
from persistence.postgres.database import connect
from persistence.proof.verification import verify
from persistence.repositories.audit import AuditLog
from persistence.repositories.economy.referrals import Referrals
from persistence.repositories.economy.rewards import DailyRewards
from persistence.repositories.leaderboards.computing import make_boards
from tests.lengths import length
from tests.persistence.running import Running, listing, running

PEOPLE = range(1, 7)
DAY = 86_400_000_000
MOST = 1_600
"""So few credits may anybody be given that some are refused."""


class Died(BaseException):
    """The process is no more."""


class Mortal(Movements):
    """Dies at a point by chance."""

    rng: Random
    chance = 0.0
    died: Counter[tuple[Kind, Point]]

    def reached(self, point: Point, kind: Kind) -> None:
        if self.rng.random() < self.chance:
            self.died[kind, point] += 1
            raise Died


class Life:
    """One process: an engine and what moves money outside its book."""

    def __init__(
        self, engine: Running, rng: Random, chance: float, died: Counter[tuple[Kind, Point]]
    ) -> None:
        settings = load_settings({"MAX_USER_CREDITS": str(MOST)}).economy
        pool, audit = engine.pool, AuditLog(engine.pool)
        movements = Mortal(pool, engine.sequencer, audit, {Kind.PURCHASE: note_answer})
        movements.rng, movements.chance, movements.died = rng, chance, died
        self.engine = engine
        self.movements = movements
        self.claims = Claims(DailyRewards(pool), movements, engine.view, settings)
        self.buying = Buying(
            pool,
            movements,
            engine.view,
            SimulatedProvider(),
            audit,
            settings.user_credits_max,
            is_open=True,
        )
        self.rewarding = Rewarding(pool, movements, engine.view, settings)

    async def act(self, rng: Random) -> None:
        """Do anything; what is refused is an answer, too."""
        person, roll = rng.choice(PEOPLE), rng.random()
        with contextlib.suppress(Conflict, CreditsLimit, EngineRefused, PaymentDeclined):
            if roll < 0.15:
                await self.claims.claim(person, "call")
            elif roll < 0.3:
                method = rng.choice(("test-card", "test-card", DECLINED))
                asked = rng.choice((None, f"p-{rng.randint(1, 9)}"))
                await self.buying.buy(person, "starter", method, asked, "call")
            elif roll < 0.4:
                await self.rewarding.look()
            elif roll < 0.5:
                await self.sweep()
            else:
                await self.engine.send(traded(person, rng))

    async def sweep(self) -> None:
        """Go on with what others left, as if their claims were over."""
        await self.engine.pool.execute("UPDATE money_intents SET tried_at = 0")
        await self.engine.pool.execute("UPDATE purchases SET tried_at = 0")
        await self.movements.finish_left()
        await self.buying.finish_left()

    async def left(self) -> int:
        """How much has no end yet."""
        found: int = await self.engine.pool.fetchval(
            "SELECT (SELECT count(*) FROM money_intents WHERE status = 'PENDING')"
            " + (SELECT count(*) FROM purchases WHERE status IN ('CHARGING', 'REFUSED'))"
            " + (SELECT count(*) FROM referrals r WHERE rewarded_at IS NULL"
            "     AND EXISTS (SELECT FROM orders o WHERE o.account_id = r.invited_id))"
        )
        return found


def traded(person: int, rng: Random) -> Command:
    """An order, a resolution, or what an admin gives and takes; ids are used again."""
    amount, roll = rng.randint(1, 30) * MONEY_SCALE, rng.random()
    if roll < 0.1:
        return CreditAccount(person, amount, "given", f"c-{rng.randint(1, 40)}")
    if roll < 0.2:
        return DebitAccount(person, amount, "taken", f"d-{rng.randint(1, 40)}")
    market = rng.randint(1, 6)
    if roll < 0.24:
        ends = rng.choice((Resolution.YES, Resolution.NO, Resolution.VOID))
        return ResolveMarket(market, ends, None, "")
    side, outcome = (BUY if rng.random() < 0.8 else SELL), rng.choice((YES, NO))
    price = rng.choice((3_000, 5_000, 7_000))
    return PlaceOrder(person, market, side, outcome, LIMIT, price, rng.randint(1, 9) * 100, GTC)


async def begin(url: str, folder: Path) -> None:
    """Six people of whom each but the first was invited by the one before, and six markets."""
    async with running(url, folder) as engine:
        await engine.pool.execute(
            "INSERT INTO users (id, email, role, password_hash, created_at)"
            " OVERRIDING SYSTEM VALUE SELECT i, i || '@example.org', 'USER', '', $1"
            " FROM generate_series(1, 6) AS i",
            now_us(),
        )
        for person in PEOPLE:
            await engine.send(OpenAccount(person, 1_000 * MONEY_SCALE))
            if person > 1:
                assert await Referrals(engine.pool).add(person, person - 1)
        for number in PEOPLE:
            await engine.send(listing(f"market-{number}", maker_fee=10, taker_fee=50))


async def check(life: Life, url: str) -> None:
    """Nothing is left, and all there is came from somewhere, once."""
    engine, pool, view = life.engine, life.engine.pool, life.engine.view
    given = await pool.fetchval(
        "SELECT coalesce(sum(amount), 0)::bigint FROM money_intents WHERE status = 'DONE'"
    )
    by_hand = await pool.fetchval(
        "SELECT coalesce(sum(l.available), 0)::bigint FROM ledger l JOIN credits c"
        " ON c.account_id = l.owner_id AND c.command_seq = l.command_seq"
        " WHERE l.owner = 1 AND c.kind = 1"
    )
    assert view.issued == given + by_hand
    cash = sum(one.available + one.locked for one in view.accounts.values())
    collateral = sum(market.collateral for market in view.markets.values())
    assert cash + collateral + view.fees == view.issued
    doubled = await pool.fetch(
        "SELECT i.system_id FROM money_intents i JOIN ledger l ON l.command_seq = i.seq"
        " AND l.owner_id = i.account_id AND l.owner = 1"
        " GROUP BY i.system_id HAVING count(*) <> 1"
    )
    assert doubled == []
    rows = await pool.fetchrow(
        "SELECT (SELECT count(*) FROM daily_rewards) AS rewards,"
        " (SELECT count(*) FROM purchases WHERE intent_id IS NOT NULL) AS purchases,"
        " (SELECT count(inviter_intent) + count(invited_intent) FROM referrals) AS referrals,"
        " (SELECT count(*) FROM money_intents) AS intents"
    )
    assert rows is not None
    assert rows["rewards"] + rows["purchases"] + rows["referrals"] == rows["intents"]
    made = await make_boards(url, now_us() + 60_000_000, forecasts_min=1)
    assert made is not None
    gains = await pool.fetchval(
        "SELECT coalesce(sum(gain), 0)::bigint FROM leaderboard_standings WHERE span = 1"
    )
    assert gains == -view.fees
    print({key: rows[key] for key in ("rewards", "purchases", "referrals")}, "of", engine.view.seq)


@pytest.mark.parametrize("seed", range(length(2, long=40)))
async def test_every_credit_is_accounted_for(
    seed: int, database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rng, died, now = Random(seed), Counter[tuple[Kind, Point]](), [now_us()]
    monkeypatch.setattr(claims, "now_us", lambda: now[0])
    await begin(database_url, tmp_path)
    for _ in range(length(8, long=60)):
        async with running(database_url, tmp_path) as engine:
            life = Life(engine, rng, 0.02, died)
            try:
                for _ in range(rng.randint(5, 60)):
                    now[0] += rng.choice((0, 0, 0, DAY // 3, DAY))
                    await life.act(rng)
            except Died:
                engine.crash()
    async with running(database_url, tmp_path) as engine:
        life = Life(engine, rng, 0.0, died)
        for _ in range(20):
            await life.rewarding.look()
            await life.sweep()
        assert await life.left() == 0
        await check(life, database_url)
    connection = await connect(database_url)
    try:
        results = [result async for result in verify(connection)]
    finally:
        await connection.close()
    assert [result for result in results if not result.passed] == []
    print("died at", sorted(f"{kind}:{point}" for kind, point in died))
    assert died
