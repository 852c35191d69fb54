"""What is left of the durable figures where a flush to disk takes a millisecond?

Some disks answer in 30 us, since a cache with a battery, or nobody's promise, is behind them. Here
the embedded PostgreSQL is started through wrappers that load `slow_fdatasync.c` into it, so that
each flush takes at least 1 ms; a disk that needs longer by itself stays as it is. That it works is
checked by commits one after another, which can't be more than a thousand a second, and told in the
notes. Measured are the journal alone, the engine with its journal, and acknowledgements by
Socket.IO, each as in its own file, against that server: the bare COPY waits for the same flushes,
the echo for none.
"""

import asyncio
import gc
import shutil
import subprocess
import time
from pathlib import Path
from typing import Final

import uvloop
from msgspec import structs

from benchmarks import journal_choice
from benchmarks.engine_journal import CORE_AT_LEAST, NAME, core_parts, crossing_parts, run_parts
from benchmarks.harness.conditions import fdatasync_speed
from benchmarks.harness.report import Figure, amount
from benchmarks.loads.exchange_flow import fresh_database, own_server
from benchmarks.loads.sealing import EPOCH
from benchmarks.loads.server_process import running_server
from benchmarks.socket_orders import IN_FLIGHT, closed_loops
from persistence.embedded.server import EmbeddedPostgres, find_binaries
from persistence.journal.journal import connect_engine
from persistence.postgres.database import connect

_SOURCE: Final = Path(__file__).parent / "loads" / "slow_fdatasync.c"
# Below the same folders as the wheel: whoever may reach the one reaches the other.
_BUILT: Final = Path(__file__).parents[1] / "build" / "slow-disk"
_MOST_COMMITS_PER_S: Final = 1_000
_COMMITS: Final = 300
_JOURNAL_ROUNDS: Final = 15


def measure() -> list[Figure]:
    """Return the durable figures at 1 ms a flush."""
    library = _compiled()
    binaries = _wrappers(library)
    return uvloop.run(_measure(binaries, fdatasync_speed(library)))


def _compiled() -> Path:
    """Compile the library and return its path."""
    compiler = shutil.which("cc") or shutil.which("gcc")
    if compiler is None:
        raise SystemExit("slow_disk: no C compiler (apt-get install gcc)")
    _BUILT.mkdir(parents=True, exist_ok=True)
    library = _BUILT / "slow_fdatasync.so"
    command = [compiler, "-shared", "-fPIC", "-O2", "-o", str(library), str(_SOURCE), "-ldl"]
    subprocess.run(command, check=True)
    return library


def _wrappers(library: Path) -> Path:
    """Write a folder of programs that load the library into the server, and into nothing else."""
    folder, real = _BUILT / "bin", find_binaries()
    folder.mkdir(exist_ok=True)
    for name, prefix in (("postgres", f'LD_PRELOAD="{library}" '), ("initdb", "")):
        wrapper = folder / name
        wrapper.write_text(f'#!/bin/sh\n{prefix}exec "{real / name}" "$@"\n', encoding="utf-8")
        wrapper.chmod(0o755)
    return folder


async def _measure(binaries: Path, disk: str) -> list[Figure]:
    async with own_server(binaries) as server:
        took_effect = await _prove(server, disk)
        journal = await _journal_alone(server)
        core = await run_parts(server, f"{NAME}, core flow", core_parts(), CORE_AT_LEAST)
        crossing = await run_parts(server, f"{NAME}, half crossing", crossing_parts())
        await fresh_database(server)
        acks = await asyncio.to_thread(_acknowledgements, server.url)
    return [_named(journal, took_effect), *map(_named, (*core, *crossing, *acks))]


def _named(figure: Figure, note: str = "") -> Figure:
    notes = "; ".join(filter(None, (figure.note, note)))
    return structs.replace(figure, name=f"1 ms fdatasync: {figure.name}", note=notes)


async def _prove(server: EmbeddedPostgres, disk: str) -> str:
    """Commit a little, again and again, and say how fast that went.

    Raises:
        RuntimeError: faster than flushes of a millisecond allow.
    """
    connection = await connect(server.url)
    try:
        method = await connection.fetchval("SHOW wal_sync_method")
        started = time.perf_counter()
        for _ in range(_COMMITS):
            await connection.execute("SELECT pg_logical_emit_message(true, 'bench', 'x')")
        rate = _COMMITS / (time.perf_counter() - started)
    finally:
        await connection.close()
    if method != "fdatasync" or rate > _MOST_COMMITS_PER_S:
        raise RuntimeError(f"the disk isn't slow: {amount(rate)} commits/s by {method}")
    return f"under it {disk}; {amount(rate)} commits/s one after another"


async def _journal_alone(server: EmbeddedPostgres) -> Figure:
    """Write batches as `journal_choice` does, in the one way that we chose."""
    first, batches = journal_choice.sealed_batches(_JOURNAL_ROUNDS + 1)
    connection = await connect_engine(await fresh_database(server))
    rates = []
    try:
        await connection.execute("UPDATE engine_state SET epoch = $1", EPOCH)
        await journal_choice.write_packed(connection, first, journal_choice.unpacked(first))
        for batch in batches:
            tables = journal_choice.unpacked(batch)
            gc.collect()
            started = time.perf_counter()
            await journal_choice.write_packed(connection, batch, tables)
            rates.append(journal_choice.ORDERS / (time.perf_counter() - started))
    finally:
        await connection.close()
    return Figure("journal: one call, packed", "orders/s", rates[1:])


def _acknowledgements(database_url: str) -> list[Figure]:
    settings = {"DATABASE_URL": database_url, "SOCKET_IN_FLIGHT_MAX": str(IN_FLIGHT)}
    with running_server(settings) as server:
        return closed_loops(server, "half crossing")
