"""A view as the tables hold it at one moment, and what they say of that moment."""

import asyncio
import contextlib
from typing import Final

import msgspec

from exchange.model.state import State
from persistence.errors import HistoryMismatch
from persistence.journal import tables
from persistence.postgres.database import connect
from persistence.relay.looks import Look, look

_LOAD_S: Final = 120.0
"""So long the tables may take to come."""
_CLOSE_S: Final = 2.0


class Loaded(msgspec.Struct, frozen=True):
    """A view, and what the database said of the place in the chain at which it stands."""

    view: State
    look: Look


async def load(url: str) -> Loaded:
    """Load the view from one moment of the tables; raises DatabaseUnavailable.

    On a connection of its own, since a pooled one would give up on a large exchange.
    """
    connection = await connect(url)
    # A host that is gone without a word is left; what waits for it then fails.
    timer = asyncio.get_running_loop().call_later(_LOAD_S, connection.terminate)
    try:
        async with connection.transaction(isolation="repeatable_read", readonly=True):
            found = await look(connection)
            if found is None:
                raise HistoryMismatch("engine_state is empty")
            snapshot = await tables.read_in_transaction(connection, with_ids=False)
    finally:
        timer.cancel()
        with contextlib.suppress(TimeoutError):
            await connection.close(timeout=_CLOSE_S)
    return Loaded(tables.build(snapshot, with_ids=False), found)
