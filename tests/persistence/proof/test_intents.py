"""`probity verify` compares what was intended with what the engine did, answer by answer."""

import pytest
from msgspec.structs import replace

from exchange.messages.commands import (
    Command,
    CreditAccount,
    DebitAccount,
    Leg,
    PlaceOrder,
    TransferCash,
)
from exchange.messages.conditions import OrderConditions
from exchange.messages.events import OrderPlaced, TradeExecuted
from exchange.messages.terms import BUY, IOC, MARKET, NO, YES, MoneyKind
from persistence.clock import now_us
from persistence.postgres.database import connect
from persistence.proof.verification import CheckResult, verify
from persistence.repositories.economy.intents import Intents, NewIntent, Outcome
from persistence.repositories.economy.purchases import NewPurchase, Purchases
from tests.persistence.running import ANN, BOB, CASH, CEM, Running, limit, open_for_trade, running

BET = PlaceOrder(
    *(ANN, 1, BUY, YES, MARKET, None, None, IOC),
    max_cost=500_000,
    client_order_id="bet:1",
    conditions=OrderConditions(worst_price=6_000, system=True),
)
GIFT = CreditAccount(ANN, 7, "gift", "reward:1:a", kind=MoneyKind.REWARD)
COST = DebitAccount(BOB, 5, "cost", "stock:2:a", kind=MoneyKind.STOCK)
SHARED = TransferCash(
    ANN, (Leg(ANN, BOB, 9), Leg(BOB, CEM, 9)), "all", "stock:1:b", kind=MoneyKind.STOCK
)
TOO_MUCH = DebitAccount(BOB, CASH * 2, "much", "stock:2:c", kind=MoneyKind.STOCK)


async def intend(engine: Running, command: Command, kind: str = "STOCK") -> int:
    """Store an intent; return its number."""
    intent = await Intents.add(engine.pool, NewIntent(kind, command), now_us())
    return intent.id


async def carry_out(engine: Running, command: Command, reason: str | None = None) -> int:
    """Take all three steps; return the intent's number."""
    number = await intend(engine, command)
    answer = await engine.send(command)
    outcome = Outcome(answer.at, answer.seq, answer.available, answer.locked, reason)
    assert await Intents.finish(engine.pool, number, outcome) is not None
    return number


async def last_result(url: str) -> CheckResult:
    connection = await connect(url)
    try:
        return [result async for result in verify(connection)][-1]
    finally:
        await connection.close()


async def test_what_moved_as_it_was_meant_verifies(database_url: str) -> None:
    async with running(database_url) as engine:
        await open_for_trade(engine)
        await engine.send(limit(BOB, 50, 1, outcome=NO))
        for command in (GIFT, COST, SHARED, BET):
            await carry_out(engine, command)
        unaffordable = replace(BET, client_order_id="bet:2", max_cost=CASH * 2)
        await carry_out(engine, unaffordable, "INSUFFICIENT_BALANCE")
        await carry_out(engine, TOO_MUCH, "INSUFFICIENT_BALANCE")
        await intend(engine, CreditAccount(CEM, 1, "", "reward:3:a", kind=MoneyKind.REWARD))
        assert (await last_result(database_url)).name == "audit"
        assert (await last_result(database_url)).passed


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ("seq = seq - 1", "no command of its content"),
        ("amount = amount + 1", "says it gives 8, its command 7"),
        ("system_id = 'reward:1:b'", "holds the command of another id"),
        ("account_id = 2", "holds the command of another id"),
        ("command = '\\xc1'", "holds what is no command"),
        ("status = 'REFUSED', reason = 'EXPIRED'", "moved money"),
        (
            "status = 'PENDING', seq = NULL, system_id = 'reward:1:b'",
            "reward:1:a was carried out, but no intent says so",
        ),
    ],
)
async def test_whatever_was_changed_is_found(database_url: str, change: str, problem: str) -> None:
    async with running(database_url) as engine:
        await open_for_trade(engine)
        await carry_out(engine, GIFT)
        await engine.pool.execute(f"UPDATE money_intents SET {change}")
        result = await last_result(database_url)
        assert (result.name, result.passed) == ("intents", False)
        assert problem in result.detail


async def test_a_bet_happens_once_whoever_sends_it_again(database_url: str) -> None:
    async with running(database_url) as engine:
        await open_for_trade(engine)
        await engine.send(limit(BOB, 50, 10, outcome=NO))
        await carry_out(engine, BET)
        first = await engine.send(BET)
        assert first.replayed
        engine.crash()
    async with running(database_url) as engine:
        again = await engine.send(BET)
        assert again == first
        assert [type(event) for event in again.events][:2] == [OrderPlaced, TradeExecuted]
        order = engine.view.next_order_id - 1
        row = await engine.pool.fetchrow(
            "SELECT client_order_id, conditions::text FROM orders WHERE id = $1", order
        )
        assert row is not None
        assert tuple(row.values()) == (None, '{"worst_price": 6000}')
        # The same text is another id where a person writes it.
        plain = replace(BET, conditions=OrderConditions(worst_price=6_000))
        assert not (await engine.send(plain)).replayed
        assert (await last_result(database_url)).passed


async def test_a_bet_that_no_intent_stands_for_is_found(database_url: str) -> None:
    async with running(database_url) as engine:
        await open_for_trade(engine)
        await engine.send(BET)
        result = await last_result(database_url)
        assert (result.name, result.passed) == ("intents", False)
        assert "bet:1 was carried out, but no intent says so" in result.detail


async def test_a_purchase_is_of_what_its_intent_gives(database_url: str) -> None:
    async with running(database_url) as engine:
        await open_for_trade(engine)
        gift = CreditAccount(ANN, 7, "bought", "purchase:1:1", kind=MoneyKind.PURCHASE)
        intent = await intend(engine, gift, "PURCHASE")
        new = NewPurchase(ANN, None, "starter", 7, 500, "USD", "simulated", "test-card")
        purchase = await Purchases.add(engine.pool, new, now_us())
        await Purchases.pay(engine.pool, purchase.id, intent)
        assert (await last_result(database_url)).passed
        await engine.pool.execute("UPDATE purchases SET credits = 8")
        problem = "purchase:1:1 isn't what its row says: PURCHASE of 8 for account 1"
        assert problem in (await last_result(database_url)).detail


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ("daily_rewards SET amount = 8", "reward:1:a isn't what its row says: REWARD of 8"),
        ("daily_rewards SET user_id = 2", "REWARD of 7 for account 2"),
        (
            "referrals SET inviter_intent = invited_intent, invited_intent = NULL",
            "referral:2:2 isn't what its row says: REFERRAL",
        ),
        (
            "referrals SET invited_intent = inviter_intent, inviter_intent = NULL",
            "referral:1:2 isn't what its row says: REFERRAL",
        ),
        ("money_intents SET kind = 'STOCK' WHERE system_id = 'referral:1:2'", "referral:1:2"),
    ],
)
async def test_a_reward_and_a_referral_are_of_what_their_intents_give(
    database_url: str, change: str, problem: str
) -> None:
    async with running(database_url) as engine:
        await open_for_trade(engine)
        pool = engine.pool
        for person in (ANN, BOB):
            await pool.execute(
                "INSERT INTO users (id, role, created_at) OVERRIDING SYSTEM VALUE"
                " VALUES ($1, 'USER', 1)",
                person,
            )
        reward = await intend(engine, GIFT, "REWARD")
        await pool.execute(
            "INSERT INTO daily_rewards VALUES (1, '2026-05-01', 1, 7, 1, $1)", reward
        )
        bonuses = [
            await intend(
                engine,
                CreditAccount(one, 5, "", f"referral:{one}:{BOB}", kind=MoneyKind.REFERRAL),
                "REFERRAL",
            )
            for one in (ANN, BOB)
        ]
        await pool.execute(
            "INSERT INTO referrals (inviter_id, invited_id, created_at, rewarded_at,"
            " inviter_intent, invited_intent) VALUES ($1, $2, 1, 1, $3, $4)",
            *(ANN, BOB, *bonuses),
        )
        assert (await last_result(database_url)).passed
        await pool.execute(f"UPDATE {change}")
        result = await last_result(database_url)
        assert (result.name, result.passed) == ("intents", False)
        assert problem in result.detail


async def test_what_was_refused_can_not_be_called_done(database_url: str) -> None:
    async with running(database_url) as engine:
        await open_for_trade(engine)
        await carry_out(engine, TOO_MUCH)
        assert "is DONE and moves" in (await last_result(database_url)).detail


async def test_a_first_answer_is_the_last(database_url: str) -> None:
    async with running(database_url) as engine:
        await open_for_trade(engine)
        number = await carry_out(engine, GIFT)
        assert await Intents.finish(engine.pool, number, Outcome(1, 1, 0, 0, "EXPIRED")) is None
        assert not await Intents(engine.pool).withdraw(number)


@pytest.mark.parametrize("request_id", [None, "gift-1"])
async def test_what_could_happen_twice_is_no_intent(
    database_url: str, request_id: str | None
) -> None:
    async with running(database_url) as engine:
        command = CreditAccount(ANN, 7, "gift", request_id, kind=MoneyKind.REWARD)
        with pytest.raises(ValueError, match="no id of a domain's"):
            await intend(engine, command)
