"""An engine that is stopped (SIGSTOP) at any moment stands in nobody's way."""

import asyncio
import os
import signal
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from random import Random

from persistence.loop.recovery import recover
from persistence.postgres.database import connect
from tests.lengths import length
from tests.measured import tries

_STOPS = length(20, long=1_000)
_LONGEST_LOCK_S = 2.0
_NO_END_S = 30.0
# What the engine's session holds beside its lead: nothing that anybody waits for is in that list.
_LOCKS = """
SELECT count(*) FROM pg_locks l JOIN pg_stat_activity a USING (pid)
 WHERE a.application_name = 'probity engine' AND a.datname = current_database()
   AND l.locktype <> 'advisory'
   AND (l.mode LIKE '%Exclusive%' AND l.locktype <> 'virtualxid')
"""


@asynccontextmanager
async def busy_engine(url: str, seed: int) -> AsyncIterator[int]:
    """Run an engine under load in a process of its own; yield its pid, kill it at the end."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "tests.persistence.busy_engine",
        url,
        str(seed),
        stdout=asyncio.subprocess.PIPE,
    )
    assert process.stdout is not None
    try:
        assert await process.stdout.readline() == b"ready\n"
        yield process.pid
    finally:
        with suppress(ProcessLookupError):
            process.kill()
        await process.wait()


async def test_a_stopped_engine_holds_no_lock_for_two_seconds(database_url: str) -> None:
    seed = int(os.environ.get("SEED", Random().randrange(2**32)))
    print(f"SEED={seed}")
    dice = Random(seed)
    watcher = await connect(database_url)
    async with busy_engine(database_url, seed) as pid:
        for attempt in tries():
            longest = 0.0
            for _ in range(_STOPS):
                await asyncio.sleep(dice.random() * 0.1)
                os.kill(pid, signal.SIGSTOP)
                stopped_at = time.monotonic()
                while await watcher.fetchval(_LOCKS):
                    assert time.monotonic() - stopped_at < _NO_END_S
                await watcher.execute("UPDATE engine_state SET epoch = epoch")
                longest = max(longest, time.monotonic() - stopped_at)
                os.kill(pid, signal.SIGCONT)
            attempt.takes("the longest lock, s", longest, _LONGEST_LOCK_S)
        before = await watcher.fetchval("SELECT last_seq FROM engine_state")
        async with asyncio.timeout(60):
            while True:
                if await watcher.fetchval("SELECT last_seq FROM engine_state") > before:
                    break
                await asyncio.sleep(0.01)
    await watcher.close()


async def test_a_stopped_engine_is_taken_over_and_writes_nothing_more(database_url: str) -> None:
    async with busy_engine(database_url, 1) as pid:
        await asyncio.sleep(0.2)
        os.kill(pid, signal.SIGSTOP)
        new = await recover(database_url, take_over=True)
        assert new.live.seq > 0
        os.kill(pid, signal.SIGCONT)
        await asyncio.sleep(0.2)
        last_seq = await new.connection.fetchval("SELECT last_seq FROM engine_state")
        assert last_seq == new.live.seq
        await new.connection.close()
