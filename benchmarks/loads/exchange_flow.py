"""The flows that engine and journal are measured with, and a database of one's own to run them on.

Half crossing: a BUY of YES that rests, and a BUY of NO at the complement that fills it. Resting:
BUYs of YES and of NO, too low to meet. A thousand accounts, twenty markets, no fees; quantities of
1 to 50 shares.
"""

import asyncio
import random
import shutil
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from benchmarks.loads.filled_log import fill_log
from exchange.messages.commands import Command, CreateMarket, OpenAccount, PlaceOrder
from exchange.messages.terms import BUY, GTC, LIMIT, NO, YES, FeeModel
from persistence.embedded.server import EmbeddedPostgres
from persistence.postgres import migrate
from persistence.postgres.database import connect

ACCOUNTS = 1_000
MARKETS = 20
_CASH = 10**12
_FAR = 4_000_000_000_000_000


def opening() -> list[Command]:
    """Return the commands that open the accounts and the markets."""
    accounts = [OpenAccount(account + 1, _CASH) for account in range(ACCOUNTS)]
    terms = ("Which is faster?", "", "", _FAR, 100, 1, 0, 0, FeeModel.FLAT, False)
    return [*accounts, *[CreateMarket(f"bench-{number}", *terms) for number in range(MARKETS)]]


def half_crossing(count: int, seed: int, *, with_ids: bool = False) -> list[Command]:
    """Return orders of which every second one fills the one before."""
    dice = random.Random(seed)
    orders: list[Command] = []
    for number in range(count // 2):
        market = dice.randint(1, MARKETS)
        maker, taker = dice.sample(range(1, ACCOUNTS + 1), 2)
        price, quantity = dice.randint(30, 70) * 100, dice.randint(1, 50) * 100
        ids = (f"{seed}-{number}-m", f"{seed}-{number}-t") if with_ids else (None, None)
        orders.append(
            PlaceOrder(maker, market, BUY, YES, LIMIT, price, quantity, GTC, client_order_id=ids[0])
        )
        orders.append(
            PlaceOrder(
                taker, market, BUY, NO, LIMIT, 10_000 - price, quantity, GTC, client_order_id=ids[1]
            )
        )
    return orders


def resting(count: int, seed: int, *, with_ids: bool = False) -> list[Command]:
    """Return orders of which none meets another."""
    dice = random.Random(seed)
    return [
        PlaceOrder(
            dice.randint(1, ACCOUNTS),
            dice.randint(1, MARKETS),
            BUY,
            YES if number % 2 else NO,
            LIMIT,
            dice.randint(1, 49) * 100,
            dice.randint(1, 50) * 100,
            GTC,
            client_order_id=f"{seed}-{number}" if with_ids else None,
        )
        for number in range(count)
    ]


@asynccontextmanager
async def own_server(binaries: Path | None = None) -> AsyncIterator[EmbeddedPostgres]:
    """Run an embedded PostgreSQL in a folder of its own, as `probity serve` would, its log filled.

    Args:
        binaries: another PostgreSQL's programs than the wheel's.
    """
    folder = Path(tempfile.mkdtemp(prefix="probity-bench-"))
    server = await EmbeddedPostgres.start(folder, binaries=binaries)
    try:
        await fill_log(server)
        yield server
    finally:
        await server.stop()
        await asyncio.to_thread(shutil.rmtree, folder)


async def fresh_database(server: EmbeddedPostgres, name: str = "probity") -> str:
    """Make a database, empty but for the newest schema; return its URL."""
    url = await new_database(server, name)
    await migrate.upgrade(url)
    return url


async def new_database(server: EmbeddedPostgres, name: str) -> str:
    """Make a database, in place of the one of that name if there is one; return its URL."""
    connection = await connect(server.superuser_url)
    try:
        await connection.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
        await connection.execute(f"CREATE DATABASE {name} OWNER probity")
        await connection.execute("CHECKPOINT")
    finally:
        await connection.close()
    return server.url.replace("/probity?", f"/{name}?")


def cpu_seconds(pid: int) -> float:
    """Return the processor time that a process has used (Linux)."""
    return int(Path(f"/proc/{pid}/schedstat").read_text(encoding="ascii").split()[0]) / 1e9
