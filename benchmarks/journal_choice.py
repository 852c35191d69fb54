"""How should a batch reach PostgreSQL: one call, or COPY inside a transaction?

The same batches of real rows (2 000 orders, half of them crossing) are written three ways, in turn,
each into a database of its own on one server:

    one call, packed    `CALL commit_batch` with a string of bits for each table (what we do)
    one call, unnest    one statement with an array for each column of each table
    COPY                BEGIN, fence, COPY into each table, staged updates, COMMIT

What is compared is the time of a commit for each order, and the processor time of both sides. The
decision that hangs on it is docs/decisions/0003. The yardstick is a bare COPY of the same rows
(`yardsticks/bare_copy.py`), in turn with them; `engine_journal` is what is held to it.
"""

import gc
import statistics
import struct
import time
from collections.abc import Awaitable, Callable
from itertools import count
from typing import Any, Final

import uvloop
from asyncpg import BitString

from benchmarks.harness.report import Figure, Yardstick
from benchmarks.loads.exchange_flow import cpu_seconds, fresh_database, half_crossing, own_server
from benchmarks.loads.sealing import (
    EPOCH,
    INSERTED,
    OPEN_ORDERS,
    ORDER_COLUMNS,
    UPDATED,
    Sealing,
)
from benchmarks.yardsticks import bare_copy
from persistence.journal.journal import CALL, SealedBatch, connect_engine
from persistence.postgres.database import Connection

ROUNDS = 15
ORDERS = 2_000

# The few rows of open orders go as bits in every way.
_BLOCKS: Final = OPEN_ORDERS[0]
_WRITE_BLOCKS: Final = (
    "INSERT INTO open_orders"
    " SELECT substring({rows}, i, 64)::bigint, substring({rows}, i + 64, 512)"
    " FROM generate_series(1, length({rows}), 576) AS i"
    " ON CONFLICT (block) DO UPDATE SET bits = excluded.bits"
)
_HEAD: Final = (
    "UPDATE engine_state SET last_seq = $4, chain_hash = $5, now = $6, mode = $7,"
    " next_order_id = $8, next_market_id = $9, issued = $10, fees = $11"
    " WHERE epoch = $1 AND last_seq = $2 AND chain_hash = $3"
)
_ROW: Final = "INSERT INTO journal VALUES ($1, $2, $3, $4, $5, $6, $7, $8)"

Write = Callable[[Connection, SealedBatch, "Tables"], Awaitable[None]]
Tables = dict[str, list[tuple[Any, ...]]]


def sealed_batches(number_of: int) -> tuple[SealedBatch, list[SealedBatch]]:
    """Return the batch that opens the exchange, and some batches of orders after it."""
    sealing = Sealing()
    flows = [half_crossing(ORDERS, number) for number in range(number_of)]
    return sealing.opening, [sealing.seal(flow) for flow in flows]


def unpacked(batch: SealedBatch) -> Tables:
    """Return the rows of a batch as tuples; an update's name ends in "!"."""
    tables = {name: _rows(batch, *place) for name, place in INSERTED.items()}
    tables |= {f"{name}!": _rows(batch, *place[:2]) for name, place in UPDATED.items()}
    return tables


def _rows(batch: SealedBatch, argument: int, layout: str) -> list[tuple[Any, ...]]:
    bits: BitString = batch.arguments[argument]
    return list(struct.iter_unpack(layout, bits.bytes))


async def write_packed(connection: Connection, batch: SealedBatch, tables: Tables) -> None:
    """Write with one call; packing the rows is part of it, as encoding them is of the others."""
    arguments = list(batch.arguments)
    for name, (place, layout) in INSERTED.items():
        arguments[place] = _packed(layout, tables[name])
    for name, (place, layout, _, _) in UPDATED.items():
        arguments[place] = _packed(layout, tables[f"{name}!"])
    await connection.execute(CALL, *arguments)


def _packed(layout: str, rows: list[tuple[Any, ...]]) -> BitString:
    pack, width = struct.Struct(layout).pack, len(layout) - 1
    return BitString.frombytes(b"".join([pack(*row[:width]) for row in rows]))


async def write_copy(connection: Connection, batch: SealedBatch, tables: Tables) -> None:
    """Write with COPY in a transaction; rows that exist are updated from staging tables."""
    async with connection.transaction():
        await _write_head(connection, batch)
        await connection.execute(
            _WRITE_BLOCKS.format(rows="$1::bit varying"), batch.arguments[_BLOCKS]
        )
        for name in INSERTED:
            if tables[name]:
                columns = ORDER_COLUMNS if name == "orders" else None
                await connection.copy_records_to_table(name, records=tables[name], columns=columns)
        for name, (_, _, changed, keys) in UPDATED.items():
            if tables[f"{name}!"]:
                await connection.copy_records_to_table(f"new_{name}", records=tables[f"{name}!"])
                await connection.execute(_update_from(name, f"new_{name}", changed, keys))


async def write_unnest(connection: Connection, batch: SealedBatch, tables: Tables) -> None:
    """Write with one statement that takes an array for each column."""
    arrays: list[list[Any]] = []
    for name, (_, layout) in INSERTED.items():
        arrays += _columns(tables[name], len(layout) - 1)
    for name, (_, layout, _, _) in UPDATED.items():
        arrays += _columns(tables[f"{name}!"], len(layout) - 1)
    await connection.execute(_UNNEST, *batch.arguments[:13], *arrays, batch.arguments[_BLOCKS])


def _columns(rows: list[tuple[Any, ...]], width: int) -> list[list[Any]]:
    return [[row[column] for row in rows] for column in range(width)]


async def _write_head(connection: Connection, batch: SealedBatch) -> None:
    epoch, before, chain, seq, hash_, now, rules, payload, *numbers = batch.arguments[:13]
    await connection.execute(_HEAD, epoch, before, chain, seq, hash_, now, *numbers)
    await connection.execute(_ROW, before + 1, seq, epoch, now, rules, payload, chain, hash_)


def _update_from(name: str, source: str, columns: str, keys: int) -> str:
    names = columns.split(", ")
    if name == "positions":
        changes = ", ".join(f"{column} = excluded.{column}" for column in names[keys:])
        return (
            f"INSERT INTO positions ({columns}) SELECT * FROM {source}"  # noqa: S608 - constants
            f" ON CONFLICT (account_id, market_id) DO UPDATE SET {changes}"
        )
    changes = ", ".join(f"{column} = s.{column}" for column in names[keys:])
    return f"UPDATE {name} t SET {changes} FROM {source} s WHERE t.id = s.id"  # noqa: S608 - constants


async def _prepare(connection: Connection) -> None:
    """Make the staging tables of COPY."""
    for name, (_, _, columns, _) in UPDATED.items():
        await connection.execute(
            f"CREATE TEMP TABLE new_{name} ON COMMIT DELETE ROWS AS"  # noqa: S608 - constants
            f" SELECT {columns} FROM {name} LIMIT 0"
        )


def _unnest_statement() -> str:
    """Make the statement that takes an array for each column of each table."""
    parts = [
        (
            "UPDATE engine_state SET last_seq = $4, chain_hash = $5, now = $6, mode = $9,"
            " next_order_id = $10, next_market_id = $11, issued = $12, fees = $13"
            " WHERE epoch = $1 AND last_seq = $2 AND chain_hash = $3 RETURNING 1"
        ),
        "INSERT INTO journal SELECT $2 + 1, $4, $1, $6, $7, $8, $3, $5 FROM part_0",
    ]
    places = count(14)
    for name, (_, layout) in INSERTED.items():
        arrays = [_array(next(places)) for _ in layout[1:]]
        columns = ", ".join(f"unnest({array})" for array in arrays)
        named = f" ({', '.join(ORDER_COLUMNS)})" if name == "orders" else ""
        parts.append(f"INSERT INTO {name}{named} SELECT {columns}")
    for name, (_, layout, columns, keys) in UPDATED.items():
        arrays = [_array(next(places)) for _ in layout[1:]]
        source = f"unnest({', '.join(arrays)}) AS s({columns})"
        own = f"(SELECT * FROM {source})" if name != "positions" else source  # noqa: S608 - constants
        parts.append(_update_from(name, own, columns, keys))
    parts.append(_WRITE_BLOCKS.format(rows=f"${next(places)}::bit varying"))
    named = ", ".join(f"part_{number} AS ({part})" for number, part in enumerate(parts))
    return f"WITH {named} SELECT * FROM part_0"  # noqa: S608 - constants


def _array(place: int) -> str:
    return f"${place}::bigint[]"


_UNNEST: Final = _unnest_statement()

WAYS: Final[dict[str, Write]] = {
    "one call, packed": write_packed,
    "one call, unnest": write_unnest,
    "COPY": write_copy,
}


async def _measure() -> list[Figure]:
    first, batches = sealed_batches(ROUNDS + 1)
    results: dict[str, list[tuple[float, float, float]]] = {name: [] for name in WAYS}
    bare: list[float] = []
    async with own_server() as server, bare_copy.bare_copy(server) as copy:
        connections = {}
        for number, name in enumerate(WAYS):
            url = await fresh_database(server, f"way_{number}")
            connections[name] = connection = await connect_engine(url)
            await connection.execute("UPDATE engine_state SET epoch = $1", EPOCH)
            await write_packed(connection, first, unpacked(first))
            await _prepare(connection)
        for batch in batches:
            tables = unpacked(batch)
            gc.collect()
            for name, write in WAYS.items():
                results[name].append(await _timed(connections[name], write, batch, tables))
            bare.append(ORDERS / await copy.seconds([batch]))
        for connection in connections.values():
            await connection.close()
    yardstick = Yardstick(bare_copy.NAME, bare[1:])
    return [
        Figure(f"yardstick: {bare_copy.NAME}", "orders/s", bare[1:]),
        *[_figure(name, rounds[1:], yardstick) for name, rounds in results.items()],
    ]


async def _timed(
    connection: Connection, write: Write, batch: SealedBatch, tables: Tables
) -> tuple[float, float, float]:
    backend = connection.get_server_pid()
    started, ours, theirs = time.perf_counter(), time.process_time(), cpu_seconds(backend)
    await write(connection, batch, tables)
    elapsed = time.perf_counter() - started
    return elapsed, time.process_time() - ours, cpu_seconds(backend) - theirs


def _figure(name: str, rounds: list[tuple[float, float, float]], yardstick: Yardstick) -> Figure:
    elapsed, ours, theirs = zip(*rounds, strict=True)
    note = (
        f"us an order: {statistics.median(ours) / ORDERS * 1e6:.2f} here,"
        f" {statistics.median(theirs) / ORDERS * 1e6:.2f} in the database"
        f" (least {min(ours) / ORDERS * 1e6:.2f}, {min(theirs) / ORDERS * 1e6:.2f})"
    )
    rates = [ORDERS / one for one in elapsed]
    return Figure(f"journal: {name}", "orders/s", rates, note, yardstick)


def measure() -> list[Figure]:
    """Return orders/s of each way to write a batch."""
    return uvloop.run(_measure())
