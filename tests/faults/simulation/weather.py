"""How bad a run's surroundings are: how often what goes wrong, and how long ways take.

Laws: all of it is drawn from the dice that are handed in; a fine day (`Weather()`) still has
delays, and nothing else.
"""

from dataclasses import dataclass
from enum import Enum, auto
from random import Random
from typing import Final, Self

_HANGS_S: Final = (0.5, 1.5, 3.0, 6.0, 12.0, 70.0)


class Fate(Enum):
    """What becomes of a statement."""

    DONE = auto()
    CUT_BEFORE = auto()
    """The connection ends before it ran."""
    CUT_AFTER = auto()
    """It ran, and the connection ends before its answer is back."""
    LOST_ANSWER = auto()
    """It ran, and nothing ever comes back: the host is gone without a word."""
    HUNG = auto()
    """It runs much later."""
    FAILED = auto()
    """The server says that it couldn't, and rolled back."""


@dataclass
class Weather:
    """Chances are of one statement, or of one message."""

    statement_fails: float = 0.0
    hangs: float = 0.0
    connection_refused: float = 0.0
    message_lost: float = 0.0
    message_repeated: float = 0.0
    message_late: float = 0.0
    breaks_off: float = 0.0
    """A connection to Redis, before a command ran or after."""
    commit_ms: tuple[float, float] = (0.5, 3.0)

    @classmethod
    def drawn(cls, dice: Random) -> Self:
        """Return a day like any other, or a storm."""

        def chance(most: float) -> float:
            return dice.choice((0.0, most / 10, most)) * dice.random()

        slowest = dice.choice((3.0, 3.0, 30.0, 300.0, 2_000.0))
        return cls(
            statement_fails=chance(0.03),
            hangs=chance(0.02),
            connection_refused=chance(0.3),
            message_lost=chance(0.3),
            message_repeated=chance(0.3),
            message_late=chance(0.3),
            breaks_off=chance(0.02),
            commit_ms=(slowest / 6, slowest),
        )

    def calm_down(self) -> None:
        """Become a fine day."""
        self.__dict__.update(Weather().__dict__)

    def delay(self, dice: Random) -> float:
        """Return how long a way takes, in seconds."""
        if dice.random() < self.message_late * 0.1:
            return dice.uniform(0.01, 0.3)
        return dice.uniform(0.000_05, 0.001)

    def fate(self, dice: Random, *, is_commit: bool) -> Fate:
        """Draw what becomes of a statement."""
        drawn = dice.random()
        if drawn < self.statement_fails:
            kinds = [Fate.CUT_BEFORE, Fate.CUT_AFTER, Fate.FAILED]
            return dice.choice([*kinds, Fate.LOST_ANSWER] if is_commit else kinds)
        return Fate.HUNG if drawn < self.statement_fails + self.hangs else Fate.DONE

    def takes(self, dice: Random, fate: Fate) -> float:
        """Return how long a statement runs, in seconds."""
        if fate is Fate.HUNG:
            return dice.choice(_HANGS_S)
        return dice.uniform(*self.commit_ms) / 1_000

    def refuses_connections(self, dice: Random) -> bool:
        """Say whether a connection isn't made."""
        return dice.random() < self.connection_refused

    def breaks(self, dice: Random) -> bool:
        """Say whether a connection to Redis breaks off now."""
        return dice.random() < self.breaks_off

    def copies(self, dice: Random) -> list[float]:
        """Return after how many seconds each copy of a message arrives: none, one or two."""
        if dice.random() < self.message_lost:
            return []
        count = 2 if dice.random() < self.message_repeated else 1
        return [
            dice.uniform(0.01, 2.0) if dice.random() < self.message_late else self.delay(dice)
            for _ in range(count)
        ]
