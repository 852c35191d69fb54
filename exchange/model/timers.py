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

from exchange.messages.commands import (
    CloseMarket,
    Command,
    EndLease,
    ExpireOrder,
    FireDeadMan,
    PayHolders,
)
from exchange.messages.completeness import require_all


class TimerKind(Enum):
    """Whose time comes, in the order of one moment."""

    CLOSING = "closing"
    EXPIRY = "expiry"
    DEAD_MAN = "dead man"
    LEASE = "lease"
    PAYOUT = "payout"


CLOSING: Final = TimerKind.CLOSING
EXPIRY: Final = TimerKind.EXPIRY
DEAD_MAN: Final = TimerKind.DEAD_MAN
LEASE: Final = TimerKind.LEASE
PAYOUT: Final = TimerKind.PAYOUT

_COMMANDS: Final[dict[TimerKind, type[Any]]] = {
    CLOSING: CloseMarket,
    EXPIRY: ExpireOrder,
    DEAD_MAN: FireDeadMan,
    LEASE: EndLease,
    PAYOUT: PayHolders,
}
require_all(TimerKind, _COMMANDS, "the table of timers' commands")


class Timers:
    """Those that are set.  Setting and unsetting cost O(log timers of the kind)."""

    __slots__ = ("_set",)

    def __init__(self) -> None:
        self._set: dict[TimerKind, SortedList[tuple[int, int]]] = {
            kind: SortedList() for kind in TimerKind
        }

    def set(self, kind: TimerKind, due: int, id_: int) -> None:
        """Let the engine run the kind's command for `id_` at `due`, or soon after."""
        self._set[kind].add((due, id_))

    def unset(self, kind: TimerKind, due: int, id_: int) -> None:
        """Take back what was set; raises ValueError if it wasn't."""
        self._set[kind].remove((due, id_))

    def of(self, kind: TimerKind) -> SortedList[tuple[int, int]]:
        """Return (due time, id) of one kind, the next first."""
        return self._set[kind]

    def next_due(self) -> int | None:
        """Return when the next one is due; None if none is set."""
        found: int | None = None
        for timers in self._set.values():
            if timers and (found is None or timers[0][0] < found):
                found = timers[0][0]
        return found

    def is_due(self, at: int) -> bool:
        """Return whether any is due at or before `at`."""
        due = self.next_due()
        return due is not None and due <= at

    def first_due(self, at: int) -> Command | None:
        """Return the command of the first one due at or before `at`; its running unsets it."""
        due = self.next_due()
        if due is None or due > at:
            return None
        for kind, timers in self._set.items():
            if timers and timers[0][0] == due:
                command: Command = _COMMANDS[kind](timers[0][1])
                return command
        return None
