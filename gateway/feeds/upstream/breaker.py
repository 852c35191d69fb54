"""A circuit breaker: a venue that fails again and again is left alone for a while.

    CLOSED --failures in a row--> OPEN --time--> HALF_OPEN --success--> CLOSED
                                   ^----------- failure -------'

Laws: while it is open nothing is asked; half open lets one trial through at a time; each trial that
fails doubles the pause up to a bound, a success ends all of it. It judges the venue's health alone:
a refusal (404) or a limit (429) is an answer of a venue that lives.
"""

from enum import Enum

from gateway.feeds.upstream.bounds import Bounds
from gateway.jobs.supervisor import Clock


class BreakerState(Enum):
    """Whether the venue is asked."""

    CLOSED = "closed"
    OPEN = "open"
    HALF_OPEN = "half_open"


class BreakerOpen(Exception):
    """The venue isn't asked now; `seconds` until it is tried again."""

    def __init__(self, seconds: float) -> None:
        super().__init__(f"it failed too often and is left alone for {seconds:.0f} s")
        self.seconds = seconds


class CircuitBreaker:
    """Judges one base URL."""

    def __init__(self, bounds: Bounds, clock: Clock) -> None:
        """Begin closed."""
        self._bounds = bounds
        self._clock = clock
        self._pause_s = bounds.open_s
        self._opens_again_at: float | None = None
        self._is_tried = False
        self.failures = 0
        """Failed tries in a row."""

    @property
    def state(self) -> BreakerState:
        """Closed, open, or half open: time is up, a trial may go or is under way."""
        if self._opens_again_at is None:
            return BreakerState.CLOSED
        is_time_up = self._clock.monotonic() >= self._opens_again_at
        return BreakerState.HALF_OPEN if is_time_up else BreakerState.OPEN

    def enter(self) -> None:
        """Begin a try, which `succeeded`, `failed` or `left` ends; raises BreakerOpen."""
        match self.state:
            case BreakerState.CLOSED:
                return
            case BreakerState.HALF_OPEN if not self._is_tried:
                self._is_tried = True
            case _:
                raise BreakerOpen(self.seconds_left())

    def seconds_left(self) -> float:
        """Return how long nobody asks."""
        if self._opens_again_at is None:
            return 0.0
        return max(0.0, self._opens_again_at - self._clock.monotonic())

    def succeeded(self) -> None:
        """Note an answer of a venue that lives."""
        self.failures = 0
        self._opens_again_at = None
        self._is_tried = False
        self._pause_s = self._bounds.open_s

    def failed(self) -> None:
        """Note a try without a usable answer."""
        self.failures += 1
        if self._is_tried:
            self._pause_s = min(2 * self._pause_s, self._bounds.open_max_s)
            self._open()
        elif self._opens_again_at is None and self.failures >= self._bounds.failures:
            self._open()

    def left(self) -> None:
        """Note a try that was given up by ourselves: it says nothing about the venue."""
        self._is_tried = False

    def _open(self) -> None:
        self._is_tried = False
        self._opens_again_at = self._clock.monotonic() + self._pause_s
