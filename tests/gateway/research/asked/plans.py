"""People who ask for backtests, and a tape that is short."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import msgspec

from gateway.research.asked.jobs import BacktestJob
from gateway.research.asked.plan import Plan
from gateway.research.asked.settings import BacktestSettings
from gateway.research.strategies import STRATEGIES
from gateway.research.tape.events import TapeEvent
from gateway.research.tape.files import write_tape
from gateway.settings.reader import read_area
from persistence.clock import now_us
from persistence.postgres.database import DeadlinePool, create_pool
from persistence.repositories.research.backtests import Backtest, Backtests
from tests.gateway.research.told import book, bought, ended, listed

SHORT = "short"
PERSON = (
    "INSERT INTO users (id, email, password_hash, display_name, role, created_at)"
    " OVERRIDING SYSTEM VALUE VALUES ($1, $2, 'x', 'x', 'USER', 1)"
)


def write_short(folder: Path) -> Path:
    """Write a tape on which the maker trades."""
    steps: list[TapeEvent] = [
        listed(),
        book(1, [(5_000, 300)], [(5_400, 400)]),
        bought(2, 5_400, 10),
        book(3, [(5_000, 300)], [(5_400, 400)]),
        bought(4, 5_500, 9_000),
        book(5, [(5_000, 300)], [(5_800, 400)]),
        ended(9, 0),
    ]
    path = folder / f"{SHORT}.jsonl"
    write_tape(path, steps)
    return path


def settings_of(**changes: object) -> BacktestSettings:
    """Return settings, given by their names in the environment."""
    made, wrong = read_area(BacktestSettings, {name: str(value) for name, value in changes.items()})
    assert made is not None, wrong
    return made


def plan_of(**changes: Any) -> Plan:
    """Return a plan of the short tape."""
    strategy = changes.get("strategy", "market-maker")
    terms: dict[str, Any] = {
        "strategy": strategy,
        "parameters": msgspec.to_builtins(STRATEGIES[strategy].Parameters()),
        "model": "trades",
        "tape": SHORT,
        "cash": 10_000_000_000,
        "fees": "MARKET",
        "latency_us": 0,
        "seed": 0,
    }
    return Plan(**(terms | changes))


class Asked:
    """Backtests over a database, and what runs them."""

    def __init__(self, pool: DeadlinePool, url: str, folder: Path) -> None:
        self.pool = pool
        self.url = url
        self.folder = folder
        self.rows = Backtests(pool)

    def job(self, logger: Any, **changes: object) -> BacktestJob:
        """Return what runs them."""
        settings = settings_of(BACKTEST_TAPES=self.folder, **changes)
        return BacktestJob(self.rows, lambda: self.url, self.folder, settings, logger)

    async def person(self, number: int) -> int:
        """Let somebody be there."""
        await self.pool.execute(PERSON, number, f"{number}@example.org")
        return number

    async def ask(self, user_id: int, **changes: Any) -> Backtest:
        """Put one in line."""
        plan = plan_of(**changes)
        text = msgspec.json.encode(plan).decode()
        asked = user_id, plan.strategy, text, now_us()
        return await self.rows.create(*asked, most=100, waiting_most=100, waiting_of_one=100)

    async def one(self, asked: Backtest) -> tuple[Backtest, dict[str, Any] | None]:
        """Return how one stands, and what came of it."""
        found = await self.rows.get(asked.user_id, asked.id)
        assert found is not None
        row, result = found
        return row, None if result is None else msgspec.json.decode(result)


@asynccontextmanager
async def asking(url: str, folder: Path) -> AsyncIterator[Asked]:
    """Yield backtests over the database at a URL."""
    pool = await create_pool(url, size=4)
    try:
        yield Asked(pool, url, folder)
    finally:
        await pool.close()
