"""Taking away all trades of a market costs whoever trades meanwhile little, and the exporter little
memory; what is taken away is what the tables hold.

At full length (PROBITY_LONG_TESTS=1) it is a million trades, and the bounds are those of a machine
with nothing else to do; every day other tests have half of it.
"""

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Final

import httpx
import psutil
import pytest

from persistence.clock import now_us
from persistence.exports import parquet
from tests.faults.attacks.arena import Arena
from tests.lengths import IS_LONG, length
from tests.measured import tries
from tests.server_process import ServerProcess

TRADES: Final = length(30_000, long=1_000_000)
P99_MS: Final = 100.0
TIMES_CALM: Final = 2.0
BESIDE_OTHERS: Final = 1 if IS_LONG else 4
MEMORY_MOST: Final = 200 * 2**20
_PROCESS: Final = "persistence.exports.process"
_SUMMED: Final = ("trade_no", "seq", "price", "yes_price", "quantity")
_INSERT: Final = """
INSERT INTO trades
SELECT $1, n, n, n, 1 + n % 997, 1, 1, 0, 1, 2, 0, $2::bigint + n, 1 + n % 9999, 1 + n % 9999,
       1 + n % 3, 1 + n % 2, 1 + n % 2
  FROM generate_series(1, $3::bigint) AS n
"""
_SUMS: Final = """
SELECT count(*), sum(trade_no), sum(market_seq), sum(price), sum(yes_price), sum(quantity)
  FROM trades WHERE market_id = $1
"""


@pytest.fixture
def arena(tmp_path: Path) -> Iterator[Arena]:
    """A server with its default limits, and 200 orders and cancels a second."""
    made = Arena(tmp_path)
    yield made
    made.close()


async def many_trades(server: ServerProcess, market_id: int) -> list[int]:
    """Write trades into the table, past the engine; return their number and sums."""
    async with server.database() as connection:
        await connection.execute(_INSERT, market_id, now_us() - 10 * TRADES, TRADES)
        await connection.execute("VACUUM ANALYZE trades")
        (row,) = await connection.fetch(_SUMS, market_id)
        return [int(one) for one in row]


class ExporterMemory:
    """The most that the exporter's process holds."""

    def __init__(self, server: ServerProcess) -> None:
        self._server = server
        self._over = threading.Event()
        self.most = 0

    @contextmanager
    def watched(self) -> Iterator[None]:
        thread = threading.Thread(target=self._look)
        thread.start()
        try:
            yield
        finally:
            self._over.set()
            thread.join()

    def _look(self) -> None:
        while not self._over.wait(0.02):
            for process in psutil.Process(self._server.pid).children():
                with suppress(psutil.Error):
                    if _PROCESS in process.cmdline():
                        self.most = max(self.most, process.memory_info().rss)


def take_away(server: ServerProcess, form: str, file: Path) -> int:
    """Export all trades into a file; return what the exporter held at most."""
    memory = ExporterMemory(server)
    query = {"market": "old", "format": form}
    with (
        memory.watched(),
        file.open("wb") as sink,
        httpx.stream("GET", f"{server.url}/api/v1/export/trades", params=query, timeout=120) as got,
    ):
        assert got.status_code == 200
        for chunk in got.iter_bytes():
            sink.write(chunk)
    return memory.most


def sums_of(file: Path) -> list[int]:
    """Return the number of a Parquet file's rows and the sums of its columns."""
    from pyarrow import compute  # noqa: PLC0415 - may be missing
    from pyarrow import parquet as reader  # noqa: PLC0415

    read: Any = reader.ParquetFile(file)
    sums = [0] * len(_SUMMED)
    for batch in read.iter_batches(columns=list(_SUMMED)):
        for number, name in enumerate(_SUMMED):
            sums[number] += compute.sum(batch.column(name)).as_py()
    return [read.metadata.num_rows, *sums]


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_an_export_costs_those_who_trade_little(arena: Arena, tmp_path: Path) -> None:
    if not parquet.is_there():
        pytest.skip("pyarrow isn't installed")
    server = arena.open()
    market = int(server.market("old")["id"])
    expected = asyncio.run(many_trades(server, market))
    file = tmp_path / "old-trades.parquet"
    # About as long as the export: the worst of a hundred isn't to be had in two seconds.
    calm_s = length(2, long=20)
    for attempt in tries():
        calm, during, most = arena.beside(lambda: take_away(server, "parquet", file), calm_s)
        print(
            f"{expected[0]} trades, {file.stat().st_size} bytes, at most {most >> 20} MiB; beside"
            f" {during.count} orders: p99 {during.p99:.1f} ms, {calm.p99:.1f} ms without"
        )
        assert sums_of(file) == expected
        assert 0 < most < MEMORY_MOST
        assert during.lost == 0
        assert not during.refused.keys() & {"RATE_LIMITED", "UNAVAILABLE", "INTERNAL_ERROR"}
        attempt.takes("p99 of acks, ms", during.p99, P99_MS * BESIDE_OTHERS)
        if IS_LONG:
            attempt.holds("p99 of acks, times the calm one", during.p99 / calm.p99, TIMES_CALM)
