"""The bounded queue before the engine: who comes next.

::

    fast    cancels, admins     with nothing of their account before them
    slow    everything else     ... and behind a command its account's cancels that came after it

Laws: commands of one account keep their order; admin commands and cancels may overtake commands of
*other* accounts, never an earlier one of the same account (RULEBOOK 8): such a cancel goes right
behind that one, not to the end; what came first goes first within each of the two lanes. The slow
lane has its bound, and what may overtake a bound of its own, so that a crowd of orders keeps
nobody's cancel out; what is full takes nothing; a batch of orders fills it by its operations.
Everything here happens before a command is stamped.
"""

import asyncio
from collections import deque
from typing import Final

import msgspec

from exchange.messages.commands import Command, PlaceOrder, operations_of
from exchange.model.idempotency import key_of, keys_of
from persistence.errors import QueueFull
from persistence.journal.rows import encode_command
from persistence.loop.authority import Authority
from persistence.loop.ports import Answer

QUEUE_COMMANDS: Final = 10_000
"""A quarter of a second of work at the speed we aim for; a longer wait is worth less than a
refusal."""
_LOOKED_AT: Final = 128
"""Urgent commands that one search for those that may pass looks at."""


class Waiting(msgspec.Struct, frozen=True):
    """A command, and who waits for its answer."""

    command: Command
    future: asyncio.Future[Answer]
    authority: Authority | None = None
    """By what right it was sent, where that may end while it waits."""


def standing(taken: list[Waiting]) -> list[Waiting]:
    """Return what was sent by a right that stands, or by one that can't end; refuse the rest."""
    if all(waiting.authority is None for waiting in taken):
        return taken
    still = []
    for waiting in taken:
        refusal = None if waiting.authority is None else waiting.authority.refusal()
        if refusal is None:
            still.append(waiting)
        elif not waiting.future.done():
            waiting.future.set_exception(refusal)
    return still


class _Place:
    """A place in the slow lane: a command, and the cancels of its account that came after it."""

    __slots__ = ("behind", "waiting")

    def __init__(self, waiting: Waiting) -> None:
        self.waiting = waiting
        self.behind: list[Waiting] | None = None


class CommandQueue:
    """Two lanes, first come first served in each; the fast one is emptied first."""

    __slots__ = ("_fast", "_last", "_operations", "_slow", "_urgent", "bound")

    def __init__(self, bound: int = QUEUE_COMMANDS) -> None:
        """Make an empty queue of at most `bound` commands, and as many urgent ones beside them."""
        self.bound = bound
        self._fast: deque[Waiting] = deque()
        self._slow: deque[_Place] = deque()
        self._operations = 0
        """What waits in the slow lane, a batch counted as its operations."""
        self._last: dict[int, _Place] = {}
        """Of each account in the slow lane its last place there."""
        self._urgent = 0
        """How many urgent commands wait, in either lane."""

    def __len__(self) -> int:
        return self._operations + self._urgent

    def put(self, waiting: Waiting) -> None:
        """Queue a command.

        Raises:
            QueueFull: so many of its kind wait already.
        """
        command = waiting.command
        if command.urgent:
            self._put_urgent(waiting)
            return
        operations = self._operations + operations_of(command)
        if operations > self.bound:
            raise QueueFull(f"{self._operations} commands are waiting")
        self._operations = operations
        place = self._last[command.account_id] = _Place(waiting)
        self._slow.append(place)

    def _put_urgent(self, waiting: Waiting) -> None:
        if self._urgent >= self.bound:
            raise QueueFull(f"{self.bound} cancels are waiting")
        self._urgent += 1
        place = self._last.get(waiting.command.account_id)
        if place is None:
            self._fast.append(waiting)
        elif place.behind is None:
            place.behind = [waiting]
        else:
            place.behind.append(waiting)

    def take(self, count: int) -> list[Waiting]:
        """Remove and return the next commands, at most `count` (the last batch whole)."""
        taken: list[Waiting] = []
        room = count - self._take_fast(taken, count)
        while self._slow and room > 0:
            place = self._slow.popleft()
            operations = operations_of(place.waiting.command)
            self._operations -= operations
            room -= operations
            account_id = place.waiting.command.account_id
            if self._last[account_id] is place:
                del self._last[account_id]
            taken.append(place.waiting)
            if place.behind is not None:
                # The fast lane is empty here, and these may overtake from now on.
                self._fast.extend(place.behind)
                room -= self._take_fast(taken, room)
        return taken

    @property
    def has_urgent(self) -> bool:
        """Whether a command waits that may overtake."""
        return bool(self._fast)

    def take_urgent(self, barred: set[int], count: int) -> list[Waiting]:
        """Remove and return urgent commands, at most `count`, but none of the accounts `barred`,
        which have commands before the queue that haven't run.

        Of commands with an id none is given: what is known of it has to be looked up first.
        """
        fast, taken, left = self._fast, list[Waiting](), list[Waiting]()
        looked_at = 0
        while fast and len(taken) < count and looked_at < _LOOKED_AT:
            looked_at += 1
            waiting = fast.popleft()
            account_id = waiting.command.account_id
            if account_id in barred or key_of(waiting.command) is not None:
                barred.add(account_id)
                left.append(waiting)
            else:
                taken.append(waiting)
        fast.extendleft(reversed(left))
        self._urgent -= len(taken)
        return taken

    def _take_fast(self, taken: list[Waiting], most: int) -> int:
        """Move urgent commands to `taken`; return how many."""
        fast, before = self._fast, len(taken)
        while fast and len(taken) - before < most:
            taken.append(fast.popleft())
        count = len(taken) - before
        self._urgent -= count
        return count


def refuse_unstorable_text(command: Command) -> None:
    """Stop what the edge should have: a text that no store can take would stop the engine."""
    if isinstance(command, PlaceOrder):
        text = command.client_order_id
        if text is not None:
            _check_id(text)
        return
    encode_command(command)
    for key in keys_of(command):
        _check_id(key[2])


def _check_id(text: str) -> None:
    if not (text and text.isascii() and text.isprintable()):
        raise ValueError("a client id must be printable ASCII, one character at least")
