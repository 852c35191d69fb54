"""How long is a start with so many open orders?

A data folder is filled by a sequencer with resting orders (every second one with a client id) and
its database stopped orderly. Then, some rounds each: `recover()` by itself against the running
database (lead, one snapshot, both states, all invariants), and a real `probity serve` on that
folder from its start until `/ready` says yes: interpreter, PostgreSQL's own start, migrations,
recovery, listening. The floor belongs to that one. Pages are in the machine's cache, as after a
restart of the process and not of the machine.
"""

import gc
import tempfile
import time
from pathlib import Path

import psutil
import uvloop

from benchmarks.engine_journal import submit_all
from benchmarks.harness.report import Figure
from benchmarks.loads.exchange_flow import opening, resting
from persistence.embedded.server import EmbeddedPostgres
from persistence.loop.recovery import recover
from persistence.loop.sequencer import Sequencer
from persistence.postgres import migrate
from persistence.postgres.database import create_pool
from tests.server_process import ServerProcess

ROUNDS = 3
SIZES = (10_000, 100_000)
LONGEST_S = 5
_PART = 10_000


def measure() -> list[Figure]:
    """Return seconds of recovering and of starting, for each number of open orders."""
    figures = []
    with tempfile.TemporaryDirectory(prefix="probity-bench-") as folder:
        data_dir = Path(folder) / "data"
        filled = 0
        for size in SIZES:
            recovered = uvloop.run(_fill_and_recover(data_dir, filled, size))
            filled = size
            started, note = _starts(data_dir)
            ceiling = LONGEST_S if size == max(SIZES) else None
            of = f"{size:,} open orders"
            figures += [
                Figure(f"recovery of {of}", "s", recovered),
                Figure(f"start with {of}, until ready", "s", started, note=note, ceiling=ceiling),
            ]
    return figures


async def _fill_and_recover(data_dir: Path, filled: int, size: int) -> list[float]:
    """Add orders until `size` are open; return the seconds of each recovery."""
    server = await EmbeddedPostgres.start(data_dir)
    try:
        await migrate.upgrade(server.url)
        await _fill(server.url, filled, size)
        return [await _recovery(server.url, size) for _ in range(ROUNDS)]
    finally:
        await server.stop()


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


def _starts(data_dir: Path) -> tuple[list[float], str]:
    """Return the seconds of each start of a real server, and what it then holds."""
    server = ServerProcess(data_dir)
    seconds, held = [], 0.0
    try:
        for _ in range(ROUNDS):
            seconds.append(server.start())
            held = psutil.Process(server.pid).memory_info().rss / 1e6
            server.end()
    finally:
        server.clean_up()
    return seconds, f"the server then holds {held:,.0f} MB"
