"""One order's life as the journal tells it, against what the engine said as it happened."""

import random

import msgspec
import pytest

from exchange.messages.commands import AmendOrder, Command, PlaceOco, PlaceOrder
from exchange.messages.conditions import OrderConditions
from exchange.messages.events import OrderAmended
from exchange.messages.terms import BUY, GTC, LIMIT, NO, SELL, STOP_LIMIT, YES
from exchange.messages.waiting_events import OrderTriggered, PendingAmended
from exchange.model.order_book import Order
from persistence.journal import marked
from persistence.repositories import order_life as life
from persistence.repositories.history import History
from persistence.repositories.order_life import Moment, concerns
from tests.persistence.running import (
    ANN,
    BOB,
    CEM,
    Running,
    cancel,
    limit,
    open_for_trade,
    running,
)

PEOPLE = (ANN, BOB, CEM)


async def trade_at_random(engine: Running, seed: int) -> None:
    """Orders that trade, are amended now and then, and end in every way."""
    print(f"seed {seed}")
    chance = random.Random(seed)
    await open_for_trade(engine)
    for number in range(300):
        if number >= 30 and has_seen_all(engine):
            break
        commands: list[Command] = []
        open_orders = [
            order for one in PEOPLE for order in engine.view.accounts[one].orders.values()
        ]
        for _ in range(8):
            if open_orders and chance.random() < 0.5:
                order = chance.choice(open_orders)
                price, more = chance.randint(30, 70) * 100, chance.randint(1, 500)
                commands.append(
                    cancel(order.account_id, order.id)
                    if chance.random() < 0.3
                    else AmendOrder(order.account_id, order.id, price, order.filled + more)
                )
            elif chance.random() < 0.3:
                commands.append(wait(chance))
            else:
                args = (chance.choice(PEOPLE), chance.randint(40, 60), chance.randint(1, 9))
                outcome, side = chance.choice((YES, NO)), chance.random()
                commands.append(
                    limit(*args, outcome, side=SELL) if side < 0.2 else limit(*args, outcome)
                )
        await engine.send_all(*commands)
    # What is due comes before it.
    await engine.send_all(cancel(ANN, 0))


def has_seen_all(engine: Running) -> bool:
    """Say whether chance has brought what the test is about."""
    told = [event for done in engine.heard.executions for event in done.events]
    amends = sum(isinstance(event, OrderAmended) for event in told)
    return amends > 10 and all(
        any(isinstance(event, kind) for event in told) for kind in (OrderTriggered, PendingAmended)
    )


def wait(chance: random.Random) -> Command:
    """Place what waits for a price, now and then as one of a pair."""
    account_id, side, outcome = chance.choice(PEOPLE), chance.choice((BUY, SELL)), YES
    falls = side is SELL
    trigger = chance.randint(*((35, 48) if falls else (52, 65))) * 100
    terms = OrderConditions(trigger_price=trigger)
    price = chance.randint(35, 65) * 100
    stop = PlaceOrder(account_id, 1, side, outcome, STOP_LIMIT, price, chance.randint(1, 500), GTC)
    stop = msgspec.structs.replace(stop, conditions=terms)
    if chance.random() < 0.5:
        return stop
    rest = msgspec.structs.replace(stop, type=LIMIT, conditions=None)
    return PlaceOco(account_id, rest, stop)


def happened(engine: Running, order_id: int) -> list[Moment]:
    return [
        Moment(done.seq, done.at, event)
        for done in engine.heard.executions
        for event in done.events
        if concerns(event, order_id)
    ]


async def whole_life(history: History, order: Order, limit: int) -> tuple[list[Moment], int]:
    """Walk through all pages; return the moments, and how many pages there were."""
    found: list[Moment] = []
    pages, after = 0, 0
    while True:
        page, further = await history.order_life(order, after, limit)
        assert len({moment.seq for moment in page}) <= limit
        found += page
        pages += 1
        if further is None:
            return found, pages
        assert further > after
        after = further


@pytest.mark.parametrize("bounded", [False, True])
async def test_every_order_tells_what_happened_to_it(
    database_url: str, monkeypatch: pytest.MonkeyPatch, bounded: bool
) -> None:
    if bounded:
        # A page ends before its end in each of the ways it can.
        monkeypatch.setattr(life, "ENTRIES_LOOKED_THROUGH", 7)
        monkeypatch.setattr(marked, "ROWS_LOOKED_THROUGH", 3)
        monkeypatch.setattr(marked, "ROWS_READ", 2)
    else:
        # More rows than that hold an amend or a trigger of somebody.
        monkeypatch.setattr(marked, "ROWS_READ", 1_000)
    async with running(database_url) as engine:
        await trade_at_random(engine, random.randrange(2**32))
        history = History(engine.pool)
        amended = triggered = changed = 0
        for number in range(1, engine.live.next_order_id):
            order = await history.order(number)
            assert order is not None
            amended += order.version > 1
            found, pages = await whole_life(history, order, 50)
            triggered += any(isinstance(moment.event, OrderTriggered) for moment in found)
            changed += any(isinstance(moment.event, PendingAmended) for moment in found)
            assert found == happened(engine, number), number
            assert bounded or pages == 1
            found, pages = await whole_life(history, order, 1)
            assert found == happened(engine, number), number
        assert amended > 3
        assert triggered
        assert changed
