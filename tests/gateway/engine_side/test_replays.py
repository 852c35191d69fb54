"""The pool that replays the past: what it returns, what it refuses, and how it comes back."""

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from pathlib import Path

import psutil
import pytest

from gateway.engine_side.replays import ReplayPool
from gateway.wire.errors import Unavailable


def pid_and_niceness(_nothing: int) -> tuple[int, int]:
    return os.getpid(), os.nice(0)


def fail(words: str) -> None:
    raise ValueError(words)


def die(code: int) -> None:
    os._exit(code)


def interrupted(_nothing: int) -> str:
    os.kill(os.getpid(), signal.SIGINT)
    return "still here"


@pytest.fixture
async def pool() -> AsyncIterator[ReplayPool]:
    pool = ReplayPool(waiting=3, timeout_s=60)
    yield pool
    pool.close()


def gone(pid: int) -> bool:
    return not psutil.pid_exists(pid) or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE


async def wait_until_gone(pid: int) -> None:
    async with asyncio.timeout(30):
        while not gone(pid):  # noqa: ASYNC110 - a process says nothing when it ends
            await asyncio.sleep(0.02)


async def test_what_is_run_is_run_elsewhere_and_gives_way(pool: ReplayPool) -> None:
    pid, niceness = await pool.run(pid_and_niceness, 0)
    assert pid != os.getpid()
    assert niceness > os.nice(0)
    assert await pool.run(interrupted, 0) == "still here"
    with pytest.raises(ValueError, match="as it was said"):
        await pool.run(fail, "as it was said")
    assert (await pool.run(pid_and_niceness, 0))[0] == pid
    pool.close()
    await wait_until_gone(pid)
    with pytest.raises(Unavailable):
        await pool.run(pid_and_niceness, 0)


async def test_more_than_may_wait_are_told_to_come_back(pool: ReplayPool) -> None:
    await pool.run(pid_and_niceness, 0)
    calls = [asyncio.create_task(pool.run(time.sleep, 0.3)) for _ in range(3)]
    await asyncio.sleep(0)
    with pytest.raises(Unavailable) as refused:
        await pool.run(time.sleep, 0.0)
    assert refused.value.retry_after_seconds == 1
    await asyncio.gather(*calls)
    await pool.run(time.sleep, 0.0)


async def test_a_process_that_dies_is_replaced(pool: ReplayPool) -> None:
    with pytest.raises(Unavailable):
        await pool.run(die, 3)
    pid, _ = await pool.run(pid_and_niceness, 0)
    os.kill(pid, signal.SIGKILL)
    with pytest.raises(Unavailable):
        await pool.run(time.sleep, 5.0)
    assert (await pool.run(pid_and_niceness, 0))[0] != pid


async def test_what_takes_too_long_is_ended_and_the_next_one_served() -> None:
    pool = ReplayPool(timeout_s=60)
    pid, _ = await pool.run(pid_and_niceness, 0)
    pool._timeout_s = 0.2
    with pytest.raises(Unavailable):
        await pool.run(time.sleep, 60.0)
    await wait_until_gone(pid)
    pool._timeout_s = 60
    assert (await pool.run(pid_and_niceness, 0))[0] != pid
    pool.close()


_PARENT = """
import asyncio
from gateway.engine_side.replays import ReplayPool
from tests.gateway.engine_side.test_replays import pid_and_niceness

async def main():
    pool = ReplayPool(timeout_s=60)
    print((await pool.run(pid_and_niceness, 0))[0], flush=True)
    await asyncio.sleep(60)

if __name__ == "__main__":
    asyncio.run(main())
"""


async def test_the_process_ends_with_a_parent_that_was_killed() -> None:
    with subprocess.Popen([sys.executable, "-c", _PARENT], stdout=subprocess.PIPE) as parent:
        assert parent.stdout is not None
        pid = int(await asyncio.to_thread(parent.stdout.readline))
        assert psutil.pid_exists(pid)
        parent.kill()
        await wait_until_gone(pid)


_MAIN = """
import asyncio, sys
print("imported", __name__, flush=True)
sys.path.insert(0, sys.argv[1])
from gateway.engine_side.replays import ReplayPool

async def main():
    pool = ReplayPool(timeout_s=60)
    print(await pool.run(abs, -7), flush=True)
    pool.close()
    print(__file__ == sys.argv[0], flush=True)

if __name__ == "__main__":
    asyncio.run(main())
"""


async def test_the_process_imports_no_main_module(tmp_path: Path) -> None:
    """The command line's is most of the program: it took seconds, and the memory of a server."""
    script = tmp_path / "main_script"
    script.write_text(_MAIN)
    root = str(Path(__file__).parents[3])
    command = [sys.executable, str(script), root]
    done = await asyncio.to_thread(
        subprocess.run, command, stdout=subprocess.PIPE, text=True, check=True
    )
    assert done.stdout.split("\n") == ["imported __main__", "7", "True", ""]
