"""How long what is over is kept, before housekeeping throws it away, or moves it to files; and
where backups go.
"""

from pathlib import Path
from typing import Annotated, ClassVar

from gateway.sealing.settings import encryption_keys
from gateway.settings.reader import Area, setting
from gateway.settings.values import duration, folder, optional, whole


class RetentionSettings(Area, frozen=True, kw_only=True):
    """Ages at which rows go, the journal's to files; the audit log has none."""

    TITLE: ClassVar[str] = "Housekeeping"

    ended_sessions: Annotated[
        int,
        setting(
            "ENDED_SESSIONS_KEPT",
            "30d",
            duration,
            "How long sessions stay after they expired or were revoked.",
        ),
    ]
    failed_jobs: Annotated[
        int,
        setting(
            "FAILED_JOBS_KEPT", "30d", duration, "How long runs of jobs stay that failed for good."
        ),
    ]
    journal_kept_days: Annotated[
        int,
        setting(
            "JOURNAL_KEPT_DAYS",
            "0",
            whole(0, 36_500),
            "Older parts of the journal are moved to files in JOURNAL_FOLDER; 0: never.",
        ),
    ]

    @property
    def journal_kept_us(self) -> int:
        """Return the same in microseconds."""
        return self.journal_kept_days * 86_400_000_000


class BackupSettings(Area, frozen=True, kw_only=True):
    """What `probity backup` does with what it makes."""

    TITLE: ClassVar[str] = "Backups (probity backup, probity restore)"

    folder: Annotated[
        Path | None,
        setting(
            "BACKUP_FOLDER",
            "",
            optional(folder),
            "Where they go, and where old ones are thrown away; unset: DATA_DIR/backups.",
        ),
    ]
    keys: Annotated[
        tuple[bytes, ...] | None,
        setting(
            "BACKUP_KEY",
            "",
            optional(encryption_keys),
            "base64 of 32 bytes that seal them; a new one goes in front, with a comma; unset: they"
            " lie open.",
        ),
    ]
    kept_days: Annotated[
        int,
        setting(
            "BACKUP_KEPT_DAYS",
            "30",
            whole(1, 36_500),
            "Older ones go after each that is made; the newest always stays.",
        ),
    ]
