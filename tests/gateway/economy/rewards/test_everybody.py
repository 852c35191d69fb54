"""The job of midnight: whoever was there the day before is rewarded, once."""

import asyncio
import io
from collections.abc import AsyncIterator
from datetime import date, timedelta
from typing import Any

import pytest

from exchange.messages.commands import CreditAccount, OpenAccount
from exchange.messages.terms import MoneyKind
from gateway.bootstrap.settings import load_settings
from gateway.economy.movements.movements import Kind, Movements
from gateway.economy.rewards import jobs
from gateway.economy.rewards.claims import Everybody, reward_intent
from gateway.economy.rewards.jobs import JOB, RewardsOfTheDay
from gateway.economy.rewards.rules import start_of
from gateway.observability.logs import configure_logs
from persistence.postgres.database import DeadlinePool
from persistence.repositories.audit import AuditLog
from persistence.repositories.economy.intents import Intents, NewIntent
from persistence.repositories.economy.rewards import DailyRewards
from persistence.repositories.jobs import JobRows
from persistence.repositories.people.users import Users
from tests.persistence.running import Running, running

DAY = date(2026, 5, 1)
MIDNIGHT = start_of(DAY)
HOUR = 3_600_000_000
CREDIT = 1_000_000


@pytest.fixture
async def engine(database_url: str) -> AsyncIterator[Running]:
    async with running(database_url) as engine:
        yield engine


async def person(engine: Running, seen_at: int, cash: int = 0, begun_at: int = 1) -> int:
    """Add somebody who was there at that time."""
    user = await Users(engine.pool).insert(f"p{seen_at}-{cash}@example.org", None, "USER", "!", 1)
    assert user is not None
    await engine.send(OpenAccount(user.id, cash))
    await engine.pool.execute(
        "INSERT INTO sessions (user_id, created_at, expires_at, seen_at, proved_at, ends_at)"
        " VALUES ($1, $3, $2, $2, $2, $2)",
        user.id,
        seen_at,
        begun_at,
    )
    return user.id


def everybody(pool: DeadlinePool, **changes: str) -> Everybody:
    return Everybody(DailyRewards(pool), pool, load_settings(changes).economy)


async def until_somebody_waits(engine: Running) -> None:
    """Wait until a row that is held keeps somebody waiting."""
    waiting = "SELECT count(*) FROM pg_locks WHERE NOT granted"
    async with asyncio.timeout(30):
        while not await engine.pool.fetchval(waiting):  # noqa: ASYNC110 - another session waits
            await asyncio.sleep(0.005)


async def sweep(engine: Running) -> int:
    """Carry out all that waits; return how many that were."""
    movements = Movements(engine.pool, engine.sequencer, AuditLog(engine.pool))
    count = 0
    while found := await movements.finish_left():
        count += found
    return count


async def test_who_was_there_is_rewarded_once(engine: Running) -> None:
    ann = await person(engine, MIDNIGHT - 1)
    ben = await person(engine, MIDNIGHT - 24 * HOUR)
    away = await person(engine, MIDNIGHT - 24 * HOUR - 1)
    await person(engine, MIDNIGHT + 1, begun_at=MIDNIGHT)
    rewards = everybody(engine.pool)
    assert await rewards.reward(MIDNIGHT) == 2
    assert await rewards.reward(MIDNIGHT + HOUR) == 0
    assert await sweep(engine) == 2
    assert await sweep(engine) == 0
    cash = {number: engine.view.accounts[number].available for number in (ann, ben, away)}
    assert cash == {ann: 100 * CREDIT, ben: 100 * CREDIT, away: 0}


async def test_a_streak_goes_on_from_day_to_day(engine: Running) -> None:
    ann = await person(engine, MIDNIGHT + 300 * 24 * HOUR)
    rewards = everybody(engine.pool)
    for number in range(13):
        assert await rewards.reward(start_of(DAY + timedelta(days=number))) == 1
    await sweep(engine)
    rows = await engine.pool.fetch("SELECT streak, amount FROM daily_rewards ORDER BY day")
    assert [row[0] for row in rows] == list(range(1, 14))
    assert [row[1] // CREDIT for row in rows] == [*range(100, 200, 10), 200, 200, 200]
    assert engine.view.accounts[ann].available == sum(row[1] for row in rows)


async def test_more_people_than_a_piece(engine: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Everybody, "PIECE", 2)
    people = [await person(engine, MIDNIGHT - number) for number in range(1, 6)]
    assert await everybody(engine.pool).reward(MIDNIGHT) == len(people)
    assert await sweep(engine) == len(people)


async def test_who_holds_the_bound_is_passed_over(engine: Running) -> None:
    rich = await person(engine, MIDNIGHT - 1, cash=401 * CREDIT)
    poor = await person(engine, MIDNIGHT - 2, cash=400 * CREDIT)
    rewards = everybody(engine.pool, MAX_USER_CREDITS="500")
    assert await rewards.reward(MIDNIGHT) == 1
    await sweep(engine)
    assert engine.view.accounts[rich].available == 401 * CREDIT
    assert engine.view.accounts[poor].available == 500 * CREDIT


async def test_who_claims_while_the_job_comes_is_passed_over(engine: Running) -> None:
    ann = await person(engine, MIDNIGHT - 1)
    await person(engine, MIDNIGHT - 2)
    async with engine.pool.transaction() as connection:
        await DailyRewards.hold(connection, ann)
        job = asyncio.ensure_future(everybody(engine.pool).reward(MIDNIGHT))
        await until_somebody_waits(engine)
        intent = await Intents.add(connection, reward_intent(ann, DAY, 7, 1), MIDNIGHT)
        await DailyRewards.put(connection, ann, DAY, 1, 7, 1, intent.id)
    assert await job == 1
    rows = await engine.pool.fetch("SELECT amount FROM daily_rewards ORDER BY amount")
    assert [row[0] for row in rows] == [7, 100 * CREDIT]


async def test_what_is_given_while_the_job_comes_counts(engine: Running) -> None:
    ann = await person(engine, MIDNIGHT - 1)
    rewards = everybody(engine.pool, MAX_USER_CREDITS="100")
    async with engine.pool.transaction() as connection:
        await DailyRewards.hold(connection, ann)
        job = asyncio.ensure_future(rewards.reward(MIDNIGHT))
        await until_somebody_waits(engine)
        other = CreditAccount(ann, 1, "gift", f"purchase:{ann}", kind=MoneyKind.PURCHASE)
        await Intents.add(connection, NewIntent(Kind.PURCHASE, other), MIDNIGHT)
    assert await job == 0


async def test_one_whose_id_was_used_keeps_nobody_else_waiting(engine: Running) -> None:
    ann = await person(engine, MIDNIGHT - 1)
    await person(engine, MIDNIGHT - 2)
    await Intents.add(engine.pool, reward_intent(ann, DAY, 7, 1), MIDNIGHT)
    assert await everybody(engine.pool).reward(MIDNIGHT) == 1
    assert await engine.pool.fetchval("SELECT count(*) FROM money_intents") == 2


async def test_none_where_there_are_none(engine: Running) -> None:
    await person(engine, MIDNIGHT - 1)
    assert await everybody(engine.pool, DAILY_REWARD_CREDITS="0").reward(MIDNIGHT) == 0


async def test_a_missed_run_is_made_up_for_at_the_start(engine: Running) -> None:
    rows = JobRows(engine.pool)
    log = io.StringIO()
    job = RewardsOfTheDay(everybody(engine.pool), rows, configure_logs("info", log))
    await job.begin()
    await job.begin()
    assert (await rows.standings([JOB]))[JOB].queued == 1
    await job.run({})
    assert "daily rewards" in log.getvalue()


class Counted(Everybody):
    """Who was there, with the times of each run that looked for them."""

    def __init__(self, *times: int) -> None:
        self.ran: list[int] = []
        self.times = list(times)

    def now(self) -> int:
        """The clock: it stands at the last of its times."""
        return self.times.pop(0) if len(self.times) > 1 else self.times[0]

    async def reward(self, now: int) -> int:
        self.ran.append(now)
        return 0


async def runs(engine: Running, monkeypatch: pytest.MonkeyPatch, *times: int) -> list[int]:
    """The times at which one run of the job looked for people, by a clock."""
    counted = Counted(*times)
    monkeypatch.setattr(jobs, "now_us", counted.now)
    job = RewardsOfTheDay(counted, JobRows(engine.pool), configure_logs("error"))
    await job.run({})
    return counted.ran


async def test_a_day_has_one_run(engine: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    rows = JobRows(engine.pool)
    await rows.succeeded(JOB, MIDNIGHT - 1)
    assert await runs(engine, monkeypatch, MIDNIGHT + 5) == [MIDNIGHT + 5]
    await rows.succeeded(JOB, MIDNIGHT + 6)
    # Who comes later in the day wasn't there the day before, for all anybody knows.
    for later in (MIDNIGHT + 7, MIDNIGHT + HOUR, MIDNIGHT + 24 * HOUR - 1):
        assert await runs(engine, monkeypatch, later) == []
    assert await runs(engine, monkeypatch, MIDNIGHT + 24 * HOUR) == [MIDNIGHT + 24 * HOUR]


async def test_a_midnight_while_it_runs_is_not_missed(
    engine: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert await runs(engine, monkeypatch, MIDNIGHT - 1, MIDNIGHT) == [MIDNIGHT - 1, MIDNIGHT]


async def test_a_clock_that_was_ahead_keeps_no_day_from_its_run(
    engine: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    await JobRows(engine.pool).succeeded(JOB, MIDNIGHT + 400 * 24 * HOUR)
    assert await runs(engine, monkeypatch, MIDNIGHT) == [MIDNIGHT]


def test_a_midnight_that_was_missed_is_made_up_for_without_a_start() -> None:
    """The database was away for half an hour, or a clock behind when the tick came."""
    unused: Any = None
    [job] = RewardsOfTheDay(unused, unused, unused).jobs()
    for missed_s in (1, 1_800, 80_000):
        at = MIDNIGHT / 1e6 + missed_s
        assert (job.next_tick(at) or 0) - at <= 600
    assert job.next_tick(MIDNIGHT / 1e6 - 1) == MIDNIGHT / 1e6
