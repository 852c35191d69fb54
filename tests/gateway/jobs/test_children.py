"""Child processes as jobs have them: told, heard, and ended however the block ends."""

import asyncio
import os
import signal
import sys
import time

import psutil
import pytest

from gateway.jobs import children
from gateway.jobs.children import child
from tests.server_process import until

ECHO = "import sys; print(sys.stdin.readline().strip()); print('more')"
FAILS = "import sys; sys.stdin.readline(); sys.stderr.write('no room'); sys.exit(3)"
SLEEPS = "import os, time; print(os.getpid(), flush=True); time.sleep(600)"


def command(program: str) -> tuple[str, ...]:
    return sys.executable, "-c", program


async def test_what_it_says_is_heard_line_by_line() -> None:
    async with child(command(ECHO), {"url": "here"}) as process:
        assert [await process.line() for _ in range(3)] == [b'{"url":"here"}\n', b"more\n", b""]
        assert await process.end() == (0, "")


async def test_a_failure_is_told_with_its_reason() -> None:
    async with child(command(FAILS), None) as process:
        assert await process.line() == b""
        assert await process.end() == (3, "no room")


async def test_nothing_of_it_is_left_behind_the_block() -> None:
    async with child(command(SLEEPS), None) as process:
        pid = int(await process.line())
        assert psutil.pid_exists(pid)
    assert not psutil.pid_exists(pid)


async def test_a_cancellation_goes_through_however_long_its_end_takes(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """One that the system keeps for a while: its end must not stand in for the cancellation."""
    monkeypatch.setattr(children, "_END_S", 0.2)
    monkeypatch.setattr(asyncio.subprocess.Process, "kill", lambda _: None)
    told = asyncio.get_running_loop().create_future()

    async def work() -> None:
        async with child(command(SLEEPS), None) as process:
            told.set_result(int(await process.line()))
            await process.end()

    working = asyncio.create_task(work())
    pid = await told
    begun = time.monotonic()
    working.cancel()
    await asyncio.wait([working])
    assert working.cancelled()
    assert time.monotonic() - begun < 5
    os.kill(pid, signal.SIGKILL)
    await until(lambda: not psutil.pid_exists(pid))
    await asyncio.sleep(0)  # and the loop has closed what it had of it
