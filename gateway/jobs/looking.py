"""Looking at the database again and again, until cancelled: the one way to wait for an absent one.

    await look_again(self.refresh, check_in, pause_s=INTERVAL_S)

Laws: what an absence is, `persistence.postgres.database.is_absence` says and nobody else: what
passes when the database is back, whatever was asked of it. Anything else is a fault of ours, which
ends the work for its supervisor to start again. A look that was made checks in; one that an absent
database kept from being made doesn't.
"""

import asyncio
from collections.abc import Awaitable, Callable

from gateway.jobs.supervisor import CheckIn
from persistence.postgres.database import absence_waited_for


async def look_again(
    look: Callable[[], Awaitable[object]],
    check_in: CheckIn,
    *,
    pause_s: float,
    rests_first: bool = False,
) -> None:
    """Look until cancelled, with a pause (s) between two looks, and before the first one where it
    `rests_first`. Raises what a look does, but for absences.
    """
    if rests_first:
        await asyncio.sleep(pause_s)
    while True:
        with absence_waited_for():
            await look()
            check_in()
        await asyncio.sleep(pause_s)
