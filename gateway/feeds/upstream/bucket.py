"""Our own limit on what we ask a venue: a bucket of tokens that fills steadily.

Laws: whoever asks first goes first (a token is reserved, then waited for); nobody waits longer than
they said; a venue that says "not now" holds everybody back, by `hold`.
"""

from gateway.feeds.upstream.bounds import Rate
from gateway.jobs.supervisor import Clock


class TooManyWaiting(Exception):
    """The turn would come later than the caller waits; `seconds` until it would have come."""

    def __init__(self, seconds: float) -> None:
        super().__init__(f"our own limit: a turn only in {seconds:.0f} s")
        self.seconds = seconds


class TokenBucket:
    """Tokens of one base URL."""

    def __init__(self, rate: Rate, clock: Clock) -> None:
        """Begin full."""
        self._per_second = rate.per_minute / 60
        self._burst = rate.burst
        self._clock = clock
        self._tokens = float(rate.burst)
        self._at = clock.monotonic()
        self._held_until = self._at

    @property
    def left(self) -> int:
        """How many requests could go at once."""
        self._fill()
        return max(0, int(self._tokens)) if self._clock.monotonic() >= self._held_until else 0

    async def take(self, at_most_s: float) -> None:
        """Wait for a token; raises TooManyWaiting, without taking one, if that takes longer."""
        deadline = self._clock.monotonic() + at_most_s
        if (wait := self._wait()) > at_most_s:
            raise TooManyWaiting(wait)
        self._tokens -= 1
        # A hold may come while this one sleeps: it is for whoever hasn't been sent.
        while wait > 0:
            await self._clock.sleep(wait)
            now = self._clock.monotonic()
            wait = self._held_until - now
            if now + wait > deadline:
                self._tokens += 1
                raise TooManyWaiting(wait)

    def hold(self, seconds: float) -> None:
        """Let nobody ask for so long."""
        self._held_until = max(self._held_until, self._clock.monotonic() + seconds)

    def _wait(self) -> float:
        self._fill()
        missing = max(0.0, 1 - self._tokens) / self._per_second
        return max(missing, self._held_until - self._clock.monotonic(), 0.0)

    def _fill(self) -> None:
        now = self._clock.monotonic()
        self._tokens = min(self._burst, self._tokens + (now - self._at) * self._per_second)
        self._at = now
