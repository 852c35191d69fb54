"""One account's fills and settlements, and why credits were issued, as the store tells them."""

import random

import pytest

from exchange.messages.commands import CreditAccount, ResolveMarket
from exchange.messages.events import PositionSettled, TradeExecuted
from exchange.messages.terms import NO, Resolution
from exchange.proof.ledger import EntryKind
from persistence.repositories import history as past
from persistence.repositories.history import EntryPlace, History, PastFill
from tests.persistence.running import (
    ANN,
    BOB,
    CEM,
    Running,
    limit,
    listing,
    open_for_trade,
    running,
)

PEOPLE = (ANN, BOB, CEM)


async def trade_at_random(engine: Running, seed: int) -> None:
    print(f"seed {seed}")
    chance = random.Random(seed)
    await open_for_trade(engine)
    await engine.send(listing("snow"))
    for _ in range(8):
        orders = []
        for _ in range(12):
            outcome = chance.choice((None, NO))
            price, market = chance.randint(45, 55), chance.choice((1, 2))
            args = (chance.choice(PEOPLE), price, chance.randint(1, 9))
            orders.append(
                limit(*args, market=market)
                if outcome is None
                else limit(*args, outcome, market=market)
            )
        await engine.send_all(*orders)


def sides(engine: Running, account: int) -> list[tuple[int, int, int, bool, int]]:
    """What the events say: (market, trade, order, is taker, fee), newest first."""
    found = []
    for execution in reversed(engine.heard.executions):
        trades = [event for event in execution.events if isinstance(event, TradeExecuted)]
        for trade in reversed(trades):
            key = (trade.market_id, trade.trade_no)
            if trade.taker_account_id == account:
                found.append((*key, trade.taker_order_id, True, trade.taker_fee))
            elif trade.maker_account_id == account:
                found.append((*key, trade.maker_order_id, False, trade.maker_fee))
    return found


def told(fills: list[PastFill]) -> list[tuple[int, int, int, bool, int]]:
    return [(f.market_id, f.trade_no, f.order_id, f.is_taker, f.fee) for f in fills]


async def all_fills(
    history: History, account: int, market: int | None = None, order: int | None = None
) -> tuple[list[PastFill], int]:
    """Walk through all pages of three; return the fills, and how many pages there were."""
    found: list[PastFill] = []
    pages, place = 0, None
    wanted = None if order is None else await history.order(order)
    while True:
        further: EntryPlace | None
        page, further = await history.fills(account, market, wanted, place, 3)
        assert len(page) <= 3
        found += page
        pages += 1
        if further is None:
            return found, pages
        place = further


async def test_fills_are_both_sides_of_every_trade(database_url: str) -> None:
    async with running(database_url) as engine:
        await trade_at_random(engine, 3)
        history = History(engine.pool)
        for account in PEOPLE:
            expected = sides(engine, account)
            assert len(expected) > 10
            assert told((await all_fills(history, account))[0]) == expected
            for market in (1, 2):
                in_market = [side for side in expected if side[0] == market]
                assert told((await all_fills(history, account, market))[0]) == in_market
            order = expected[len(expected) // 2][2]
            of_order = [side for side in expected if side[2] == order]
            assert told((await all_fills(history, account, order=order))[0]) == of_order


async def test_a_page_of_fills_looks_through_so_many_entries_and_goes_on(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with running(database_url) as engine:
        await trade_at_random(engine, 4)
        history = History(engine.pool)
        whole = (await all_fills(history, ANN))[0]
        monkeypatch.setattr(past, "FILLS_LOOKED_THROUGH", 2)
        found, pages = await all_fills(history, ANN)
        assert found == whole
        entries = await history.ledger(ANN, None, 10_000)
        assert pages >= len(entries) // 2


async def test_settlements_hold_what_paid_nothing_too(database_url: str) -> None:
    async with running(database_url) as engine:
        await trade_at_random(engine, 5)
        await engine.send(ResolveMarket(1, Resolution.YES, None, "seen"))
        await engine.send(ResolveMarket(2, Resolution.SPLIT, 2500, ""))
        settled = [
            (execution.seq, event)
            for execution in reversed(engine.heard.executions)
            for event in execution.events
            if isinstance(event, PositionSettled)
        ]
        assert any(event.payout == 0 for _, event in settled)
        history = History(engine.pool)
        for account in PEOPLE:
            expected = [
                (seq, e.market_id, e.yes_quantity, e.no_quantity, e.payout)
                for seq, e in settled
                if e.account_id == account
            ]
            found = await history.settlements(account, None, None, 10)
            shown = [(s.seq, s.market_id, s.yes_quantity, s.no_quantity, s.payout) for s in found]
            assert shown == expected
            assert await history.settlements(account, None, found[0].seq, 10) == found[1:]
            assert await history.settlements(account, 1, None, 10) == [
                one for one in found if one.market_id == 1
            ]


async def test_a_credit_is_told_with_its_reason(database_url: str) -> None:
    async with running(database_url) as engine:
        await open_for_trade(engine)
        await engine.send(CreditAccount(ANN, 5, "for a good question"))
        await engine.send(limit(ANN, 50, 1))
        entries = await History(engine.pool).ledger(ANN, None, 10)
        assert [(entry.kind, entry.reason) for entry in entries] == [
            (EntryKind.RESERVE, None),
            (EntryKind.CREDIT, "for a good question"),
            (EntryKind.CREDIT, "starting credits"),
        ]
