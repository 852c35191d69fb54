"""An export that runs: a child process whose bytes go on to the client as the client takes them.

    PostgreSQL ──> child ══ pipe ══> event loop ──> socket        whoever is slow stops those before

Laws: the loop does nothing but pass bytes on; so many run at once and no longer than their time, of
one caller half as many, so that nobody who reads slowly keeps all others out; one ends with its
client; one that fails breaks off the answer, so that no part looks like a whole.
"""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Final

import msgspec

from gateway.markets.settings import PastSettings
from gateway.wire.errors import RateLimited, Unavailable
from persistence.exports.kinds import Export, Format
from persistence.exports.process import COMMAND, UNREADABLE, Order

CHUNK_BYTES: Final = 64 * 1_024
_BUSY_S: Final = 10
_FILE_AWAY_S: Final = 60
_IN_A_FILE: Final = (
    "what is asked for lies in a file with an old part of the journal that can't be read here"
)


class ExportBroken(Exception):
    """An export ended before its end."""


class RunningExports:
    """Starts exports, and counts them."""

    def __init__(self, url: Callable[[], str], folder: Path, settings: PastSettings) -> None:
        """Begin; `url` reaches the database past any pooler, `folder` has the journal's files."""
        self._url = url
        self._folder = folder
        self._settings = settings
        self._callers: Counter[str] = Counter()
        self.count = 0
        """How many run."""

    async def start(
        self, export: Export, form: Format, caller: str, *, manifest_of: str = ""
    ) -> "RunningExport":
        """Return an export that has begun, for somebody; of the market `manifest_of` (its slug) the
        manifest alone.

        Raises:
            RateLimited: as many of the caller's run as may.
            Unavailable: as many run as may, or it failed at once.
        """
        most = max(1, self._settings.exports_max // 2)
        if self._callers.get(caller, 0) >= most:
            message = f"You have {most} under way, which is as many exports as one may"
            raise RateLimited(_BUSY_S, message, limit="exports", size=most)
        if self.count >= self._settings.exports_max:
            message = f"{self.count} exports are under way, which is as many as may"
            raise Unavailable(message, retry_after_seconds=_BUSY_S)
        self.count += 1
        self._callers[caller] += 1
        ended = partial(self._ended, caller)
        try:
            process = await asyncio.create_subprocess_exec(
                *COMMAND,
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                limit=CHUNK_BYTES,
            )
        except BaseException:
            ended()
            raise
        running = RunningExport(process, ended)
        try:
            seconds = self._settings.export_timeout_seconds
            folder = str(self._folder)
            await running.begin(Order(self._url(), export, form, seconds, folder, manifest_of))
        except BaseException:
            await running.close()
            raise
        return running

    def _ended(self, caller: str) -> None:
        self.count -= 1
        self._callers[caller] -= 1
        if not self._callers[caller]:
            del self._callers[caller]


class RunningExport:
    """One export's process."""

    def __init__(self, process: asyncio.subprocess.Process, ended: Callable[[], None]) -> None:
        self._process = process
        self._ended = ended
        self._is_closed = False
        self.as_of_seq = 0
        """The command up to which all is in it, once it has begun."""

    async def begin(self, order: Order) -> None:
        """Say what is wanted and wait for the first line; raises Unavailable if none comes."""
        stdin, stdout = self._process.stdin, self._process.stdout
        if stdin is None or stdout is None:
            raise ExportBroken("without pipes")
        stdin.write(msgspec.json.encode(order) + b"\n")
        line = await stdout.readline()
        if not line:
            if await self._process.wait() == UNREADABLE:
                raise Unavailable(_IN_A_FILE, retry_after_seconds=_FILE_AWAY_S)
            raise Unavailable("the export could not be begun; try again in a moment")
        self.as_of_seq = int(line)

    async def chunks(self) -> AsyncIterator[bytes]:
        """Yield the file; raises ExportBroken if it doesn't come to its end."""
        stdout = self._process.stdout
        while stdout is not None and (chunk := await stdout.read(CHUNK_BYTES)):
            yield chunk
        code = await self._process.wait()
        if code != 0:
            raise ExportBroken(f"the export ended with code {code}")
        # Before its end is told: whoever has one may ask for the next.
        await self.close()

    def stop(self) -> None:
        """End it: nobody reads any more."""
        with suppress(ProcessLookupError):
            self._process.kill()

    async def close(self) -> None:
        """Leave nothing of it, whether it came to its end or not."""
        if self._is_closed:
            return
        self._is_closed = True
        try:
            if self._process.returncode is None:
                self.stop()
                # Not `wait`: while something unread lies in the pipe asyncio may wait for ever.
                await self._process.communicate()
        finally:
            self._ended()
