"""The order in an answer, built from its command's events alone, is the order as it then was."""

import random

import pytest

from exchange.messages.bounds import TIME_MAX
from exchange.messages.commands import CancelAll, CancelOrder, Command, OpenAccount, PlaceOrder
from exchange.messages.conditions import OrderConditions
from exchange.messages.events import CommandRejected
from exchange.messages.terms import (
    FeeModel,
    OrderType,
    Outcome,
    SelfTradePrevention,
    Side,
    TimeInForce,
)
from gateway.trading.results import placed_order
from gateway.trading.views import order_view
from tests.gateway.engine_fake import EngineFake
from tests.gateway.trading_desk import open_desk

CASH = {2: 300_000_000, 3: 300_000_000, 4: 2_000_000}
"""The last is poor, so that some of its orders run out of money half-way."""
ACCOUNTS = tuple(CASH)


def any_order(draw: random.Random, market_id: int) -> PlaceOrder:
    """Any order whose terms can be; most are near the middle, so that they meet."""
    account_id, side, outcome = (
        draw.choice(ACCOUNTS),
        draw.choice(list(Side)),
        draw.choice(list(Outcome)),
    )
    prevention = draw.choice(list(SelfTradePrevention))
    quantity = draw.randint(1, 500)
    if draw.random() < 0.7:
        price = draw.randint(4_800, 5_200)
        force = draw.choice(list(TimeInForce))
        return PlaceOrder(
            account_id,
            market_id,
            side,
            outcome,
            OrderType.LIMIT,
            price,
            quantity,
            force,
            prevention,
            conditions=OrderConditions(expires_at=TIME_MAX) if force is TimeInForce.GTD else None,
        )
    if draw.random() < 0.3:
        cost = draw.randint(1, 3_000_000)
        return PlaceOrder(
            account_id,
            market_id,
            Side.BUY,
            outcome,
            OrderType.MARKET,
            None,
            None,
            TimeInForce.IOC,
            prevention,
            cost,
        )
    force = draw.choice([TimeInForce.IOC, TimeInForce.FOK])
    return PlaceOrder(
        account_id, market_id, side, outcome, OrderType.MARKET, None, quantity, force, prevention
    )


@pytest.mark.parametrize("seed", range(4))
async def test_events_tell_the_order_as_it_then_was(seed: int) -> None:
    print(f"seed {seed}")
    draw = random.Random(seed)
    async with open_desk() as desk:
        engine = desk.engine
        market = desk.list_market(
            tick_size=1, maker_fee=15, taker_fee=37, fee_model=draw.choice(list(FeeModel))
        )
        for account_id, cash in CASH.items():
            engine.run(OpenAccount(account_id, cash))
        statuses = set()
        for _ in range(1_500):
            command = any_command(draw, engine, market.id)
            answer = engine.run(command)
            if not isinstance(command, PlaceOrder) or isinstance(answer.events[0], CommandRejected):
                continue
            told = placed_order(answer.events, answer.seq, answer.at)
            kept = engine.history.placed[told.id]
            assert order_view(told, market) == order_view(kept, market)
            statuses.add((told.status, told.cancel_reason))
        engine.check()
    assert len(statuses) >= 6, statuses


def any_command(draw: random.Random, engine: EngineFake, market_id: int) -> Command:
    if draw.random() < 0.1 and engine.view.orders:
        order = draw.choice(list(engine.view.orders.values()))
        return CancelOrder(order.account_id, order.id)
    if draw.random() < 0.005:
        return CancelAll(draw.choice(ACCOUNTS), None)
    return any_order(draw, market_id)
