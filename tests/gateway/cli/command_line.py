"""`probity` as a person runs it, to its end or for as long as it serves."""

import asyncio
import contextlib
import os
import re
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator
from pathlib import Path

from tests.loopback import guard
from tests.server_process import PROBITY
from tests.warm import starts

ROOT = Path(__file__).parents[3]
COMMAND = (sys.executable, "-c", "from gateway.cli.main import main; main(prog_name='probity')")
KEPT = ("PATH", "HOME", "COVERAGE_", "FEED_PLATFORMS")
START_SECONDS = 60


def clean(**settings: str) -> dict[str, str]:
    """Return an environment with nothing of our own that would change what `probity` does."""
    kept = {name: value for name, value in os.environ.items() if name.startswith(KEPT)}
    return {**kept, **guard.environment(ROOT), "PORT": "0", **settings}


async def start(folder: Path, *arguments: str, **environment: str) -> Process:
    """Start `probity`, from nothing."""
    return await asyncio.create_subprocess_exec(
        *COMMAND,
        *arguments,
        cwd=folder,
        env=clean(**environment),
        stdin=PIPE,
        stdout=PIPE,
        stderr=PIPE,
    )


async def run(
    folder: Path, *arguments: str, text: str = "", **environment: str
) -> tuple[int, str, str]:
    """Run `probity` to its end; returns its code and what it said."""
    if starts.can_be_warm():
        command, given = [PROBITY, *arguments], clean(**environment)
        done = await asyncio.to_thread(
            starts.run, command, given, folder, START_SECONDS, text.encode()
        )
        return done.returncode, done.stdout, done.stderr
    process = await start(folder, *arguments, **environment)
    async with asyncio.timeout(START_SECONDS):
        out, err = await process.communicate(text.encode())
    assert process.returncode is not None
    return process.returncode, out.decode(), err.decode()


@contextlib.asynccontextmanager
async def serving(folder: Path, **environment: str) -> AsyncIterator[tuple[Process, str, str]]:
    """A server that is up: the process, its address and its banner."""
    process = await start(folder, "serve", **environment)
    assert process.stderr is not None
    assert process.stdout is not None
    # Its log must not fill the pipe, or it would stop.
    draining = asyncio.create_task(process.stdout.read())
    banner = ""
    try:
        async with asyncio.timeout(START_SECONDS):
            while "Ctrl-C stops it" not in banner:
                line = (await process.stderr.readline()).decode()
                assert line, banner
                banner += line
        found = re.search(r"http://\S+", banner)
        assert found is not None
        yield process, found.group(), banner
    finally:
        if process.returncode is None:
            process.terminate()
        await process.wait()
        await draining
