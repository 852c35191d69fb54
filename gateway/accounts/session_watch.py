"""Where several processes take the same tokens: what one ends, the others notice.

A process remembers the tokens it has verified. That a session was ended or a role changed in
another one is read from the database, once a second and whatever Redis does: PostgreSQL is the
truth of sessions too, and a message that was missed would leave a stolen token alive.
"""

import asyncio
import contextlib
from collections.abc import Callable, Iterable
from typing import Final

import asyncpg

from gateway.access.principals import Principal
from gateway.accounts.sign_in import SignIn
from persistence.postgres.database import OUTAGES

INTERVAL_SECONDS: Final = 1.0


async def watch_sessions(auth: SignIn, in_use: Callable[[], Iterable[Principal]]) -> None:
    """Compare what is remembered with the database until cancelled; `in_use` by sockets."""
    while True:
        await asyncio.sleep(INTERVAL_SECONDS)
        # Unreachable, it can't tell of any end; nobody new is let in meanwhile.
        with contextlib.suppress(*OUTAGES, asyncpg.InterfaceError):
            await auth.recheck(in_use())
