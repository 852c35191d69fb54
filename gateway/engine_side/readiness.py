"""Whether the exchange takes work, and how the committed view of this process is fed.

Laws: one object of each kind a process, read by whoever tells people how things are (`/ready`,
`/health`, heartbeats, messages' epochs); a `ViewFeed` is changed by one place alone: in a process
with an engine by `observers.py`, when its database falls silent, in a gateway by `remote.py`. The
callbacks must not wait or raise.
"""

from collections.abc import Callable

from exchange.model.state import State


class Readiness:
    """Starts as not ready; opened by the composition root, closed for good when draining begins."""

    __slots__ = ("_draining", "_open")

    def __init__(self) -> None:
        self._open = False
        self._draining = False

    @property
    def is_open(self) -> bool:
        """Say whether work is taken now."""
        return self._open and not self._draining

    @property
    def state(self) -> str:
        """Return "starting", "open" or "draining"."""
        if self._draining:
            return "draining"
        return "open" if self._open else "starting"

    def open(self) -> None:
        """Say that the engine has recovered and answers."""
        self._open = True

    def drain(self) -> None:
        """Say that the process is about to end; there is no way back."""
        self._draining = True


class ViewFeed:
    """Where the view comes from and how fresh it is."""

    __slots__ = (
        "epoch",
        "follows",
        "is_stale",
        "on_epoch",
        "on_reload",
        "on_stale",
        "silence_s",
        "silent_since",
        "takes_commands",
    )

    def __init__(
        self,
        epoch: int,
        *,
        takes_commands: bool = True,
        follows: bool = False,
        is_stale: bool = False,
    ) -> None:
        self.epoch = epoch
        """Of the engine that leads; public messages carry it beside a market's seq."""
        self.takes_commands = takes_commands
        """Whether this process has a way in to the engine, wherever that is."""
        self.follows = follows
        """Whether the engine is in another process."""
        self.is_stale = is_stale
        """Whether the engine, or here its database, hasn't been heard for so long that things may
        have changed.
        """
        self.silent_since: int | None = None
        """When the engine asked what its database hasn't answered, in microseconds since the Unix
        epoch; None while it answers. Only in a process with an engine."""
        self.silence_s: Callable[[], float] = lambda: 0.0
        """Returns for how many seconds; infinite if it never was."""
        self.on_stale: list[Callable[[bool], None]] = []
        """Called with the new `is_stale` when it changes."""
        self.on_epoch: list[Callable[[int, State], None]] = []
        """Called when another engine leads, with its epoch."""
        self.on_reload: list[Callable[[State], None]] = []
        """Called when the view was loaded anew, without anybody hearing what lies between."""
