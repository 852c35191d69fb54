"""How long what is over is kept, before housekeeping throws it away."""

from typing import Annotated, ClassVar

from gateway.settings.reader import Area, setting
from gateway.settings.values import duration


class RetentionSettings(Area, frozen=True, kw_only=True):
    """Ages at which rows go; the journal and the audit log have none."""

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
