"""Whether a client id may have been used before, without asking the store about each.

::

    start ──> every id is asked for; meanwhile the table of ids is read, page by page
          ──> complete: an id that was neither read nor met since was never used, for certain

Laws: every id comes by here before its command runs, so that nothing this engine does goes past the
filter; what engines before it did is in the table before the first page is read, since none of them
can commit once the epoch is raised. An id whose command was then refused, undone or never run is
asked for when it comes again: the store, not the filter, says that an id was used. A store that
can't be read is read later. Reading takes half of the time at most.
"""

import asyncio
import logging
import time
from collections.abc import Sequence
from typing import Final

import asyncpg

from exchange.model.idempotency import Key
from persistence.loop.client_ids.used_ids import UsedIds
from persistence.postgres.database import OUTAGES, Fetching

PAGE_IDS: Final = 1_000
"""A millisecond or two of the event loop's time."""
# The number stands in the text: the plan is made for a page, not for a tenth of the table.
_PAGE: Final = f"""
SELECT account_id, kind::integer, client_id FROM idempotency
 WHERE (account_id, client_id, kind) > ($1, $2, $3)
 ORDER BY account_id, client_id, kind LIMIT {PAGE_IDS}
"""  # noqa: S608 - a constant
_FIRST_PAUSE_S: Final = 0.5
_LONGEST_PAUSE_S: Final = 30.0
_CLOSE_TIMEOUT_S: Final = 1.0
_LOG: Final = logging.getLogger(__name__)


class KnownIds:
    """The ids that were used, as far as memory tells."""

    def __init__(self, store: Fetching, used: UsedIds | None = None) -> None:
        """Begin without knowing any; `store` is read after `start`."""
        self._store = store
        self._used = UsedIds() if used is None else used
        self._task: asyncio.Task[None] | None = None
        self._is_read = False

    @property
    def is_complete(self) -> bool:
        """Whether any id can be called new."""
        return self._is_read and not self._used.is_full

    def start(self) -> None:
        """Begin to read the table of ids; the engine leads, and its epoch is raised."""
        self._task = asyncio.create_task(self._read(), name="client ids")

    async def close(self) -> None:
        """Read no further; a store that doesn't answer isn't waited for."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait([self._task], timeout=_CLOSE_TIMEOUT_S)

    def may_be_used(self, keys: Sequence[Key]) -> list[Key]:
        """Return which of these ids, none of them twice, the store has to be asked for.

        Call it before their commands run.
        """
        used = self._used.meet(keys)
        return used if self._is_read else list(keys)

    async def _read(self) -> None:
        """Add every id of the table."""
        last: Key = (-1, 0, "")
        pause = _FIRST_PAUSE_S
        while not self._used.is_full:
            account_id, kind, text = last
            started = time.monotonic()
            try:
                rows = await self._store.fetch(_PAGE, account_id, text, kind)
            except (asyncpg.PostgresError, asyncpg.InterfaceError, *OUTAGES) as error:
                _LOG.warning("client ids can't be read yet, all are asked for: %s", error)
                await asyncio.sleep(pause)
                pause = min(2 * pause, _LONGEST_PAUSE_S)
                continue
            if not rows:
                break
            page = [(account_id, kind, text) for account_id, kind, text in rows]
            self._used.meet(page)
            last = page[-1]
            await asyncio.sleep(time.monotonic() - started)
        self._is_read = True
