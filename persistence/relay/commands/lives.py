"""How far an engine's life came that has ended, as the next one found it."""

from typing import Final

from persistence.loop.authority import Place
from persistence.postgres.database import Fetching

_LAST: Final = "SELECT last_stream_id, last_commands_ms, last_commands_no FROM engine_state"


async def reached_by(source: Fetching, life: str) -> Place | None:
    """Return the furthest place in its stream of commands that a life which has ended executed;
    None if it isn't the last that ended, so that nobody knows.

    It is final: it was noted in the statement by which the next engine took the lead, after which
    the one before commits nothing.
    """
    row = await source.fetchrow(_LAST)
    if row is None:
        return None
    last, ms, number = row
    return (ms, number) if last == life else None
