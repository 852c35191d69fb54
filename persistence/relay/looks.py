"""What the fan-out asks the database: which exchange it holds, who leads it, and what time it is.

Laws: the database says what is true. A look is one row of `engine_state` with the database's clock,
taken at one moment; the asker notes when it asked, by its own clock, so that no two machines'
clocks are ever compared.
"""

import asyncio
from typing import Final

import asyncpg
import msgspec

from persistence.errors import DatabaseUnavailable, HistoryMismatch
from persistence.postgres.clocks import NOW
from persistence.postgres.database import OUTAGES, Fetching

_LOOK: Final = f"SELECT {NOW}, epoch, last_seq, chain_hash, stream_id FROM engine_state"  # noqa: S608 - a constant
_PLACE: Final = (
    "SELECT s.database_id::text, d.oid::bigint,"
    " has_function_privilege('pg_control_system()', 'EXECUTE')"
    " FROM engine_state s, pg_database d WHERE d.datname = current_database()"
)


class Look(msgspec.Struct, frozen=True):
    """Where the exchange stands, as the database says it."""

    asked_at: float
    """The asking event loop's clock, before it asked: what is said was so then, or later."""
    at: int
    """The database's clock, in microseconds since the epoch."""
    epoch: int
    last_seq: int
    chain_hash: bytes
    stream_id: str | None
    """Of the engine that leads; None if it speaks to nobody."""


async def look(source: Fetching) -> Look | None:
    """Ask where the exchange stands; None if its row is missing."""
    asked_at = asyncio.get_running_loop().time()
    row = await source.fetchrow(_LOOK)
    return None if row is None else Look(asked_at, *row.values())


async def identity_of(source: Fetching) -> str:
    """Return what tells this exchange's database from every other one, copies included.

    That is the cluster's system identifier, the database's oid in it, and the number that the
    exchange got at its birth. A copy of the whole cluster's files has all three: it is told apart
    by its engine's stream. A role that may not ask for the identifier does without.

    Raises:
        DatabaseUnavailable: the connection was lost.
        HistoryMismatch: the exchange's row is missing.
    """
    try:
        place = await source.fetchrow(_PLACE)
        if place is None:
            raise HistoryMismatch("engine_state is empty")
        database_id, oid, may_ask = place
        cluster = 0
        if may_ask:
            cluster = await source.fetchval("SELECT system_identifier FROM pg_control_system()")
    except (*OUTAGES, asyncpg.InterfaceError) as error:
        raise DatabaseUnavailable(f"the database can't be asked what it is: {error}") from error
    return f"{cluster}.{oid}.{database_id}"
