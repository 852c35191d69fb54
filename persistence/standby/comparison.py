"""One comparison of the twin with the tables, as short for the twin as it can be.

::

    a moment of the tables ──> the twin comes to it, is hashed ──> and goes on
                └─ read, built, checked, hashed: minutes, beside it ──> the same hash?

Laws: the twin stands still while it is hashed, and no longer, since a takeover runs again whatever
it hasn't followed; who compares says so (`is_still`), who follows looks at that, and leaves what
keeps too much waiting (`Patience`). Whoever leaves it waits for nothing, and nothing of it is left
but a thread that ends by itself.
"""

import asyncio
import threading
from collections.abc import Awaitable, Callable
from typing import Final

from persistence.journal import tables
from persistence.journal.segments.segments import Segments
from persistence.postgres.database import Connection
from persistence.standby.lease import Leader
from persistence.standby.twin import Twin, compare

BEHIND_MOST: Final = 5_000
"""Commands that a takeover may have to run again because of a comparison: about half a second."""
_TIMES_MOST: Final = 4
"""So many times as many, where the comparisons before came to no end."""

TakeRows = Callable[[Connection, Twin], Awaitable[bool]]


class Patience:
    """How much a comparison may keep waiting: each next one twice as much until one has come to its
    end, or an exchange that is large and always busy would never be compared.
    """

    def __init__(self) -> None:
        self.most = BEHIND_MOST

    def is_over(self, behind: int, leader: Leader | None, lease_s: float) -> bool:
        """Say whether what waits is too much, or soon to be run: while the lease of a leader that
        says nothing runs, there is time for it.
        """
        if behind > self.most:
            self.most = min(2 * self.most, _TIMES_MOST * BEHIND_MOST)
            return True
        return leader is not None and leader.has_lost(lease_s / 2)

    def ended(self) -> None:
        """Note that one has come to its end."""
        self.most = BEHIND_MOST


class Comparison:
    """One of them."""

    def __init__(self, twin: Twin, take_rows: TakeRows, segments: Segments | None) -> None:
        """Prepare to compare `twin`, which `take_rows` brings forward (False: it can't)."""
        self.twin = twin
        self.is_still = True
        """Whether the twin has to stay where it is."""
        self.found: tuple[int, bytes] | None = None
        """The command at which twin and tables are the same, and their hash."""
        self._take_rows = take_rows
        self._segments = segments

    async def run(self, connection: Connection) -> None:
        """Compare; nothing is found if the twin follows another history, which a look notices.

        Raises:
            StateDiffers: they aren't the same, or the tables break a law.
        """
        left = threading.Event()
        try:
            async with tables.one_moment(connection):
                head = await tables.read_head(connection)
                if not await self._come_to(connection, head):
                    return
                hashes = await asyncio.to_thread(self.twin.hashes, left)
                self.is_still = False
                snapshot = await tables.read_in_transaction(connection, segments=self._segments)
            state = await asyncio.to_thread(compare, snapshot, hashes, left)
        finally:
            left.set()
        self.found = head.last_seq, state

    async def _come_to(self, connection: Connection, head: tables.Head) -> bool:
        twin = self.twin
        while twin.seq < head.last_seq:
            if not await self._take_rows(connection, twin):
                return False
        return (twin.seq, twin.chain_hash) == (head.last_seq, head.chain_hash)
