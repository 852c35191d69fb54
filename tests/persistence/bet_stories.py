"""Bets over a running engine: the rows and the steps as the gateway takes them, and a projector."""

from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from exchange.messages.commands import Command, PlaceOrder
from exchange.messages.conditions import OrderConditions
from exchange.messages.events import CommandRejected, TradeExecuted
from exchange.messages.terms import BUY, IOC, MARKET, SELL, YES, Outcome
from exchange.projections.bets.fold import bet_id, sale_id
from persistence.clock import now_us
from persistence.loop.ports import Answer
from persistence.postgres.database import connect
from persistence.projection.projection import Projection
from persistence.projection.projector import Projector
from persistence.proof.verification import CheckResult, verify
from persistence.repositories.economy import intents
from persistence.repositories.economy.bets import Bets, NewBet, NewSale
from persistence.repositories.economy.intents import Intents, NewIntent
from tests.persistence.running import Running


def bet_command(
    account_id: int, number: int, outcome: Outcome, amount: int, market_id: int = 1
) -> PlaceOrder:
    """The order of a bet."""
    return PlaceOrder(
        *(account_id, market_id, BUY, outcome, MARKET, None, None, IOC),
        max_cost=amount,
        client_order_id=bet_id(account_id, number),
        conditions=OrderConditions(system=True),
    )


def sums(answer: Answer) -> tuple[int, int, int]:
    """What an order traded: quantity, money, fees."""
    found: Counter[str] = Counter()
    for event in answer.events:
        if isinstance(event, TradeExecuted):
            found["quantity"] += event.quantity
            found["money"] += event.price * event.quantity
            found["fee"] += event.taker_fee
    return found["quantity"], found["money"], found["fee"]


async def carry_out(
    engine: Running,
    intent_id: int,
    command: Command,
    answered: Callable[[Any, Answer], Awaitable[None]] | None = None,
) -> Answer:
    """Send a command and store its answer, and what else goes with it, in one transaction."""
    answer = await engine.send(command)
    outcome = intents.Outcome(answer.at, answer.seq, answer.available, answer.locked)
    first = answer.events[0]
    if isinstance(first, CommandRejected):
        outcome = intents.Outcome(
            *(answer.at, answer.seq, answer.available, answer.locked),
            *(first.reason.name, first.message),
        )
    async with engine.pool.transaction() as connection:
        await Intents.finish(connection, intent_id, outcome)
        if answered is not None:
            await answered(connection, answer)
    return answer


async def bet(
    engine: Running, account_id: int, outcome: Outcome, amount: int, market_id: int = 1
) -> int:
    """Bet at most `amount` (money); return the bet's number."""
    pool = engine.pool
    number = await Bets.next_number(pool, "bets")
    command = bet_command(account_id, number, outcome, amount, market_id)
    intent = await Intents.add(pool, NewIntent("BET", command), now_us())
    side = "THIS" if outcome is YES else "THAT"
    new = NewBet(account_id, None, market_id, side, amount, None)
    await Bets.add(pool, number, new, now_us(), intent.id)

    async def answered(connection: Any, answer: Answer) -> None:
        await Bets.answered(connection, intent.id, *sums(answer), None)

    await carry_out(engine, intent.id, command, answered)
    return number


async def sell(
    engine: Running, account_id: int, number: int, outcome: Outcome, quantity: int
) -> None:
    """Sell so many shares of a bet on market 1."""
    pool = engine.pool
    sale = await Bets.next_number(pool, "bet_sales")
    command = PlaceOrder(
        *(account_id, 1, SELL, outcome, MARKET, None, quantity, IOC),
        client_order_id=sale_id(account_id, number, sale),
        conditions=OrderConditions(system=True),
    )
    intent = await Intents.add(pool, NewIntent("SALE", command), now_us())
    new = NewSale(number, account_id, None, quantity, all_of_it=False, min_proceeds=None)
    await Bets.add_sale(pool, sale, new, now_us(), intent.id)

    async def answered(connection: Any, answer: Answer) -> None:
        await Bets.sale_answered(connection, intent.id, *sums(answer), None)

    await carry_out(engine, intent.id, command, answered)


async def project(url: str, projections: Sequence[Projection]) -> None:
    """Follow the journal to its end."""
    connection = await connect(url)
    try:
        projector = Projector(connection, projections)
        assert await projector.lead()
        while await projector.step():
            pass
    finally:
        await connection.close()


async def results(url: str) -> list[CheckResult]:
    """What `probity verify` says."""
    connection = await connect(url)
    try:
        return [result async for result in verify(connection)]
    finally:
        await connection.close()
