"""Where the cache keeps entries, by `cashews`: memory, or a Redis that processes share.

The library looks for SQLAlchemy when it is loaded, so that rows could be pickled. Nothing is
pickled here, and loading it would take as long as all else that a start loads: so it isn't found.
"""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final


@contextmanager
def _hidden(module: str) -> Iterator[None]:
    """Let imports of a module fail as if it weren't installed, unless it is loaded already."""
    if module in sys.modules:
        yield
        return
    sys.modules[module] = None  # type: ignore[assignment]
    try:
        yield
    finally:
        del sys.modules[module]


with _hidden("sqlalchemy"):
    from cashews.backends.memory import Memory
    from cashews.backends.redis import Redis
    from cashews.exceptions import CacheBackendInteractionError as StoreFailed

__all__ = ["Memory", "SharedStore", "StoreFailed", "redis_at"]

_TIMEOUT_S: Final = 0.5
_CONNECTIONS: Final = 10


class SharedStore(Redis):
    """The library's, closed by the name that redis-py has for it today."""

    async def close(self) -> None:
        """Close every connection."""
        await self._client.aclose()


def redis_at(url: str) -> SharedStore:
    """Return the store in a Redis; nothing is asked of it before its first use."""
    return SharedStore(
        url,
        suppress=False,
        socket_timeout=_TIMEOUT_S,
        socket_connect_timeout=_TIMEOUT_S,
        wait_for_connection_timeout=_TIMEOUT_S,
        max_connections=_CONNECTIONS,
        client_name="probity-cache",
    )
