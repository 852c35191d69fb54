"""The demonstration: it seeds once, trades within its bounds, and survives whatever happens."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from random import Random

import pytest

from exchange.messages.bounds import QUANTITY_MAX
from exchange.messages.commands import (
    BatchOrders,
    CloseMarket,
    Command,
    CreateMarket,
    CreditAccount,
    OpenAccount,
    PlaceOrder,
    ResolveMarket,
    SetDeadMan,
    SetExchangeMode,
    SetMarketStatus,
    operations_of,
)
from exchange.messages.events import CommandRejected, OrderPlaced
from exchange.messages.group_commands import SetOrderGroup
from exchange.messages.terms import (
    BUY,
    GTC,
    LIMIT,
    NO,
    YES,
    ExchangeMode,
    MarketStatus,
    Resolution,
    SelfTradePrevention,
)
from exchange.model.order_book import Order, own_price
from gateway.bootstrap.settings import load_settings
from gateway.demo.markets import DEMO_MARKETS
from gateway.demo.pricing import INVENTORY_MAX, LEVELS, SLACK, Holdings, ladder, make, take, wander
from gateway.demo.traders import (
    GROUP,
    MAKERS,
    TAKERS,
    UNUSABLE_PASSWORD,
    WINDOW,
    Demo,
    Desk,
)
from gateway.observability.logs import configure_logs
from persistence.errors import QueueFull
from persistence.loop.ports import Answer
from persistence.postgres.database import create_pool
from persistence.repositories.people.users import Users
from tests.gateway.engine_fake import EngineFake

SEED = 20_260_101
SETTINGS = load_settings({"DEMO_SEED": str(SEED), "DEMO_STEP_SECONDS": "0.001"})
MAKER_IDS, TAKER_IDS = [1, 2], [3, 4, 5]
OPEN_ORDERS_MAX = 2 * (LEVELS + SLACK)


class FullNowAndThen(EngineFake):
    """Refuses every fiftieth command."""

    refused = 0
    asked = 0

    def submit(self, command: Command) -> asyncio.Future[Answer]:
        self.asked += 1
        if self.asked % 50 == 0:
            self.refused += 1
            raise QueueFull
        return super().submit(command)


def market_running() -> tuple[EngineFake, Desk]:
    """One demo market with funded traders, none of whom has acted."""
    engine = EngineFake()
    entry = DEMO_MARKETS[0]
    engine.run(entry.command(engine.now))
    for account in (*MAKER_IDS, *TAKER_IDS):
        engine.run(OpenAccount(account, 10**12))
    for maker in MAKER_IDS:
        # A step takes no time here: what is filled in a window of it is the whole day's.
        engine.run(SetOrderGroup(maker, GROUP, QUANTITY_MAX, WINDOW))
    market = engine.view.markets[1]
    print(f"seed {SEED}")
    return engine, Desk(engine, engine.view, market, entry, MAKER_IDS, TAKER_IDS, Random(SEED))


@asynccontextmanager
async def demo_on(engine: EngineFake, database_url: str) -> AsyncIterator[Demo]:
    pool = await create_pool(database_url, size=2)
    demo = Demo(
        SETTINGS.demo,
        SETTINGS.sign_in.starting_credits,
        engine,
        engine.view,
        Users(pool),
        configure_logs("error"),
    )
    try:
        await demo.start()
        yield demo
    finally:
        await demo.stop()
        await pool.close()


async def until(condition: Callable[[], object]) -> None:
    while not condition():  # noqa: ASYNC110 - the demo tells nobody when it trades
        await asyncio.sleep(0.001)


async def test_the_first_start_seeds_and_a_second_finds_everything(database_url: str) -> None:
    engine = EngineFake()
    async with demo_on(engine, database_url):
        await until(lambda: all(market.trade_no > 2 for market in engine.view.markets.values()))
    slugs = [entry.slug for entry in DEMO_MARKETS]
    assert list(engine.view.market_by_slug) == slugs
    assert len(engine.view.accounts) == len(MAKERS) + len(TAKERS)
    seeded, before = len(engine.submitted), engine.state_hash()
    async with demo_on(engine, database_url):
        assert engine.state_hash() == before, "nothing moved until the traders did"
    kinds = {type(command) for command in engine.submitted[seeded:]}
    assert not kinds & {CreateMarket, OpenAccount, CreditAccount, SetOrderGroup}
    engine.check()


async def test_no_trader_is_left_after_the_stop(database_url: str) -> None:
    engine = EngineFake()
    async with demo_on(engine, database_url):
        await until(lambda: engine.view.orders)
    names = {task.get_name() for task in asyncio.all_tasks()}
    assert not names & {entry.slug for entry in DEMO_MARKETS}


async def test_an_account_somebody_registered_is_left_alone(database_url: str) -> None:
    engine = EngineFake()
    pool = await create_pool(database_url, size=2)
    email = "demo-maker-north@demo.invalid"
    stranger = await Users(pool).insert(email, "Stranger", "USER", "$argon2id$x", 1)
    await pool.close()
    assert stranger is not None
    async with demo_on(engine, database_url):
        await until(lambda: engine.view.orders)
    assert stranger.id not in engine.view.accounts


async def test_demo_accounts_are_users_nobody_can_sign_in_as(database_url: str) -> None:
    async with demo_on(EngineFake(), database_url):
        pass
    pool = await create_pool(database_url, size=2)
    users, _ = await Users(pool).page(100, 0)
    found = [await Users(pool).credentials(user.email or "") for user in users]
    await pool.close()
    assert [(known.user.role, known.password_hash) for known in found if known] == [
        ("USER", UNUSABLE_PASSWORD)
    ] * (len(MAKERS) + len(TAKERS))


async def test_traders_keep_a_market_alive_within_their_bounds() -> None:
    engine, desk = market_running()
    refused: Counter[str] = Counter()
    sent_before = len(engine.submitted)
    for _ in range(1_000):
        assert await desk.step()
        book = desk.market.book
        assert book.bids.best is not None
        assert book.asks.best is not None
        for maker in MAKER_IDS:
            account = engine.view.accounts[maker]
            assert len(account.orders) <= OPEN_ORDERS_MAX
            position = desk.market.positions.get(maker)
            if position is not None:
                net = position.yes.quantity - position.no.quantity
                assert abs(net) < 2 * INVENTORY_MAX
        for taker in TAKER_IDS:
            assert not engine.view.accounts[taker].orders
    engine.check()
    sent = engine.submitted[sent_before:]
    for answer in engine._answers.values():
        refused.update(e.reason.name for e in answer.events if isinstance(e, CommandRejected))
    print(f"{len(sent)} commands, {desk.market.trade_no} trades, refused {dict(refused)}")
    assert desk.market.trade_no > 300
    assert {trade.outcome for trade in engine.history.tape} == {YES, NO}
    assert {trade.kind.value for trade in engine.history.tape} == {"TRANSFER", "MINT", "MERGE"}
    assert refused.total() < sum(map(operations_of, sent)) / 100
    assert {type(command) for command in sent} == {BatchOrders, PlaceOrder}
    assert len(sent) < 8 * 1_000, "a few orders a step"


async def test_the_makers_quotes_go_when_the_demo_is_gone(database_url: str) -> None:
    engine = EngineFake()
    async with demo_on(engine, database_url):
        await until(lambda: engine.view.orders)
        await until(lambda: {SetDeadMan} <= {type(command) for command in engine.submitted})
    assert engine.view.orders
    engine.now += 60_000_001
    engine.run(SetExchangeMode(ExchangeMode.OPEN))
    assert not engine.view.orders
    engine.check()


async def test_the_same_seed_gives_the_same_day() -> None:
    hashes = []
    for _ in range(2):
        engine, desk = market_running()
        for _ in range(50):
            await desk.step()
        hashes.append(engine.state_hash())
    assert hashes[0] == hashes[1]


@pytest.mark.parametrize("status", [MarketStatus.HALTED, MarketStatus.FULL_HALT])
async def test_a_halted_market_is_waited_for(status: MarketStatus) -> None:
    engine, desk = market_running()
    await desk.step()
    engine.run(SetMarketStatus(1, status))
    before = len(engine.submitted)
    assert not await desk.step()
    assert len(engine.submitted) == before
    engine.run(SetMarketStatus(1, MarketStatus.OPEN))
    assert await desk.step()


async def test_a_closed_exchange_is_waited_for() -> None:
    engine, desk = market_running()
    engine.run(SetExchangeMode(ExchangeMode.CANCEL_ONLY))
    assert not await desk.step()


async def test_an_ended_market_ends_its_traders_alone(database_url: str) -> None:
    engine = EngineFake()
    async with demo_on(engine, database_url):
        first, second = list(engine.view.markets.values())[:2]
        await until(lambda: first.trade_no and second.trade_no)
        engine.run(ResolveMarket(first.id, Resolution.YES, None, "test"))
        engine.run(CloseMarket(second.id))
        running = {entry.slug for entry in DEMO_MARKETS} - {first.slug, second.slug}
        await until(
            lambda: (
                {task.get_name() for task in asyncio.all_tasks()} & set(engine.view.market_by_slug)
                == running
            )
        )
    engine.check()


async def test_lost_answers_are_survived(database_url: str) -> None:
    engine = EngineFake()
    async with demo_on(engine, database_url):
        market = engine.view.markets[1]
        await until(lambda: market.trade_no)
        trades = market.trade_no
        engine.loses_answers = True
        await until(lambda: market.trade_no > trades)
        engine.loses_answers = False
        trades = market.trade_no
        await until(lambda: market.trade_no > trades)
    engine.check()


async def test_a_full_queue_is_survived(database_url: str) -> None:
    engine = FullNowAndThen()
    async with demo_on(engine, database_url):
        market = engine.view.markets[1]
        await until(lambda: engine.refused > 3 and market.trade_no)
        refused, trades = engine.refused, market.trade_no
        await until(lambda: engine.refused > refused and market.trade_no > trades)
    engine.check()


def test_a_ladder_lies_about_the_fair_price_and_leans_against_what_is_held() -> None:
    assert ladder(5050, 0, 100, 80) == ([4900, 4800, 4700, 4600], [5200, 5300, 5400, 5500])
    assert ladder(5050, INVENTORY_MAX, 100, 80)[0] == []
    assert ladder(5050, INVENTORY_MAX, 100, 80)[1] == [4800, 4900, 5000, 5100]
    assert ladder(5050, -INVENTORY_MAX, 100, 80)[1] == []
    assert ladder(300, 0, 100, 80)[0] == [200, 100]
    assert ladder(9700, 0, 100, 80)[1] == [9800, 9900]


def test_only_stale_quotes_are_cancelled() -> None:
    def quote(order_id: int, yes_price: int, *, is_bid: bool) -> Order:
        outcome = YES if is_bid else NO
        placed = OrderPlaced(
            order_id, 1, 1, BUY, outcome, LIMIT, own_price(outcome, yes_price), 100,
            GTC, SelfTradePrevention.CANCEL_TAKER, None, None, 0, True,
        )  # fmt: skip
        return Order(placed, 1, 1)

    mine = [
        quote(1, 5000, is_bid=True),  # better than the ladder: would be taken
        quote(2, 4900, is_bid=True),
        quote(3, 4900, is_bid=True),  # a second at the same price
        quote(4, 4300, is_bid=True),  # behind the ladder, but not far
        quote(5, 4200, is_bid=True),  # far behind
        quote(6, 5200, is_bid=False),
    ]
    plan = make(5050, 0, 100, 80, mine, Random(SEED))
    assert plan.cancels == [1, 3, 5]
    assert [(q.is_bid, q.yes_price) for q in plan.quotes] == [
        (True, 4800), (True, 4700), (True, 4600), (False, 5300), (False, 5400), (False, 5500),
    ]  # fmt: skip


def test_the_fair_price_stays_inside_and_near_its_anchor() -> None:
    print(f"seed {SEED}")
    rng, fair, seen = Random(SEED), 1500, []
    for _ in range(10_000):
        fair = wander(fair, 1500, rng)
        seen.append(fair)
    assert min(seen) >= 300
    assert max(seen) <= 9700
    assert abs(sum(seen) / len(seen) - 1500) < 300


def test_a_taker_needs_somebody_to_trade_with() -> None:
    rng = Random(SEED)
    assert all(take(Holdings(), None, None, rng) is None for _ in range(20))


def test_no_market_names_a_date_that_passes() -> None:
    engine = EngineFake()
    for entry in DEMO_MARKETS:
        answer = engine.run(entry.command(engine.now))
        assert not isinstance(answer.events[0], CommandRejected)
        assert not any(character.isdigit() for character in entry.question)
