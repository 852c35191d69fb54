"""Continuous work that notes beside the database how far the audit log reaches.

Laws: the file (DATA_DIR/audit-tip) names only lines that are committed, of whatever process, so it
lags by a second at most and never runs ahead; it moves forward only over a log that still holds the
line it named. A log that doesn't is said aloud and the file stays as it is, for `probity verify` to
tell where it was cut, until the operator says that a restore was meant (`--accept-tip`).
"""

import asyncio
import contextlib
from pathlib import Path
from typing import Final

from gateway.jobs.supervisor import CheckIn
from gateway.observability.logs import Logger
from persistence.errors import HistoryMismatch
from persistence.journal.tip import AUDIT_TIP, Tip, TipFile
from persistence.postgres.database import absence_waited_for
from persistence.repositories.audit import AuditLog

INTERVAL_SECONDS: Final = 1.0


class AuditTipWatch:
    """One per exchange: it is the engine's process that keeps the file."""

    NAME: Final = "audit-tip"

    def __init__(
        self,
        log: AuditLog,
        data_dir: Path,
        database_id: str,
        logger: Logger,
        *,
        accept_tip: bool = False,
    ) -> None:
        """Note the end of `log` in `data_dir`; `accept_tip`: whatever the file says now is over."""
        self._log = log
        self._file = TipFile(data_dir / AUDIT_TIP, database_id)
        self._logger = logger
        self._accepts = accept_tip
        self._noted: Tip | None = None
        self._is_broken = False

    async def note(self) -> bool:
        """Note the end of the log now; return whether it goes on from what was noted before.

        Raises one of OUTAGES, or HistoryMismatch where the file can't be read or written.
        """
        tip = Tip(*await self._log.head())
        if self._noted is None and not self._accepts:
            self._noted = await asyncio.to_thread(self._file.read)
        before = self._noted
        if tip == before or (before is None and tip.seq == 0):
            return True
        if before is not None and not await self._holds(before):
            if not self._is_broken:
                self._is_broken = True
                self._logger.error(
                    "the audit log was cut or rewritten: run `probity verify`",
                    noted=before.seq,
                    found=tip.seq,
                )
            return False
        await asyncio.to_thread(self._file.write, tip)
        self._noted, self._accepts = tip, False
        return True

    async def _holds(self, tip: Tip) -> bool:
        return tip.seq == 0 or await self._log.hash_of(tip.seq) == tip.hash

    async def run(self, check_in: CheckIn) -> None:
        """Note it again and again, until cancelled."""
        try:
            while True:
                with absence_waited_for():
                    try:
                        await self.note()
                    except HistoryMismatch as error:
                        self._logger.warning("the audit log's tip lags behind", reason=str(error))
                    check_in()
                await asyncio.sleep(INTERVAL_SECONDS)
        finally:
            # What was written last before the end; without a database nothing was.
            with contextlib.suppress(HistoryMismatch), absence_waited_for():
                await self.note()
