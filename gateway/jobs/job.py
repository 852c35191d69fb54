"""What a job is: a name, a coroutine made with all it needs, when it runs, and its bounds.

Laws: a job is idempotent, since it is begun again after a failure, and after the death of whoever
ran it, who may have been nearly through. It looks at how things are, not at which tick called it:
when several of its runs wait, the last one alone is worth running. It never keeps the event loop
for long; what computes goes to a process of its own.
"""

import functools
import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from croniter import croniter

Arguments = Mapping[str, Any]
"""What a run was put with; for a run by schedule, its tick's `timestamp`."""

_FIELDS_TO_THE_MINUTE: Final = 5
_NAME: Final = re.compile(r"[a-z][a-z0-9-]{0,63}", re.ASCII)


@functools.lru_cache(maxsize=256)
def is_schedule(text: str) -> bool:
    """Say whether a text is a schedule, as `Job` takes it."""
    return bool(croniter.is_valid(text))


def every(seconds: int, *, minute: int = 0) -> str:
    """Return the schedule of what comes every so many seconds; they must divide a minute, whole
    minutes an hour, or whole hours a day.  What comes once in an hour or more comes at `minute`.
    """
    if seconds >= 1 and 60 % seconds == 0:
        return "* * * * *" if seconds == 60 else f"* * * * * */{seconds}"  # noqa: PLR2004 - a minute
    minutes, rest = divmod(seconds, 60)
    if minutes >= 1 and not rest and 60 % minutes == 0:
        return f"{minute} * * * *" if minutes == 60 else f"*/{minutes} * * * *"  # noqa: PLR2004 - an hour
    hours, rest = divmod(minutes, 60)
    if hours < 1 or rest or seconds % 60 or 24 % hours:
        raise ValueError(f"{seconds} s don't divide a minute, an hour or a day")
    return f"{minute} 0 * * *" if hours == 24 else f"{minute} */{hours} * * *"  # noqa: PLR2004 - a day


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """One job; its name is a label of metrics, and never changes while runs of it may wait."""

    name: str
    run: Callable[[Arguments], Awaitable[None]]
    time_limit_s: float
    """A run that takes longer is cancelled, which is a failure."""
    schedule: str | None = None
    """In cron's five fields, a sixth for seconds behind them; UTC.  None: runs when it is put."""
    tries: int = 3
    """How often a run fails, or takes its process with it, before it has failed for good."""
    first_wait_s: float = 2.0
    """Between a failure and the next try; doubled with each further one."""
    longest_wait_s: float = 300.0

    def __post_init__(self) -> None:
        """Refuse what can't work; raises ValueError."""
        if _NAME.fullmatch(self.name) is None:
            raise ValueError(f"{self.name}: no name of a job")
        if self.schedule is not None and not is_schedule(self.schedule):
            raise ValueError(f"{self.name}: {self.schedule} is no schedule")
        if self.time_limit_s <= 0 or self.tries < 1 or self.first_wait_s <= 0:
            raise ValueError(f"{self.name}: a bound that lets nothing run")

    @property
    def is_frequent(self) -> bool:
        """Whether it comes so often that a line for each run would say nothing."""
        return self.schedule is not None and len(self.schedule.split()) > _FIELDS_TO_THE_MINUTE

    def wait_s(self, tried: int) -> float:
        """Return how long to wait after the try of this number, the first being 1."""
        return float(min(self.first_wait_s * 2 ** min(tried - 1, 32), self.longest_wait_s))

    def next_tick(self, at: float) -> float | None:
        """Return when the schedule comes up after `at`, in seconds since the epoch."""
        if self.schedule is None:
            return None
        return float(croniter(self.schedule, start_time=at).get_next(ret_type=float))
