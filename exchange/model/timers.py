"""What the engine does by itself, when: every timer that is set, in the order of (due time, kind,
id) (RULEBOOK 8).

    kind       id          command
    CLOSING    market's    CloseMarket
    EXPIRY     order's     ExpireOrder

Laws: a timer is only an index of what a record says (a market's `close_time`, an order's
`expires_at`), set and unset by `transitions/` with it, so it isn't stored: recovery sets it anew.
A new kind is a member and a command here, in the place where it runs among those of one moment;
whoever runs timers or waits for them asks this and need not know it.
"""

from enum import Enum
from typing import Any, Final

from sortedcontainers import SortedList

from exchange.messages.bounds import TIME_MAX
from exchange.messages.commands import (
    CloseMarket,
    Command,
    EndLease,
    ExpireOrder,
    FireDeadMan,
    PayHolders,
)
from exchange.messages.completeness import require_all
from exchange.messages.limit_commands import EndHalt, EndPostOnly


class TimerKind(Enum):
    """Whose time comes, in the order of one moment."""

    CLOSING = "closing"
    EXPIRY = "expiry"
    DEAD_MAN = "dead man"
    LEASE = "lease"
    HALT_END = "end of a halt"
    POST_ONLY_END = "end of post-only"
    PAYOUT = "payout"


CLOSING: Final = TimerKind.CLOSING
EXPIRY: Final = TimerKind.EXPIRY
DEAD_MAN: Final = TimerKind.DEAD_MAN
LEASE: Final = TimerKind.LEASE
HALT_END: Final = TimerKind.HALT_END
POST_ONLY_END: Final = TimerKind.POST_ONLY_END
PAYOUT: Final = TimerKind.PAYOUT

_COMMANDS: Final[dict[TimerKind, type[Any]]] = {
    CLOSING: CloseMarket,
    EXPIRY: ExpireOrder,
    DEAD_MAN: FireDeadMan,
    LEASE: EndLease,
    HALT_END: EndHalt,
    POST_ONLY_END: EndPostOnly,
    PAYOUT: PayHolders,
}
_ALL: Final = tuple(_COMMANDS)
_LEFT: Final = (PAYOUT,)
"""What is left over from a command that did a part of its work: nobody is wronged if it comes a
little after what is stamped with its time, so whoever runs an engine may let others go first."""
_STRICT: Final = tuple(kind for kind in _ALL if kind not in _LEFT)
require_all(TimerKind, _COMMANDS, "the table of timers' commands")


class Timers:
    """Those that are set.  Setting and unsetting cost O(log timers of the kind)."""

    __slots__ = ("_not_before", "_set")

    def __init__(self) -> None:
        self._not_before = TIME_MAX
        """No timer of any kind is due before: most questions are answered by that alone."""
        self._set: dict[TimerKind, SortedList[tuple[int, int]]] = {
            kind: SortedList() for kind in TimerKind
        }

    def set(self, kind: TimerKind, due: int, id_: int) -> None:
        """Let the engine run the kind's command for `id_` at `due`, or soon after."""
        self._set[kind].add((due, id_))
        self._not_before = min(self._not_before, due)

    def unset(self, kind: TimerKind, due: int, id_: int) -> None:
        """Take back what was set; raises ValueError if it wasn't."""
        self._set[kind].remove((due, id_))

    def move(self, kind: TimerKind, before: int | None, due: int | None, id_: int) -> None:
        """Take back what was set for `before` and set it for `due`; None stands for no time."""
        if before is not None:
            self.unset(kind, before, id_)
        if due is not None:
            self.set(kind, due, id_)

    def of(self, kind: TimerKind) -> SortedList[tuple[int, int]]:
        """Return (due time, id) of one kind, the next first."""
        return self._set[kind]

    def next_due(self, until: int = TIME_MAX) -> int | None:
        """Return when the next is due that comes before all else; None if none is by `until`."""
        if until < self._not_before:
            return None
        due = self._next(_STRICT)
        return None if due is None or due > until else due

    def next_left(self) -> int | None:
        """Return when the next part of left-over work is due; None if there is none."""
        return self._next(_LEFT)

    def is_due(self, at: int) -> bool:
        """Return whether any is due at or before `at` that comes before all else."""
        return self.next_due(at) is not None

    def is_left(self, at: int) -> bool:
        """Return whether left-over work is due at or before `at`."""
        if at < self._not_before:
            return False
        due = self._next(_LEFT)
        return due is not None and due <= at

    def first_due(self, at: int, *, left: bool = True) -> Command | None:
        """Return the command of the first one due at or before `at`; its running unsets it.

        Left-over work is among them only with `left`.
        """
        if at < self._not_before:
            return None
        soonest = self._next(_ALL)
        self._not_before = TIME_MAX if soonest is None else soonest
        kinds = _ALL if left else _STRICT
        due = soonest if left else self._next(kinds)
        if due is None or due > at:
            return None
        for kind in kinds:
            timers = self._set[kind]
            if timers and timers[0][0] == due:
                command: Command = _COMMANDS[kind](timers[0][1])
                return command
        return None

    def _next(self, kinds: tuple[TimerKind, ...]) -> int | None:
        found: int | None = None
        for kind in kinds:
            timers = self._set[kind]
            if timers and (found is None or timers[0][0] < found):
                found = timers[0][0]
        return found
