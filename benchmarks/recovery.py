"""How long is a start with so many open orders?

A data folder is filled by a sequencer with resting orders (every second one with a client id) and
its database stopped orderly. Then, some rounds each: `recover()` by itself against the running
database (lead, one snapshot, both states, all invariants), and a real `probity serve` on that
folder from its start until `/ready` says yes: interpreter, PostgreSQL's own start, migrations,
recovery, listening. Pages are in the machine's cache, as after a restart of the process and not of
the machine.

The yardstick, after each round, is a bare SELECT of the same rows: everything of the tables that
the state is made of, fetched into this process by the same client library and thrown away.
"""

import gc
import tempfile
import time
from pathlib import Path

import psutil
import uvloop

from benchmarks.engine_journal import submit_all
from benchmarks.harness.report import Figure, Yardstick
from benchmarks.loads.exchange_flow import opening, resting
from persistence.embedded.server import EmbeddedPostgres
from persistence.loop.recovery import recover
from persistence.loop.sequencer import Sequencer
from persistence.postgres import migrate
from persistence.postgres.database import connect, create_pool
from tests.server_process import ServerProcess

ROUNDS = 3
SIZES = (10_000, 100_000)
RECOVERY_AT_MOST = 12.0
START_AT_MOST = 25.0
_SELECTED = "a bare SELECT of the same rows"
_TABLES = ("accounts", "markets", "positions", "orders", "open_orders", "idempotency", "journal")
_PART = 10_000


def measure() -> list[Figure]:
    """Return seconds of recovering and of starting, for each number of open orders."""
    figures = []
    with tempfile.TemporaryDirectory(prefix="probity-bench-") as folder:
        data_dir = Path(folder) / "data"
        filled = 0
        for size in SIZES:
            recovered, read = uvloop.run(_fill_and_recover(data_dir, filled, size))
            started, read_then, note = _starts(data_dir)
            filled, of, is_held = size, f"{size:,} open orders", size == max(SIZES)
            bounds = (RECOVERY_AT_MOST, START_AT_MOST) if is_held else (None, None)
            beside = Yardstick(_SELECTED, read, at_most=bounds[0])
            beside_start = Yardstick(_SELECTED, read_then, at_most=bounds[1])
            figures += [
                Figure(f"recovery of {of}", "s", recovered, yardstick=beside),
                Figure(f"start with {of}, until ready", "s", started, note, beside_start),
            ]
    return figures


async def _fill_and_recover(
    data_dir: Path, filled: int, size: int
) -> tuple[list[float], list[float]]:
    """Add orders until `size` are open; return the seconds of each recovery and of each SELECT."""
    server = await EmbeddedPostgres.start(data_dir)
    try:
        await migrate.upgrade(server.url)
        await _fill(server.url, filled, size)
        recovered, read = [], []
        for _ in range(ROUNDS):
            recovered.append(await _recovery(server.url, size))
            read.append(await _bare_select(server.url))
        return recovered, read
    finally:
        await server.stop()


async def _bare_select(url: str) -> float:
    """Return the seconds in which the same rows are read; connecting isn't counted."""
    connection = await connect(url)
    try:
        gc.collect()
        started = time.perf_counter()
        for table in _TABLES:
            await connection.fetch(f"SELECT * FROM {table}")  # noqa: S608 - constants
        return time.perf_counter() - started
    finally:
        await connection.close()


async def _fill(url: str, filled: int, size: int) -> None:
    pool = await create_pool(url, size=2)
    sequencer = Sequencer(await recover(url), pool)
    sequencer.start()
    if not filled:
        await submit_all(sequencer, opening())
    for first in range(filled, size, _PART):
        half = _PART // 2
        await submit_all(sequencer, resting(half, first))
        await submit_all(sequencer, resting(half, first + 1, with_ids=True))
    await sequencer.stop()
    await pool.close()


async def _recovery(url: str, size: int) -> float:
    gc.collect()
    started = time.perf_counter()
    recovered = await recover(url)
    elapsed = time.perf_counter() - started
    await recovered.connection.close()
    found = len(recovered.live.orders), len(recovered.view.orders)
    # The collector comes rarely: unlink the orders, or each round leaves its states behind.
    recovered.live.dismantle()
    recovered.view.dismantle()
    if found != (size, size):
        raise RuntimeError(f"{found} of {size} orders came back")
    return elapsed


def _starts(data_dir: Path) -> tuple[list[float], list[float], str]:
    """Return the seconds of each start of a real server and of each SELECT, and what it holds."""
    server = ServerProcess(data_dir)
    seconds, read, held = [], [], 0.0
    try:
        for _ in range(ROUNDS):
            seconds.append(server.start())
            held = psutil.Process(server.pid).memory_info().rss / 1e6
            read.append(uvloop.run(_bare_select(server.database_url())))
            server.end()
    finally:
        server.clean_up()
    return seconds, read, f"the server then holds {held:,.0f} MB"
