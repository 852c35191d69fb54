"""The projector's process as the worker's role looks after it.

    serve, worker ── child ── a session of its own ── journal -> what follows
              ^── the last command that is stored, after each step

Laws: nothing of it runs on an event loop that orders wait for; where it dies, the supervisor starts
it again, and it goes on where the tables stand.
"""

import asyncio
import sys
from typing import Final

import msgspec

from gateway.jobs.supervisor import CheckIn
from gateway.observability.metrics import Metrics
from persistence.projection.process import Order

_END_S: Final = 2.0
_LINE_BYTES: Final = 64
# Not from the folder where somebody happens to stand.
_COMMAND: Final = (sys.executable, "-P", "-m", "persistence.projection.process")


class ProjectorEnded(Exception):
    """It ended, which it never should by itself."""


class ProjectorProcess:
    """Looks after the child: the continuous work of a supervisor."""

    NAME: Final = "projector"

    def __init__(self, order: Order, metrics: Metrics) -> None:
        """Begin; its URL reaches the database past any pooler."""
        self._order = order
        self._reached = metrics.watch_projector()

    async def run(self, check_in: CheckIn) -> None:
        """Start it and hear it; end it when cancelled. Raises ProjectorEnded when it ends."""
        process = await asyncio.create_subprocess_exec(
            *_COMMAND,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            limit=_LINE_BYTES,
        )
        try:
            await self._hear(process, check_in)
        finally:
            if process.returncode is None:
                # Nothing of it is lost: what wasn't stored is made again.
                process.kill()
                # Not `wait`: while something unread lies in the pipe asyncio may wait for ever.
                await asyncio.wait_for(process.communicate(), _END_S)

    async def _hear(self, process: asyncio.subprocess.Process, check_in: CheckIn) -> None:
        stdin, stdout = process.stdin, process.stdout
        if stdin is None or stdout is None:
            raise ProjectorEnded("without pipes")
        stdin.write(msgspec.json.encode(self._order) + b"\n")
        while line := await stdout.readline():
            self._reached.set(int(line))
            check_in()
        raise ProjectorEnded(f"with code {await process.wait()}")
