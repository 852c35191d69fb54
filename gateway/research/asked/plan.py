"""What a backtest that was asked for is made of: as it is stored, and as its process is told."""

import re
from pathlib import Path
from typing import Any, Final, Literal

import msgspec

TAPE_PATTERN: Final = "^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$"
_TAPE: Final = re.compile(TAPE_PATTERN, re.ASCII)
SUFFIXES: Final = (".jsonl", ".jsonl.gz")
MARKETS_MAX: Final = 8
ModelName = Literal["trades", "book"]
FeesName = Literal["MARKET", "NONE"]


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """Numbers are in the units of the exchange, times microseconds since the epoch; `markets` are
    (platform, external id), those of one question.
    """

    strategy: str
    parameters: dict[str, Any]
    model: ModelName
    markets: tuple[tuple[str, str], ...] = ()
    tape: str | None = None
    prints_only: bool = False
    first: int | None = None
    last: int | None = None
    cash: int
    fees: FeesName
    latency_us: int
    seed: int


class Limits(msgspec.Struct, frozen=True, kw_only=True):
    """What one run may take: seconds, MiB, events."""

    time_s: int
    cpu_s: int
    memory_mib: int
    events: int


class Order(msgspec.Struct, frozen=True, kw_only=True):
    """What the process is told."""

    plan: Plan
    limits: Limits
    url: str
    """Of the database, past any pooler."""
    segments: str
    """The folder of what was moved out of the journal."""
    tape: str | None
    """The file that the plan's tape is; None for the sample, and without a tape."""


class Going(msgspec.Struct, frozen=True, tag="going"):
    """How far it is: events, and the part that is over in 1/10 000."""

    events: int
    progress: int


class Done(msgspec.Struct, frozen=True, tag="done"):
    """What came of it: JSON as the API shows it, and the first fills."""

    result: bytes
    events: int
    fills: list[tuple[int, str, int, str, int, int, int, bool]]
    """Those of `Execution` (`persistence/repositories/research`)."""


class Failed(msgspec.Struct, frozen=True, tag="failed"):
    """Why nothing came of it: what its owner is told, and what only the log is."""

    reason: str
    fault: str | None = None


Told = Going | Done | Failed
OUR_FAULT: Final = "it failed, by a fault of ours"


def tape_name(path: Path) -> str | None:
    """Return the name under which a file may be asked for; None if it is no tape."""
    for suffix in SUFFIXES:
        name = path.name.removesuffix(suffix)
        if name != path.name and _TAPE.fullmatch(name) is not None and path.is_file():
            return name
    return None


def tape_file(folder: Path | None, name: str) -> Path | None:
    """Return the file of a tape by its name; None if there is none.

    A name that isn't of `TAPE_PATTERN` could lead out of the folder, so it is nobody's.
    """
    if folder is None or _TAPE.fullmatch(name) is None:
        return None
    for suffix in SUFFIXES:
        path = folder / f"{name}{suffix}"
        if path.is_file():
            return path
    return None
