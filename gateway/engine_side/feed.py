"""How the committed view of this process is fed: by its own engine, or by one elsewhere.

Laws: one object per process, read by whoever tells people how fresh things are (`/ready`,
`/health`, heartbeats, messages' epochs); in a process with an engine it never changes, in a gateway
`engine_side/remote.py` alone changes it. The callbacks must not wait or raise.
"""

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable

    from exchange.model.state import State

READS_ONLY: Final = (
    "This gateway serves reads and feeds only: send orders, commands and registrations to the"
    " engine's own address"
)


class Feed:
    """Where the view comes from and how fresh it is."""

    __slots__ = ("epoch", "is_stale", "on_reload", "on_stale", "silence_s", "takes_commands")

    def __init__(self, epoch: int, *, takes_commands: bool = True, is_stale: bool = False) -> None:
        self.epoch = epoch
        """Of the engine that leads; public messages carry it beside a market's seq."""
        self.takes_commands = takes_commands
        """Whether the engine is in this process."""
        self.is_stale = is_stale
        """Whether the engine hasn't been heard for so long that things may have changed."""
        self.silence_s: Callable[[], float] = lambda: 0.0
        """Returns for how many seconds; infinite if it never was."""
        self.on_stale: list[Callable[[bool], None]] = []
        """Called with the new `is_stale` when it changes."""
        self.on_reload: list[Callable[[State], None]] = []
        """Called when the view was loaded anew, without anybody hearing what lies between."""
