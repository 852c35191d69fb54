"""The boards, against a twin that looks at every account after every command, over random days."""

from collections.abc import AsyncIterator
from random import Random
from typing import NamedTuple

import pytest
from asyncpg.exceptions import DivisionByZeroError

from exchange.messages.bounds import MONEY_SCALE
from exchange.messages.commands import (
    Command,
    CreateMarket,
    CreditAccount,
    DebitAccount,
    Leg,
    OpenAccount,
    PlaceOrder,
    ResolveMarket,
    TransferCash,
)
from exchange.messages.terms import (
    BUY,
    GTC,
    LIMIT,
    NO,
    SELL,
    YES,
    FeeModel,
    MoneyKind,
    Resolution,
)
from exchange.model.system_accounts import HOUSE
from persistence.repositories.leaderboards import computing, statements
from persistence.repositories.leaderboards.boards import Leaderboards
from persistence.repositories.leaderboards.computing import GRACE_US, make_boards
from persistence.repositories.leaderboards.words import Board, Span, start_of
from tests.lengths import length
from tests.persistence.repositories.leaderboards.twin import Twin
from tests.persistence.running import HOUR, Running, listing, running

PEOPLE = (*range(1, 8), HOUSE)
HIDDEN = 5
BEGIN = 1_790_000_000_000_000
"""In September 2026; the days that follow pass ends of weeks and months."""
FAILING = "SELECT 1 / 0 * ($1::bigint + $2::bigint + $3::bigint + $4::bigint)"
YEARS = 20_000 * HOUR


class Exchange(NamedTuple):
    engine: Running
    twin: Twin
    url: str


@pytest.fixture
async def exchange(database_url: str) -> AsyncIterator[Exchange]:
    """An engine with a twin that listens, seven people and the house; one person isn't shown."""
    twin = Twin()
    async with running(database_url, listeners=[twin]) as engine:
        engine.clock.fixed = BEGIN
        await engine.pool.execute(
            "INSERT INTO users (id, email, role, password_hash, created_at, preferences)"
            " OVERRIDING SYSTEM VALUE"
            " SELECT i, i || '@example.org', 'USER', '', 1, CASE WHEN i = $1 THEN"
            ' \'{"profile": {"leaderboards": false}}\'::jsonb END'
            " FROM generate_series(1, 7) AS i",
            HIDDEN,
        )
        for one in PEOPLE:
            await engine.send(OpenAccount(one, 5_000 * MONEY_SCALE))
        yield Exchange(engine, twin, database_url)


def new_market(number: int, rng: Random) -> CreateMarket:
    fees = {"maker_fee": rng.choice((0, 20)), "taker_fee": rng.choice((0, 70))}
    model = rng.choice(tuple(FeeModel))
    return listing(f"market-{number}", close_in=YEARS, tick_size=1, fee_model=model, **fees)


def chosen(rng: Random, markets: list[int]) -> Command:
    """Anything that moves credits or shares; small numbers, so that there are ties."""
    market, person = rng.choice(markets), rng.choice(PEOPLE)
    amount = rng.randint(1, 20) * MONEY_SCALE
    roll = rng.random()
    if roll < 0.06:
        return CreditAccount(person, amount, "given", kind=rng.choice(tuple(MoneyKind)))
    if roll < 0.09:
        return DebitAccount(person, amount, "taken")
    if roll < 0.12:
        other = rng.choice([one for one in PEOPLE if one != person])
        return TransferCash(person, (Leg(person, other, amount),), "passed on")
    if roll < 0.17:
        resolution = rng.choice(tuple(Resolution))
        payout = rng.randint(1, 9_999) if resolution is Resolution.SPLIT else None
        return ResolveMarket(market, resolution, payout, "")
    side = BUY if rng.random() < 0.7 else SELL
    price = rng.choice((2_000, 3_500, 5_000, 6_500, 7_777))
    outcome = rng.choice((YES, NO))
    return PlaceOrder(person, market, side, outcome, LIMIT, price, rng.randint(1, 5) * 100, GTC)


async def compare(exchange: Exchange, now: int, forecasts_min: int) -> None:
    """The boards are the twin's, and everybody's own standing is their place."""
    twin, reader = exchange.twin, Leaderboards(exchange.engine.pool)
    made = await make_boards(exchange.url, now, forecasts_min=forecasts_min)
    assert made is not None
    assert made.through_seq == exchange.engine.view.seq
    expected = twin.boards(now, forecasts_min, lambda account: account != HIDDEN)
    heads = await reader.heads()
    for (board, span), places in expected.items():
        head = heads[board, span]
        assert (head.since, head.made_at) == (start_of(span, now), now)
        assert (head.through_seq, head.ranked) == (made.through_seq, len(places))
        found = await reader.places(board, span, now, 0, 100)
        assert found is not None
        assert [(one.account_id, one.score) for one in found] == places, (board, span)
        assert [one.rank for one in found] == list(range(1, len(places) + 1))
        for rank, (account, score) in enumerate(places, 1):
            own = await reader.standing(account, span)
            assert (own.scores[board], own.ranks[board]) == (score, rank)
        hidden = await reader.standing(HIDDEN, span)
        assert hidden.ranks[board] is None
    gains = sum(figures.gain for figures in twin.figures.values())
    assert gains == -twin.fees


@pytest.mark.parametrize("seed", range(length(2, long=60)))
async def test_boards_are_what_brute_force_says(
    seed: int,
    exchange: Exchange,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    rng = Random(seed)
    monkeypatch.setattr(computing, "COMMANDS_AT_ONCE", rng.choice((1, 7, 40, 20_000)))
    monkeypatch.setattr(computing, "ACCOUNTS_AT_ONCE", rng.choice((1, 3, 25_000)))
    monkeypatch.setattr(computing, "ENTRIES_AT_ONCE", rng.choice((1, 9, 400_000)))
    monkeypatch.setattr(computing, "TRADES_AT_ONCE", rng.choice((1, 3, 100_000)))
    engine, markets, compared = exchange.engine, 0, 0
    now = BEGIN
    for number in range(length(260, long=800)):
        now += rng.choice((0, 1, HOUR // 10, HOUR, HOUR, 9 * HOUR))
        if rng.random() < 0.05:
            # At and right before a midnight.
            now = start_of(Span.DAY, now) + 24 * HOUR - rng.choice((0, 1))
        engine.clock.fixed = now
        if number < 3 or rng.random() < 0.04:
            await engine.send(new_market(markets := markets + 1, rng))
        await engine.send(chosen(rng, list(range(max(1, markets - 4), markets + 1))))
        if rng.random() < 0.08:
            asked = now + GRACE_US + rng.choice((0, 0, HOUR, 30 * HOUR))
            if start_of(Span.DAY, asked) != start_of(Span.DAY, asked - GRACE_US):
                asked += GRACE_US
            await compare(exchange, asked, rng.choice((1, 2)))
            now, compared = asked, compared + 1
    assert compared > 5
    assert exchange.twin.figures[1].volume > 0
    assert sum(figures.forecasts for figures in exchange.twin.figures.values()) > 2


async def test_right_after_midnight_the_day_before_is_shown(
    exchange: Exchange,
) -> None:
    """A command of before may still be on its way; then one of the new day begins it."""
    engine, reader = exchange.engine, Leaderboards(exchange.engine.pool)
    midnight = start_of(Span.DAY, BEGIN) + 24 * HOUR

    async def volume(now: int) -> dict[int, int]:
        await make_boards(exchange.url, now, forecasts_min=1)
        heads = await reader.heads()
        head = heads[Board.VOLUME, Span.DAY]
        found = await reader.places(Board.VOLUME, Span.DAY, now, 0, 9)
        assert found is not None
        return {0: head.since} | {one.account_id: one.score for one in found}

    async def trade(at: int) -> None:
        engine.clock.fixed = at
        await engine.send(PlaceOrder(1, 1, BUY, YES, LIMIT, 5_000, 100, GTC))
        await engine.send(PlaceOrder(2, 1, BUY, NO, LIMIT, 5_000, 100, GTC))

    await engine.send(listing(close_in=YEARS))
    await volume(midnight - HOUR)
    once = 5_000 * 100
    await trade(midnight - 1)
    before = {0: midnight - 24 * HOUR, 1: once, 2: once}
    assert await volume(midnight + 1) == before
    await trade(midnight - 1)
    assert await volume(midnight + 2) == before | {1: 2 * once, 2: 2 * once}
    await trade(midnight + 3)
    assert await volume(midnight + 4) == {0: midnight, 1: once, 2: once}


async def test_a_run_that_fails_leaves_the_last_boards(
    exchange: Exchange,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    engine, reader = exchange.engine, Leaderboards(exchange.engine.pool)
    await engine.send(listing(close_in=YEARS))
    await compare(exchange, BEGIN + GRACE_US, 1)
    heads = await reader.heads()
    await engine.send(PlaceOrder(1, 1, BUY, YES, LIMIT, 5_000, 100, GTC))
    await engine.send(PlaceOrder(2, 1, BUY, NO, LIMIT, 5_000, 100, GTC))
    later = BEGIN + 3 * GRACE_US
    with monkeypatch.context() as patch:
        patch.setattr(
            statements,
            "BOARDS",
            FAILING,
        )
        with pytest.raises(DivisionByZeroError):
            await make_boards(exchange.url, later, forecasts_min=1)
    assert await reader.heads() == heads
    await compare(exchange, later, 1)
