"""Long work over a connection of its own, which ends at once when it is told to.

Law: whoever is cancelled waits for no word of the server: the connection is cut, and whatever it
was at is rolled back. A transaction's own end would ask a server that stands still.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from typing import Final, TypeVar

from persistence.postgres.database import Connection, connect

_CLOSE_TIMEOUT_S: Final = 2.0
T = TypeVar("T")


async def apart(
    url: str, settings: Mapping[str, str], work: Callable[[Connection], Awaitable[T]]
) -> T:
    """Do work over a connection with these session settings, and return what it returns.

    Raises DatabaseUnavailable, and what `work` does.
    """
    connection = await connect(url, settings=settings)
    doing = asyncio.ensure_future(work(connection))
    try:
        return await asyncio.shield(doing)
    except asyncio.CancelledError:
        connection.terminate()
        await asyncio.wait([doing])
        if not doing.cancelled():
            doing.exception()  # that it was cut
        raise
    finally:
        with suppress(TimeoutError):
            await connection.close(timeout=_CLOSE_TIMEOUT_S)
