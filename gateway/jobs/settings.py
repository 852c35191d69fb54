"""Where jobs run, and how many at once."""

from typing import Annotated, ClassVar

from gateway.settings.reader import Area, setting
from gateway.settings.values import switch, whole


class WorkerSettings(Area, frozen=True, kw_only=True):
    """The worker's part of a process."""

    TITLE: ClassVar[str] = "Work beside requests"

    in_serve: Annotated[
        bool,
        setting("WORKER", "on", switch, "Whether `serve` runs jobs; off: `probity worker` does."),
    ]
    runs_max: Annotated[
        int, setting("WORKER_RUNS_MAX", "4", whole(1, 100), "Runs of jobs under way at a time.")
    ]
