"""Whether the exchange takes work: what `/ready` answers."""


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
