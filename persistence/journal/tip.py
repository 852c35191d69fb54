"""The last committed (sequence, hash), kept outside the database: what shows that one was put back.

Laws: the file only ever names what was committed, so it may lag behind the database but never runs
ahead of it; it names each database by its own identity, so that another database is not mistaken
for an old copy; writing it never delays a commit. A database that is behind the tip, or has another
history at it, is refused until the operator says that a restore was meant (`--accept-tip`).
"""

import asyncio
import contextlib
import logging
import os
from pathlib import Path
from typing import Final

import msgspec

from persistence.errors import HistoryMismatch

INTERVAL_S: Final = 0.5
"""At most this much of what was committed is unknown to the file after a crash."""

AUDIT_TIP: Final = "audit-tip"
"""The file of the same kind that names the last line of the audit log (`seq` is its id)."""

_LOG: Final = logging.getLogger(__name__)


class Tip(msgspec.Struct, frozen=True):
    """The last command of a committed batch and the batch's hash."""

    seq: int
    hash: bytes


class TipFile:
    """DATA_DIR/tip, for one database."""

    def __init__(self, path: Path, database_id: str, writer: str = "") -> None:
        """Take the file; a second process that writes it needs a name of its own."""
        self.path = path
        self._new = path.with_name(f"{path.name}{writer}.new")
        self._database_id = database_id
        self._written: Tip | None = None
        self._pending: Tip | None = None
        self._writer: asyncio.Task[None] | None = None
        self._closing = asyncio.Event()

    def read(self) -> Tip | None:
        """Return what the file says of this database; None if it says nothing.

        Raises:
            HistoryMismatch: the file is there and can't be read.
        """
        return self._read_all().get(self._database_id)

    def write(self, tip: Tip) -> None:
        """Write the file now; atomic, and on disk when back.

        Raises:
            HistoryMismatch: the file is there and can't be read, or it can't be written.
        """
        try:
            self._write(tip)
        except OSError as error:
            raise HistoryMismatch(f"{self.path} can't be written: {error}") from error
        self._written = tip

    def _write(self, tip: Tip) -> None:
        tips = self._read_all()
        tips[self._database_id] = tip
        temporary = self._new
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with temporary.open("wb") as file:
            file.write(msgspec.json.encode(tips))
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(self.path)

    def committed(self, tip: Tip) -> None:
        """Note a commit; the file follows within `INTERVAL_S`, written in a thread."""
        self._pending = tip
        if self._writer is None or self._writer.done():
            self._writer = asyncio.create_task(self._write_later())

    async def close(self) -> None:
        """Write what is noted and not yet written; call when nothing more is committed."""
        self._closing.set()
        if self._writer is not None:
            await self._writer

    async def _write_later(self) -> None:
        """Write until the file names the last commit; one write at a time, never two.

        A file that can't be written lags behind, which it may: the next commit tries again.
        """
        while self._pending is not None and self._pending != self._written:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._closing.wait(), INTERVAL_S)
            try:
                await asyncio.to_thread(self.write, self._pending)
            except HistoryMismatch as error:
                _LOG.warning("the tip lags behind: %s", error)
                return

    def _read_all(self) -> dict[str, Tip]:
        try:
            return msgspec.json.decode(self.path.read_bytes(), type=dict[str, Tip])
        except FileNotFoundError:
            return {}
        except (OSError, UnicodeDecodeError, msgspec.DecodeError) as error:
            raise HistoryMismatch(f"{self.path} can't be read: {error}") from error
