"""The read side: what has left memory, by keyset, newest first."""

from dataclasses import fields

from exchange.messages.commands import CancelAll
from exchange.messages.terms import BUY, NO, OrderStatus, Outcome, TradeKind
from exchange.model.order_book import NOT_OF_THE_ORDER, Order
from exchange.proof.ledger import EntryKind
from persistence.repositories.history import Counts, History
from tests.persistence.running import (
    ANN,
    BOB,
    CASH,
    CEM,
    Running,
    cancel,
    limit,
    listing,
    open_for_trade,
    running,
)


async def a_day(engine: Running) -> History:
    """Two trades of Ann's order 1, an order of hers that was cancelled, one that is open."""
    await open_for_trade(engine)
    await engine.send(listing("snow"))
    await engine.send_all(
        limit(ANN, 60, 10, id="first"), limit(BOB, 40, 4, NO), limit(CEM, 40, 6, NO)
    )
    await engine.send_all(limit(ANN, 30, 1), limit(ANN, 31, 1, market=2, id="open"))
    await engine.send(cancel(ANN, 4))
    return History(engine.pool)


async def test_orders_read_as_they_ended(database_url: str) -> None:
    async with running(database_url) as engine:
        history = await a_day(engine)
        order = await history.order(1)
        assert order is not None
        assert (order.status, order.filled, order.remaining) == (OrderStatus.FILLED, 1000, 0)
        assert (order.filled_cash, order.locked, order.seq) == (6_000_000, 0, 8)
        assert await history.order(99) is None
        still_open = await history.order(5)
        assert still_open is not None
        still_open.resting = True
        kept = engine.view.orders[5]
        for name in (field.name for field in fields(Order) if field.name not in NOT_OF_THE_ORDER):
            assert getattr(still_open, name) == getattr(kept, name), name


async def test_orders_are_found_by_the_clients_id(database_url: str) -> None:
    async with running(database_url) as engine:
        history = await a_day(engine)
        found = await history.order_by_client_id(ANN, "first")
        assert found is not None
        assert found.id == 1
        assert await history.order_by_client_id(BOB, "first") is None
        await engine.send(limit(ANN, 99, 10**6, id="refused"))
        assert await history.order_by_client_id(ANN, "refused") is None


async def test_orders_are_listed_newest_first_by_keyset_and_filter(database_url: str) -> None:
    async with running(database_url) as engine:
        history = await a_day(engine)

        async def ids(
            *statuses: OrderStatus, market: int | None = None, before: int | None = None
        ) -> list[int]:
            return [o.id for o in await history.orders(ANN, statuses, market, before, 2)]

        assert await ids() == [5, 4]
        assert await ids(before=4) == [1]
        assert await ids(OrderStatus.FILLED) == [1]
        assert await ids(OrderStatus.OPEN, OrderStatus.CANCELLED) == [5, 4]
        assert await ids(market=2) == [5]


async def test_trades_are_listed_by_number_and_after_a_sequence(database_url: str) -> None:
    async with running(database_url) as engine:
        history = await a_day(engine)
        newest, oldest = await history.trades(1, None, 10)
        assert (newest.trade_no, oldest.trade_no) == (2, 1)
        assert (oldest.kind, oldest.side, oldest.outcome) == (TradeKind.MINT, BUY, Outcome.NO)
        assert (oldest.price, oldest.yes_price, oldest.quantity) == (4000, 6000, 400)
        assert await history.trades(1, 2, 10) == [oldest]
        assert await history.trades_after(1, 0, None, 10) == [oldest, newest]
        assert await history.trades_after(1, oldest.market_seq, None, 10) == [newest]
        assert await history.trades_after(1, 0, 1, 10) == [newest]
        assert await history.trades_after(1, newest.market_seq, None, 10) == []
        assert await history.trades(2, None, 10) == []


async def test_the_ledger_is_listed_with_the_balance_after_each_entry(database_url: str) -> None:
    async with running(database_url) as engine:
        history = await a_day(engine)
        entries = await history.ledger(ANN, None, 100)
        assert [entry.kind for entry in reversed(entries)] == [
            EntryKind.CREDIT,
            EntryKind.RESERVE,
            EntryKind.TRADE,
            EntryKind.TRADE,
            EntryKind.RESERVE,
            EntryKind.RESERVE,
            EntryKind.RELEASE,
        ]
        account = engine.view.accounts[ANN]
        last = entries[0]
        assert (last.available_after, last.locked_after) == (account.available, account.locked)
        assert entries[-1].available_after == CASH
        place = (entries[1].seq, entries[1].entry_no)
        assert await history.ledger(ANN, place, 2) == entries[2:4]


async def test_the_journal_tells_first_answers(database_url: str) -> None:
    async with running(database_url) as engine:
        history = await a_day(engine)
        answer = await history.answer(6, ANN)
        assert (answer.available, answer.locked) == (CASH - 6_000_000, 6_000_000)
        assert answer.events == engine.heard.events(6)


async def test_what_there_is_is_counted(database_url: str) -> None:
    async with running(database_url) as engine:
        history = await a_day(engine)
        await engine.send(CancelAll(BOB, None))
        assert await history.counts() == Counts(
            commands=12, accounts=3, markets=2, orders=5, open_orders=1, trades=2
        )
