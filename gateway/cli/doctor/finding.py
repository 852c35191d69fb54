"""What a check of `probity doctor` says: one line, "level: what - what to do".

Laws: a finding is one line and holds no password; whatever isn't ok says what to do about it.
"""

from enum import Enum
from typing import NamedTuple


class Level(Enum):
    """How bad it is: `WARN` runs but will hurt, `FAIL` stops the start or loses something."""

    OK = "ok"
    WARN = "warn"
    FAIL = "fail"


class Finding(NamedTuple):
    """The result of one check; `advice` is empty if it is ok."""

    level: Level
    what: str
    advice: str = ""

    @property
    def line(self) -> str:
        """The finding as it is printed."""
        said = f"{self.what} - {self.advice}" if self.advice else self.what
        return f"{self.level.value + ':':5} {' '.join(said.split())}"


def ok(what: str) -> Finding:
    """Say that something is as it should be."""
    return Finding(Level.OK, what)


def warn(what: str, advice: str) -> Finding:
    """Say that something will hurt one day."""
    return Finding(Level.WARN, what, advice)


def fail(what: str, advice: str) -> Finding:
    """Say that the exchange can't run like this, or shouldn't."""
    return Finding(Level.FAIL, what, advice)
