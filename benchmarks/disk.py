"""What does a trade cost on disk, and does the projector keep up?

Pairs of orders with client ids, of which the second fills the first, on twenty markets: two
commands, two orders, one trade, its fees and postings. They go through engine and journal, then the
projector follows the journal to its end; what all tables and indexes have grown by meanwhile, with
nothing vacuumed away, is divided by the trades. A database rounds up to pages of 8 kB, so the first
part, in which tables get their first pages, isn't counted. WAL is left out: it is recycled.

The projector's rate stands beside that of engine and journal for the same commands in the same run:
what it can't keep up with would wait for ever.
"""

import time
from typing import Final

import uvloop

from benchmarks.engine_journal import Exchange, crossing_parts
from benchmarks.harness.report import Figure, Yardstick, limit
from benchmarks.loads.exchange_flow import fresh_database, own_server
from persistence.postgres.database import Connection, connect
from persistence.projection.process import projections
from persistence.projection.projector import Projector

MOST_BYTES: Final = 4_000
KEEPS_UP: Final = 1.0
_SIZES: Final = """
SELECT relname, pg_total_relation_size(oid) FROM pg_class
 WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace
"""
_TOLD: Final = 6


async def _sizes(connection: Connection) -> dict[str, int]:
    return {row["relname"]: row["pg_total_relation_size"] for row in await connection.fetch(_SIZES)}


async def _follow(projector: Projector) -> float:
    """Project to the end of the journal; return commands/s."""
    began, started = projector.last_seq, time.perf_counter()
    while await projector.step():
        pass
    return (projector.last_seq - began) / (time.perf_counter() - started)


async def _measure() -> list[Figure]:
    parts = crossing_parts(with_ids=True)
    async with own_server() as server:
        url = await fresh_database(server, "disk")
        exchange = await Exchange.start(url, parts[0])
        connection = await connect(url)
        projector = Projector(connection, projections())
        await projector.lead()
        await _follow(projector)
        before = await _sizes(connection)
        trades = await connection.fetchval("SELECT count(*) FROM trades")
        rates = []
        for part in parts[1:]:
            await exchange.run(part)
            rates.append(await _follow(projector))
        after = await _sizes(connection)
        trades = await connection.fetchval("SELECT count(*) FROM trades") - trades
        await exchange.stop()
        await connection.close()
    grown = {name: (after[name] - before.get(name, 0)) / trades for name in after}
    largest = sorted(grown.items(), key=lambda one: -one[1])[:_TOLD]
    note = ", ".join(f"{name} {size:,.0f}" for name, size in largest)
    return [
        Figure("disk of a trade", "bytes", [sum(grown.values())], note, limit(MOST_BYTES, "bytes")),
        Figure(
            "projector",
            "commands/s",
            rates,
            "",
            Yardstick("engine + journal", exchange.rates, at_least=KEEPS_UP),
        ),
    ]


def measure() -> list[Figure]:
    """Return bytes a trade and the projector's commands/s."""
    return uvloop.run(_measure())
