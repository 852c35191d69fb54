"""Times that are held to a bound: a machine which others use can't spoil them, nor a slow program
pass.

Laws: what is measured is measured again, three times at most, and each bound has to be kept once:
others come and go, a fault of ours is there each time. A bound is written for a machine with
nothing else to do; on one that computes more slowly just then, found beside the measurement, it is
as many times wider. What isn't a time (an answer, an order of things, a count of rows) is asserted
by whoever measures, in each try. What computes without waiting is held to the processor's time.
"""

import gc
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

TRIES: Final = 3
PLAIN_SECONDS: Final = 0.08
"""What a plain machine takes to count the squares below."""
_SQUARES: Final = 1_000_000
_PIECES: Final = 5


def slowness() -> float:
    """Return how many times longer than on a plain, idle machine work takes here now, at least 1.

    It works for 0.08 s to find out, in pieces, so that others have their turns meanwhile.
    """
    started = time.perf_counter()
    for _ in range(_PIECES):
        sum(number * number for number in range(_SQUARES // _PIECES))
    return max(1.0, (time.perf_counter() - started) / PLAIN_SECONDS)


class Try:
    """One measurement, and the bounds that it is held to."""

    def __init__(self) -> None:
        self._slowness = [slowness()]
        self.kept: dict[str, bool] = {}
        self.words: list[str] = []

    @property
    def slowness(self) -> float:
        """The machine's, by the mean of before and after the measurement."""
        if len(self._slowness) == 1:
            self._slowness.append(slowness())
        return sum(self._slowness) / len(self._slowness)

    def takes(self, what: str, found: float, most: float) -> bool:
        """Hold a time to a bound of an idle machine, in the same unit; say whether it is below."""
        if found < most:
            return self._note(what, found, f"{most:.4g}", is_kept=True)
        scaled = most * self.slowness
        words = f"{scaled:.4g} = {most:.4g} on a machine {self.slowness:.2f} times slower"
        return self._note(what, found, words, is_kept=found < scaled)

    def holds(self, what: str, found: float, most: float) -> bool:
        """Hold a figure that has its yardstick in it to a bound; say whether it isn't above."""
        return self._note(what, found, f"{most:.4g}", is_kept=found <= most)

    def _note(self, what: str, found: float, most: str, *, is_kept: bool) -> bool:
        if what in self.kept:
            raise AssertionError(f"{what} was held to a bound already")
        self.kept[what] = is_kept
        self.words.append(f"{what}: {found:.4g} of {most}{'' if is_kept else ' -- too much'}")
        return is_kept


def tries(most: int = TRIES) -> Iterator[Try]:
    """Yield measurements to make until each bound was kept in one of them.

        for attempt in tries():
            attempt.takes("acknowledgement, s", measure(), 0.1)

    Leave such a loop by its end only. Raises AssertionError, with all figures, for a bound that no
    try kept, and for a try that holds nothing to a bound.
    """
    kept: set[str] = set()
    seen: set[str] = set()
    said = []
    for number in range(1, most + 1):
        attempt = Try()
        yield attempt
        if not attempt.kept:
            raise AssertionError("nothing was held to a bound")
        seen |= attempt.kept.keys()
        kept |= {what for what, is_kept in attempt.kept.items() if is_kept}
        said.append(f"try {number}: " + "; ".join(attempt.words))
        print(said[-1])
        if seen == kept:
            return
    raise AssertionError("\n".join([f"{sorted(seen - kept)} not kept in {most} tries", *said]))


class Computed:
    """How many seconds the thread has computed in a block, once it is over."""

    seconds = 0.0


@contextmanager
def computing() -> Iterator[Computed]:
    """Measure the processor's time of this thread, wherever others keep it waiting.

    The collector rests meanwhile: it would walk over what all tests before have left.
    """
    found, was_enabled = Computed(), gc.isenabled()
    gc.disable()
    started = time.thread_time()
    try:
        yield found
    finally:
        found.seconds = time.thread_time() - started
        if was_enabled:
            gc.enable()
