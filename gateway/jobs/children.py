"""A child process of ours, as the job that began it has it: told one line, heard line by line.

    async with child(COMMAND, order) as process:
        line = await process.line()
        code, reason = await process.end()

Laws: nothing of it is left behind the block, however that ends, and however long its end takes, it
stands in nobody's way: neither an error nor a cancellation is replaced by that. How the child
behaves is `persistence/child.py`.
"""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from typing import Final

import msgspec

_END_S: Final = 2.0
_REASON_BYTES: Final = 2_000


class Child:
    """One that runs."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        """Take one whose three streams are pipes."""
        if process.stdin is None or process.stdout is None or process.stderr is None:
            raise RuntimeError("a child without pipes")
        self._process = process
        self._stdin, self._stdout, self._stderr = process.stdin, process.stdout, process.stderr

    def tell(self, order: object) -> None:
        """Tell it what to do, as a line of JSON."""
        self._stdin.write(msgspec.json.encode(order) + b"\n")

    async def line(self) -> bytes:
        """Return the next line of what it says; nothing once it has said all."""
        return await self._stdout.readline()

    async def end(self) -> tuple[int, str]:
        """Wait for its end; return the exit code and the beginning of what it said of a failure."""
        reason = (await self._stderr.read(_REASON_BYTES)).decode(errors="replace").strip()
        return await self._process.wait(), reason


@asynccontextmanager
async def child(command: Sequence[str], order: object) -> AsyncIterator[Child]:
    """Begin a child with its order, and end it with the block; raises OSError if it can't begin."""
    process = await asyncio.create_subprocess_exec(
        *command,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        begun = Child(process)
        begun.tell(order)
        yield begun
    finally:
        if process.returncode is None:
            process.kill()
            # Not `wait`: while something unread lies in the pipe asyncio may wait for ever.
            with suppress(TimeoutError):
                await asyncio.wait_for(process.communicate(), _END_S)
