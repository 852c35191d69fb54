"""How long lists are, which costs more to find out than a page of one.

Laws: counted at most once a minute for all pages of a list, whoever reads them; so a total may be a
minute behind its list, and what is on a page and whether there is another never are.
"""

from collections.abc import Awaitable, Callable
from typing import Final

from gateway.feeds.cache import Cache, Policy

TOTALS: Final = Policy(
    name="totals", fresh_s=60, lends_s=60, kept_s=600, entries=1_024, nothing=frozenset((b"0",))
)

Count = Callable[[], Awaitable[int]]


class Totals:
    """Counts lists."""

    def __init__(self, cache: Cache) -> None:
        self._cache = cache

    async def of(self, key: str, count: Count) -> int:
        """Return what `count` gives, or gave a short while ago, for the list that is named."""

        async def fetch() -> bytes:
            return b"%d" % await count()

        total, _ = await self._cache.read(TOTALS, key, fetch, int)
        return total
