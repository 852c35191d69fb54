"""What is done for API keys all the time, and for whatever else is sealed at start.

Secrets that an older key of ENCRYPTION_KEY has sealed are sealed anew, what other processes changed
is noticed, the last use of each key is written down by and by, and nonces whose calls are over are
thrown away.

As with sessions (`accounts/sessions/watch.py`) PostgreSQL is asked once a second, whatever Redis
does, and always: a key may also be deleted by hand.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from typing import Final

from gateway.accounts.api_keys.keys import ApiKeys
from gateway.jobs.supervisor import CheckIn
from gateway.observability.logs import Logger
from persistence.clock import now_us
from persistence.postgres.database import absence_waited_for
from persistence.repositories.api_keys.nonces import ApiKeyNonces

INTERVAL_SECONDS: Final = 1.0
TIDY_SECONDS: Final = 30.0
_PRUNED_AT_ONCE: Final = 10_000
_CLOCKS_APART_MS: Final = 60_000
"""So far the clocks of processes may be apart without a nonce being forgotten too early."""

Reseal = Callable[[], Awaitable[tuple[int, int]]]
"""Seals secrets anew; returns how many were, and how many no key opens."""


class KeyWatch:
    """Continuous work; it is started again at once if it fails, since keys live on it."""

    NAME: Final = "api-key-watch"
    LONGEST_PAUSE_S: Final = 2.0

    def __init__(
        self,
        keys: ApiKeys,
        nonces: ApiKeyNonces | None,
        window_max_ms: int,
        logger: Logger,
        sealed: Mapping[str, Reseal] | None = None,
    ) -> None:
        """Watch `keys`; `nonces` are those of several processes, `sealed` what else is sealed."""
        self._logger = logger
        self._sealed = {"API keys": keys.reseal, **(sealed or {})}
        self._keys = keys
        self._nonces = nonces
        self._kept_ms = window_max_ms + _CLOCKS_APART_MS

    async def run(self, check_in: CheckIn) -> None:
        """Look until cancelled; each look checks in. Raises what a listener raised."""
        with absence_waited_for():
            await self.reseal()
        tidy_at = time.monotonic() + TIDY_SECONDS
        while True:
            await asyncio.sleep(INTERVAL_SECONDS)
            with absence_waited_for():
                await self._keys.recheck()
                check_in()
                if time.monotonic() >= tidy_at:
                    tidy_at = time.monotonic() + TIDY_SECONDS
                    await self.tidy()

    async def reseal(self) -> None:
        """Seal secrets anew where ENCRYPTION_KEY has got a new first key."""
        for what, reseal in self._sealed.items():
            done, lost = await reseal()
            if done:
                self._logger.info("secrets sealed anew", of=what, count=done)
            if lost:
                self._logger.warning("secrets that ENCRYPTION_KEY can't open", of=what, count=lost)

    async def tidy(self) -> None:
        """Write down which keys were used, and throw nonces away that no call can use."""
        await self._keys.note_used()
        if self._nonces is not None:
            before = now_us() // 1_000 - self._kept_ms
            await self._nonces.prune(before, _PRUNED_AT_ONCE)
