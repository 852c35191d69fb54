"""How many backtests are run over the API, and how much one may take."""

from pathlib import Path
from typing import Annotated, ClassVar

from gateway.settings.reader import Area, setting
from gateway.settings.values import duration, folder, optional, whole


class BacktestSettings(Area, frozen=True, kw_only=True):
    """Bounds of what people ask for; each run has a process of its own."""

    TITLE: ClassVar[str] = "Backtests"

    at_once: Annotated[
        int,
        setting(
            "BACKTESTS_AT_ONCE",
            "1",
            whole(0, 16),
            "Run at a time, one of a person; 0: none are taken.",
        ),
    ]
    most: Annotated[
        int, setting("BACKTESTS_MAX", "100", whole(1, 10_000), "Kept of one person, all in all.")
    ]
    waiting_max: Annotated[
        int, setting("BACKTESTS_WAITING_MAX", "100", whole(1, 10_000), "That wait; more: 503.")
    ]
    waiting_of_one: Annotated[
        int,
        setting(
            "BACKTESTS_WAITING_PER_PERSON",
            "5",
            whole(1, 10_000),
            "That wait of one person, so that nobody takes the whole line.",
        ),
    ]
    time_max: Annotated[
        int, setting("BACKTEST_TIME_MAX", "10m", duration, "How long one may take.")
    ]
    cpu_max: Annotated[int, setting("BACKTEST_CPU_MAX", "5m", duration, "Of a processor's time.")]
    memory_max: Annotated[
        int, setting("BACKTEST_MEMORY_MAX", "1024", whole(256, 65_536), "MiB of memory.")
    ]
    events_max: Annotated[
        int,
        setting(
            "BACKTEST_EVENTS_MAX",
            "2000000",
            whole(1_000, 10**9),
            "Events or commands played; it ends there, and says so.",
        ),
    ]
    tapes: Annotated[
        Path | None,
        setting(
            "BACKTEST_TAPES",
            "",
            optional(folder),
            "Folder of tapes (NAME.jsonl, .jsonl.gz) that may be asked for by name.",
        ),
    ]
