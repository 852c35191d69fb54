"""Exports: what they hold is what the tables and the replayed books say, whoever reads slowly stops
only himself, and one who leaves takes his process along.
"""

import asyncio
import contextlib
import csv
import hashlib
import io
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, Final

import httpx
import msgspec
import psutil
import pytest
from starlette.types import Message

from exchange.messages.terms import YES
from gateway.engine_side.replays import ReplayPool
from gateway.http.request import Stream
from gateway.http.responses import send_stream
from gateway.markets.exports.running import ExportBroken, RunningExports
from gateway.markets.settings import PastSettings
from gateway.wire.errors import RateLimited, Unavailable
from gateway.wire.scalars import iso_millis
from persistence.clock import now_us
from persistence.exports import parquet
from persistence.exports.kinds import COLUMNS, Export, Format, Kind
from persistence.postgres.database import connect, create_pool
from tests.gateway.markets.past.recorded import Recording, looking_back, project_all, run_all
from tests.gateway.waiting import eventually
from tests.lengths import length
from tests.persistence.random_orders import commands, opening
from tests.persistence.running import running

Table = list[dict[str, Any]]
FORMATS: Final = ("csv", "parquet") if parquet.is_there() else ("csv",)


@pytest.fixture
async def past(database_url: str) -> AsyncIterator[tuple[Recording, httpx.AsyncClient, Any]]:
    """A short past, most of which the projector knows, and a client that asks for it."""
    recording, pool, replays = Recording(), await create_pool(database_url, size=4), ReplayPool()
    async with running(database_url, listeners=[recording]) as engine:
        await run_all(engine, [*opening(), *commands(21, 400)])
        await project_all(database_url)
        await run_all(engine, [*commands(22, 60)])
        async with looking_back(engine.view, pool, replays) as client:
            yield recording, client, engine.view
    replays.close()
    await pool.close()


async def taken(client: httpx.AsyncClient, kind: str, **query: Any) -> bytes:
    answer = await client.get(f"/export/{kind}", params=query)
    assert answer.status_code == 200, answer.text
    return answer.content


def table(body: bytes, kind: str) -> Table:
    """Read CSV as a reader who knows the columns' types."""
    columns = COLUMNS[Kind(kind)]
    rows = list(csv.reader(io.StringIO(body.decode("ascii"))))
    assert rows[0] == [column.name for column in columns]
    return [
        {
            column.name: text if column.type == "string" else int(text)
            for column, text in zip(columns, row, strict=True)
        }
        for row in rows[1:]
    ]


async def test_csv_holds_what_tables_and_books_say(
    past: tuple[Recording, httpx.AsyncClient, Any], database_url: str
) -> None:
    recording, client, view = past
    pool = await create_pool(database_url, size=2)
    for market_id in (1, 2, 3):
        market, moments = view.markets[market_id], recording.markets[market_id]
        trades = table(await taken(client, "trades", market=market.slug), "trades")
        assert [trade["trade_no"] for trade in trades] == list(range(1, market.trade_no + 1))
        assert sum(trade["quantity"] for trade in trades) == market.volume
        assert {trade["outcome"] for trade in trades} <= {"YES", "NO"}
        stored = await pool.fetch(
            "SELECT market_seq, at, price, yes_price, quantity FROM trades"
            " WHERE market_id = $1 ORDER BY trade_no",
            market_id,
        )
        shown = [(t["seq"], t["at"], t["price"], t["yes_price"], t["quantity"]) for t in trades]
        assert shown == [tuple(row.values()) for row in stored]
        deltas = table(await taken(client, "deltas", market=market_id), "deltas")
        book: dict[tuple[str, int], int] = {}
        at_seq = {moment.seq: moment for moment in moments}
        for delta in deltas:
            book[delta["side"], delta["price"]] = delta["quantity"]
            assert delta["at"] == at_seq[delta["seq"]].at
        left = {place: quantity for place, quantity in book.items() if quantity}
        bids, asks = market.book.bids.depth(10_000), market.book.asks.depth(10_000)
        assert left == {("bid", p): q for p, q in bids} | {("ask", p): q for p, q in asks}
        changes = sum(len(side) for moment in moments for side in moment.changes[YES])
        assert len(deltas) == changes > 0
        orders = table(await taken(client, "orders", market=market_id), "orders")
        traded = [one for one in orders if one["kind"] == "trade"]
        assert [one["trade_no"] for one in traded] == [trade["trade_no"] for trade in trades]
        resting: dict[int, int] = {}
        for one in orders:
            resting[one["order"]] = one["remaining"]
        assert sum(resting.values()) == sum(quantity for _, quantity in (*bids, *asks))
    await pool.close()


async def test_a_part_of_the_time_is_exported_and_the_parts_are_the_whole(
    past: tuple[Recording, httpx.AsyncClient, Any],
) -> None:
    recording, client, _ = past
    moments = recording.markets[1]
    middle = iso_millis(moments[len(moments) // 2].at)
    following = iso_millis(moments[len(moments) // 2].at + 1_000)
    for kind in ("trades", "deltas", "orders"):
        whole = table(await taken(client, kind, market=1), kind)
        first = table(await taken(client, kind, market=1, to=middle), kind)
        last = table(await taken(client, kind, market=1, **{"from": following}), kind)
        assert first
        assert last
        assert first + last == whole
    assert await taken(client, "trades", slug="market-0") == await taken(
        client, "trades", marketId=1
    )
    assert table(await taken(client, "trades", market=1, to="2020-01-01T00:00:00Z"), "trades") == []


async def test_each_file_says_how_far_it_reaches_and_its_manifest_what_it_is(
    past: tuple[Recording, httpx.AsyncClient, Any], database_url: str
) -> None:
    recording, client, view = past
    moments = recording.markets[1]
    # Orders may end by their time meanwhile.
    until = iso_millis(moments[len(moments) // 2].at)
    connection = await connect(database_url)
    projected = await connection.fetchval("SELECT last_seq FROM projection_state")
    await connection.close()
    assert projected < view.seq
    for kind in ("trades", "candles", "deltas", "orders"):
        reached = projected if kind == "candles" else view.seq
        too_far = projected + 1 if kind == "candles" else view.seq + 1_000
        for form in FORMATS:
            wanted = {"market": "market-0", "format": form, "to": until, "minSeq": reached}
            file = await client.get(f"/export/{kind}", params=wanted)
            beside = await client.get(f"/export/{kind}", params=wanted | {"manifest": "true"})
            assert (file.status_code, beside.status_code) == (200, 200)
            says = [int(answer.headers["x-as-of-seq"]) for answer in (file, beside)]
            assert min(says) >= reached
            assert kind != "candles" or says == [projected] * 2
            assert beside.headers["content-type"] == "application/json"
            manifest = beside.json()
            disposition = file.headers["content-disposition"]
            assert disposition == f'attachment; filename="{manifest["file"]}"'
            assert beside.headers["content-disposition"] == disposition[:-1] + '.manifest.json"'
            assert manifest["sha256"] == hashlib.sha256(file.content).hexdigest()
            assert (manifest["bytes"], manifest["asOfSeq"]) == (len(file.content), says[1])
            if form == "csv":
                assert manifest["rows"] == len(table(file.content, kind)) > 0
            late = await client.get(f"/export/{kind}", params=wanted | {"minSeq": too_far})
            assert (late.status_code, late.json()["error"]["code"]) == (504, "NOT_YET_REACHED")
    assert not exporting()


@pytest.mark.skipif(not parquet.is_there(), reason="pyarrow isn't installed")
async def test_parquet_holds_the_same_rows_as_csv(
    past: tuple[Recording, httpx.AsyncClient, Any],
) -> None:
    from pyarrow import BufferReader  # noqa: PLC0415 - may be missing
    from pyarrow import parquet as reader  # noqa: PLC0415

    _, client, _ = past
    for kind in ("trades", "candles", "deltas", "orders"):
        rows = table(await taken(client, kind, market=1), kind)
        body = await taken(client, kind, market=1, format="parquet")
        found = reader.read_table(BufferReader(body))
        assert found.num_rows == len(rows) > 0
        for column in found.schema:
            values = found.column(column.name)
            if str(column.type).startswith("timestamp"):
                values = values.cast("int64")
            assert values.to_pylist() == [row[column.name] for row in rows], column.name


WRONG: Final = [
    ("fills?market=1", 404, None),
    ("trades", 400, "market"),
    ("trades?market=nothing", 404, "market"),
    ("trades?slug=nothing", 404, "market"),
    ("trades?slug=market-0&marketId=1", 400, "market"),
    ("trades?market=kalshi:X", 400, "market"),
    ("trades?market=1&format=xlsx", 400, "format"),
    ("trades?market=1&interval=1h", 400, "interval"),
    ("trades?market=1&manifest=yes", 400, "manifest"),
    ("trades?market=1&minSeq=-1", 400, "minSeq"),
    ("candles?market=1&interval=5m", 400, "interval"),
    ("trades?market=1&from=yesterday", 400, "from"),
    ("trades?market=1&from=2026-02-01T00:00:00Z&to=2026-01-01T00:00:00Z", 400, "to"),
    ("trades?market=1&from=9999-01-01T00:00:00Z", 416, "from"),
    ("trades?market=1&limit=5", 400, "limit"),
]


async def test_what_is_wrong_is_refused_and_starts_nothing(
    past: tuple[Recording, httpx.AsyncClient, Any],
) -> None:
    _, client, _ = past
    for path, status, field in WRONG:
        answer = await client.get(f"/export/{path}")
        assert answer.status_code == status, path
        fields = [one["field"] for one in answer.json()["error"]["details"]]
        assert fields == ([field] if field else []), path
    assert not exporting()


def exporting() -> list[psutil.Process]:
    """The processes of exports that this one has started."""
    return [
        child
        for child in psutil.Process().children()
        if child.status() != psutil.STATUS_ZOMBIE
        and "persistence.exports.process" in child.cmdline()
    ]


async def test_parquet_without_pyarrow_is_told_with_the_reason(
    past: tuple[Recording, httpx.AsyncClient, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    _, client, _ = past
    monkeypatch.setattr(parquet, "is_there", lambda: False)
    answer = await client.get("/export/trades?market=1&format=parquet")
    assert answer.status_code == 503
    assert "probity[parquet]" in answer.json()["error"]["message"]


MANY: Final = length(300_000, long=1_000_000)
SOME: Final = length(60_000, long=1_000_000)
FEW_BYTES: Final = 300_000
"""Less than a tenth of their file."""
SETTINGS: Final = PastSettings(
    projector=False, exports_max=2, export_timeout_seconds=60, account_events_kept_days=0
)
MEMORY_MOST: Final = 200 * 2**20
PIPE_LEAST: Final = 2**16
"""What the pipe of an exporter takes that nobody reads."""


async def write_trades(database_url: str, count: int) -> None:
    """Write trades of market 1 into the table, past any engine."""
    connection = await connect(database_url)
    await connection.execute(
        "INSERT INTO trades SELECT 1, n, 1, n, n, 1, 1, 0, 1, 2, 0, $1, 5000, 5000, 1, 1, 1"
        " FROM generate_series(1, $2::bigint) AS n",
        now_us() - 1_000_000,
        count,
    )
    await connection.close()


@pytest.fixture
async def many_trades(database_url: str) -> int:
    """So many that their rows would be felt in memory; returns the sum of quantities."""
    await write_trades(database_url, MANY)
    return MANY * (MANY + 1) // 2


@pytest.fixture
async def some_trades(database_url: str) -> None:
    """So many that no pipe and no buffer holds their file."""
    await write_trades(database_url, SOME)


def all_trades() -> Export:
    return Export(Kind.TRADES, 1, 0, now_us())


@pytest.mark.parametrize("form", [*Format])
async def test_many_trades_are_exported_in_little_memory(
    database_url: str, many_trades: int, form: Format
) -> None:
    if form is Format.PARQUET and not parquet.is_there():
        pytest.skip("pyarrow isn't installed")
    exports = RunningExports(lambda: database_url, Path(), SETTINGS)
    export = await exports.start(all_trades(), form, "ann")
    process, most, body = exporting()[0], 0, bytearray()
    async for chunk in export.chunks():
        body += chunk
        if process.is_running() and process.status() != psutil.STATUS_ZOMBIE:
            most = max(most, process.memory_info().rss)
    await export.close()
    assert 0 < most < MEMORY_MOST
    if form is Format.CSV:
        rows = csv.reader(io.StringIO(body.decode("ascii")))
        place = next(rows).index("quantity")
        quantities = [int(row[place]) for row in rows]
    else:
        from pyarrow import BufferReader  # noqa: PLC0415 - may be missing
        from pyarrow import parquet as reader  # noqa: PLC0415

        read = reader.read_table(BufferReader(bytes(body)), columns=["quantity"])
        quantities = read.column("quantity").to_pylist()
    print(f"{form.value}: {len(body)} bytes, at most {most >> 20} MiB")
    assert (len(quantities), sum(quantities)) == (MANY, many_trades)


@pytest.mark.usefixtures("some_trades")
async def test_who_reads_slowly_stops_his_own_export_and_who_leaves_ends_it(
    database_url: str,
) -> None:
    exports = RunningExports(lambda: database_url, Path(), SETTINGS)
    first = await exports.start(all_trades(), Format.CSV, "ann")
    (process,) = exporting()
    # Nobody reads: the pipe is full, and the child has written no more than that.
    await at_rest(process)
    assert process.io_counters().write_chars < 2**20
    with pytest.raises(RateLimited, match="You have 1 under way") as limited:
        await exports.start(all_trades(), Format.CSV, "ann")
    assert limited.value.retry_after_seconds == 10
    second = await exports.start(all_trades(), Format.CSV, "bob")
    with pytest.raises(Unavailable, match="2 exports are under way") as refused:
        await exports.start(all_trades(), Format.CSV, "cem")
    assert refused.value.retry_after_seconds == 10
    await second.close()
    await (await exports.start(all_trades(), Format.CSV, "bob")).close()
    sent: list[int] = []

    async def receive() -> Message:
        await eventually(lambda: len(sent) > 3)
        return {"type": "http.disconnect"}

    async def send(message: Message) -> None:
        sent.append(len(message.get("body", b"")))
        await asyncio.sleep(0.01)

    stream = Stream("text/csv", "rain.csv", first.chunks(), first.stop, first.close)
    with contextlib.suppress(ExportBroken):
        await send_stream(receive, send, 200, stream, lambda: None)
    assert sum(sent) < FEW_BYTES
    assert exports.count == 0
    assert not exporting()


async def at_rest(process: psutil.Process) -> None:
    """Wait until a child has written something, and no more for a while."""
    before, now = 0, process.io_counters().write_chars
    async with asyncio.timeout(60):
        while before < PIPE_LEAST or before != now:
            await asyncio.sleep(0.5)
            before, now = now, process.io_counters().write_chars


async def read_late(exports: RunningExports) -> None:
    """Read an export when its time is long over."""
    export = await exports.start(all_trades(), Format.CSV, "ann")
    await asyncio.sleep(2)
    try:
        async for _ in export.chunks():
            pass
    finally:
        await export.close()


@pytest.mark.usefixtures("some_trades")
async def test_an_export_that_breaks_off_is_no_whole_answer(database_url: str) -> None:
    exports = RunningExports(lambda: database_url, Path(), SETTINGS)
    export = await exports.start(all_trades(), Format.CSV, "ann")
    exporting()[0].kill()
    with pytest.raises(ExportBroken):
        async for _ in export.chunks():
            pass
    await export.close()
    nowhere = RunningExports(lambda: "postgresql://nobody@127.0.0.1:1/none", Path(), SETTINGS)
    with pytest.raises(Unavailable):
        await nowhere.start(all_trades(), Format.CSV, "ann")
    late = msgspec.structs.replace(SETTINGS, export_timeout_seconds=0.01)
    exports = RunningExports(lambda: database_url, Path(), late)
    with pytest.raises((Unavailable, ExportBroken)):
        await read_late(exports)
    assert exports.count == 0
    assert not exporting()


@pytest.mark.usefixtures("some_trades")
async def test_one_whose_pipes_are_full_is_closed_at_once(database_url: str) -> None:
    exports = RunningExports(lambda: database_url, Path(), SETTINGS)
    export = await exports.start(all_trades(), Format.CSV, "ann")
    # More than asyncio's buffer holds: it reads no further, and sees no end.
    await at_rest(exporting()[0])
    async with asyncio.timeout(30):
        await export.close()
    assert exports.count == 0
    assert not exporting()
