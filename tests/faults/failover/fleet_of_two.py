"""An engine that trades and one that waits, over one database and one Redis, as real processes.

The first one has the API, the second one is what `probity engine --standby` is.
"""

import asyncio
import contextlib
import random
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import httpx

from gateway.accounts.sessions.keys import KEY_FILE
from gateway.sealing.settings import KEY_FILE as SEAL_FILE
from persistence.postgres.database import connect
from tests.faults import told_history
from tests.faults.test_kill import open_floor
from tests.faults.trading_load import Trader
from tests.redis_process import RedisProcess
from tests.server_process import ServerProcess, until

TAKEN_S = 5.0
"""From the end of the one to the lead of the other."""
GONE_S = 1.0
"""An engine that was stopped ends within so long when it goes on."""


class Two:
    """The processes."""

    def __init__(self, folder: Path, database_url: str, stack: ExitStack, **settings: str) -> None:
        self.database_url = database_url
        self.redis = RedisProcess(folder)
        stack.callback(self.redis.clean_up)
        self.redis.start()
        known = {
            "DATABASE_URL": database_url,
            "REDIS_URL": self.redis.url,
            "LOG_LEVEL": "info",
            "STANDBY_COMPARE_SECONDS": "1",
            **settings,
        }
        self.engine = ServerProcess(folder / "engine", known)
        self.standby = ServerProcess(folder / "standby", known, "engine")
        for made in (self.engine, self.standby):
            stack.callback(made.clean_up)

    def start(self) -> None:
        """Start the one that trades."""
        self.engine.start()
        self.standby.data_dir.mkdir(exist_ok=True)
        for name in (KEY_FILE, SEAL_FILE):
            key = self.engine.data_dir / name
            (self.standby.data_dir / name).write_bytes(key.read_bytes())
            (self.standby.data_dir / name).chmod(0o600)

    def stand_by(self) -> None:
        """Start the one that waits."""
        self.standby.start("--standby")

    def open_floor(self, rng: random.Random) -> tuple[dict[str, object], list[Trader]]:
        """List a market and register its traders."""
        return open_floor(self.engine, rng)

    def turn_back(self) -> None:
        """Let the one with the API have the lead again, and the other one wait."""
        assert self.standby.end() == 0
        self.engine.clean_up()
        self.engine.start()
        self.stand_by()


@contextlib.contextmanager
def two(folder: Path, database_url: str, **settings: str) -> Iterator[Two]:
    """Both, up."""
    with ExitStack() as stack:
        made = Two(folder, database_url, stack, **settings)
        made.start()
        made.stand_by()
        yield made


def leads(server: ServerProcess) -> bool:
    """Say whether a process leads."""
    with contextlib.suppress(httpx.TransportError):
        return "\nengine_leads 1.0\n" in httpx.get(f"{server.url}/metrics", timeout=10).text
    return False


def differs(server: ServerProcess) -> bool:
    """Say whether a standby has raised its alarm."""
    return "\nstandby_differs 1.0\n" in httpx.get(f"{server.url}/metrics").text


async def takes_over(server: ServerProcess, since: float) -> float:
    """Wait until a process leads; return how many seconds after `since` that was."""
    await until(lambda: leads(server), 30)
    return time.monotonic() - since


async def nothing_lost(both: Two, market: dict[str, object], traders: list[Trader]) -> int:
    """Ask for everything without an answer, and hold all against tables and rules; return how much
    had none.
    """
    async with httpx.AsyncClient(base_url=f"{both.engine.url}/api/v1", timeout=30) as client:
        unknown = sum(await asyncio.gather(*(trader.settle(client) for trader in traders)))
        connection = await connect(both.database_url)
        await told_history.compare_stored(connection, traders)
        await connection.close()
        expected = told_history.replay(market, traders)
        await told_history.compare_shown(client, expected, traders)
    return unknown
