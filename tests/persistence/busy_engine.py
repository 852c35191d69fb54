"""A process that does nothing but trade: started by a test, which stops or kills it.

Prints "ready" when it leads, then trades as fast as it can until it is ended.
"""

import asyncio
import contextlib
import sys
from itertools import count
from random import Random

from persistence.errors import PersistenceError
from tests.persistence.random_orders import commands, opening
from tests.persistence.running import running


async def main(url: str, seed: int) -> None:
    """Trade for ever."""
    # An engine that is taken over hears that its outcome is unknown, and ends.
    with contextlib.suppress(PersistenceError):
        async with running(url) as engine:
            await engine.send_all(*opening())
            print("ready", flush=True)
            for round_ in count():
                await engine.send_all(*commands(Random(seed + round_).randrange(2**32), 300))


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], int(sys.argv[2])))
