"""How long is a start with 100 000 open orders behind a million trades?

A data folder is filled by a sequencer: a million trades (two million orders, every second part of
them with client ids), then 100 000 orders that rest, and its database is stopped orderly. Then a
real `probity serve` is started on it, some rounds, from its start until `/ready` says yes. A start
reads what is open and not what was: so it is held to a number, whatever lies behind.

Filling takes a few minutes, so this one may take longer than the others; TRADES in the environment
makes the past shorter for a look.
"""

import os
import tempfile
import time
from pathlib import Path
from typing import Final

import psutil
import uvloop

from benchmarks.engine_journal import submit_all
from benchmarks.harness.report import Figure, limit
from benchmarks.loads.exchange_flow import half_crossing, opening, resting
from persistence.embedded.server import EmbeddedPostgres
from persistence.loop.recovery import recover
from persistence.loop.sequencer import Sequencer
from persistence.postgres import migrate
from persistence.postgres.database import connect, create_pool
from tests.server_process import ServerProcess

TRADES: Final = int(os.environ.get("TRADES", "1_000_000"))
OPEN: Final = 100_000
START_SECONDS: Final = 10.0
_ROUNDS: Final = 3
_PART: Final = 20_000


async def _fill(data_dir: Path) -> str:
    """Make the past; say how large it is."""
    server = await EmbeddedPostgres.start(data_dir)
    try:
        await migrate.upgrade(server.url)
        pool = await create_pool(server.url, size=2)
        sequencer = Sequencer(await recover(server.url), pool)
        sequencer.start()
        started = time.perf_counter()
        await submit_all(sequencer, opening())
        for part in range(2 * TRADES // _PART):
            await submit_all(sequencer, half_crossing(_PART, part, with_ids=part % 2 == 1))
        for part in range(OPEN // _PART):
            await submit_all(sequencer, resting(_PART, part))
        await sequencer.stop()
        await pool.close()
        return await _size(server.url, time.perf_counter() - started)
    finally:
        await server.stop()


async def _size(url: str, seconds: float) -> str:
    connection = await connect(url)
    try:
        trades = await connection.fetchval("SELECT count(*) FROM trades")
        open_orders = await connection.fetchval(
            "SELECT count(*) FROM orders WHERE filled < quantity"
        )
        stored = await connection.fetchval("SELECT pg_database_size(current_database())")
    finally:
        await connection.close()
    if (trades, open_orders) != (TRADES, OPEN):
        raise RuntimeError(f"{trades} trades and {open_orders} open orders")
    rate = (2 * TRADES + OPEN) / seconds
    return f"{stored / 1e9:.2f} GB, made in {seconds:.0f} s ({rate:,.0f} commands/s)"


def _starts(data_dir: Path) -> tuple[list[float], str]:
    """Return the seconds of each start of a real server, and what it holds then."""
    server, seconds, held = ServerProcess(data_dir), [], 0.0
    try:
        for _ in range(_ROUNDS):
            seconds.append(server.start())
            held = psutil.Process(server.pid).memory_info().rss / 1e6
            server.end()
    finally:
        server.clean_up()
    return seconds, f"the server then holds {held:,.0f} MB"


def measure() -> list[Figure]:
    """Return seconds of starting."""
    with tempfile.TemporaryDirectory(prefix="probity-bench-") as folder:
        data_dir = Path(folder) / "data"
        past = uvloop.run(_fill(data_dir))
        seconds, held = _starts(data_dir)
    name = f"start with {OPEN:,} open orders behind {TRADES:,} trades, until ready"
    return [Figure(name, "s", seconds, f"{past}; {held}", limit(START_SECONDS, "s"))]
