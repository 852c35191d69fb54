"""Who takes an intent back, and who may not: whatever the engine may have done has its row."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

from exchange.messages.commands import Command, CreditAccount, OpenAccount
from exchange.messages.terms import MoneyKind
from gateway.economy.movements.movements import (
    AT_ONCE,
    INTERVAL_SECONDS,
    SHORT_PAUSE_SECONDS,
    UNDER_WAY_MAX,
    Kind,
    Movements,
    pause_after,
)
from gateway.wire.errors import ReadsOnly, UnknownOutcome
from persistence.clock import now_us
from persistence.errors import CommandNotTaken, QueueFull
from persistence.loop.ports import Answer
from persistence.postgres.database import DeadlinePool, create_pool
from persistence.repositories.audit import AuditLog
from persistence.repositories.economy.intents import Intent, Intents, NewIntent
from tests.gateway.engine_fake import EngineFake

ANN = 1
GIFT = CreditAccount(ANN, 7, "gift", "reward:1:a", kind=MoneyKind.REWARD)


class SlowEngine:
    """An engine that carries commands out at once, and answers once it is `told` to."""

    def __init__(self) -> None:
        self.is_open = True
        self.is_full = False
        self.told = asyncio.Event()
        self.engine = EngineFake()
        self.engine.run(OpenAccount(ANN, 0))
        self.sent = 0

    def submit(self, command: Command) -> asyncio.Future[Answer]:
        if self.is_full:
            raise QueueFull
        self.sent += 1
        answer = self.engine.run(command)

        async def tell() -> Answer:
            await self.told.wait()
            return answer

        return asyncio.ensure_future(tell())

    @property
    def cash(self) -> int:
        return self.engine.view.accounts[ANN].available


@pytest.fixture
async def pool(database_url: str) -> AsyncIterator[DeadlinePool]:
    made = await create_pool(database_url, size=4)
    yield made
    await made.close()


@pytest.fixture
async def engine() -> SlowEngine:
    return SlowEngine()


@pytest.fixture
def steps(pool: DeadlinePool, engine: SlowEngine) -> Movements:
    return Movements(pool, engine, AuditLog(pool))


async def write(connection: Any) -> Intent:
    return await Intents.add(connection, NewIntent(Kind.REWARD, GIFT), now_us())


async def rows(pool: DeadlinePool) -> list[tuple[str, int]]:
    found = await pool.fetch("SELECT status, tries FROM money_intents ORDER BY id")
    return [(row[0], row[1]) for row in found]


async def test_what_somebody_else_sends_is_not_taken_back(
    pool: DeadlinePool, engine: SlowEngine, steps: Movements
) -> None:
    intent = await steps.begin(Kind.REWARD, write)
    other = asyncio.ensure_future(steps.carry_out(intent, request_id="b", is_first=False))
    async with asyncio.timeout(30):
        while not engine.sent:  # noqa: ASYNC110 - the fake has no sign of it
            await asyncio.sleep(0.001)
    engine.is_full = True
    with pytest.raises(UnknownOutcome):
        await steps.carry_out(intent, request_id="a", is_first=True)
    engine.told.set()
    done, _ = await other
    assert (done.status, engine.cash) == ("DONE", 7)
    assert await rows(pool) == [("DONE", 2)]


async def test_what_was_taken_back_is_sent_by_nobody(
    pool: DeadlinePool, engine: SlowEngine, steps: Movements
) -> None:
    engine.told.set()
    intent = await steps.begin(Kind.REWARD, write)
    engine.is_full = True
    with pytest.raises(QueueFull):
        await steps.carry_out(intent, request_id="a", is_first=True)
    engine.is_full = False
    with pytest.raises(CommandNotTaken):
        await steps.carry_out(intent, request_id="b", is_first=False)
    assert (await rows(pool), engine.sent) == ([], 0)


async def test_who_did_not_store_it_takes_nothing_back(
    pool: DeadlinePool, engine: SlowEngine, steps: Movements
) -> None:
    intent = await steps.begin(Kind.REWARD, write)
    engine.is_full = True
    with pytest.raises(UnknownOutcome):
        await steps.carry_out(intent, request_id="b", is_first=False)
    assert await rows(pool) == [("PENDING", 2)]


async def test_what_waits_for_the_sweep_counts_as_tried(
    pool: DeadlinePool, engine: SlowEngine, steps: Movements
) -> None:
    """Whoever comes while the sweep sends it finds it sent twice, as it may be."""
    engine.told.set()
    async with pool.transaction() as connection:
        await Intents.put_in_line(connection, NewIntent(Kind.REWARD, GIFT), now_us())
    assert await rows(pool) == [("PENDING", 1)]
    assert await steps.finish_left() == 1
    assert await rows(pool) == [("DONE", 2)]


async def test_what_a_clock_that_was_ahead_tried_last_is_sent(
    pool: DeadlinePool, engine: SlowEngine, steps: Movements
) -> None:
    """Its process died, or its clock was put right."""
    engine.told.set()
    await steps.begin(Kind.REWARD, write)
    assert await steps.finish_left() == 0
    await pool.execute("UPDATE money_intents SET tried_at = tried_at + 86400000000")
    assert await steps.finish_left() == 1
    assert await rows(pool) == [("DONE", 2)]
    assert engine.cash == GIFT.amount


async def test_the_sweep_leaves_connections_to_others(
    pool: DeadlinePool, engine: SlowEngine, steps: Movements
) -> None:
    for number in range(12):
        gift = CreditAccount(ANN, 7, "gift", f"reward:1:{number}", kind=MoneyKind.REWARD)
        await Intents.put_in_line(pool, NewIntent(Kind.REWARD, gift), now_us())
    sweep = asyncio.ensure_future(steps.finish_left())
    async with asyncio.timeout(30):
        while engine.sent < UNDER_WAY_MAX:  # noqa: ASYNC110 - the fake has no sign of it
            await asyncio.sleep(0.001)
    for _ in range(100):
        await asyncio.sleep(0)
    assert engine.sent == UNDER_WAY_MAX
    engine.told.set()
    assert await sweep == 12
    assert (engine.sent, engine.cash) == (12, 84)


def test_there_is_a_pause_after_every_round() -> None:
    pauses = [pause_after(found) for found in (0, 1, AT_ONCE - 1, AT_ONCE)]
    assert pauses == [INTERVAL_SECONDS] * 3 + [SHORT_PAUSE_SECONDS]
    assert 0 < SHORT_PAUSE_SECONDS < INTERVAL_SECONDS


async def test_what_has_an_answer_is_told_to_who_comes_late(
    engine: SlowEngine, steps: Movements
) -> None:
    engine.told.set()
    intent = await steps.begin(Kind.REWARD, write)
    await steps.carry_out(intent, request_id="a", is_first=True)
    there, is_repeat = await steps.carry_out(intent, request_id="b", is_first=False)
    assert (there.status, is_repeat, engine.sent) == ("DONE", True, 1)


async def test_without_an_engine_nothing_is_intended(
    pool: DeadlinePool, engine: SlowEngine
) -> None:
    steps = Movements(pool, engine, AuditLog(pool), takes_commands=False)
    with pytest.raises(ReadsOnly):
        await steps.begin(Kind.REWARD, write)
    assert await rows(pool) == []
