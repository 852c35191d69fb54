"""The exchange a second time, kept where the journal is: what takes over, and what compares.

    tables ──> view ◄── events ──┐
          └──> live ◄── commands ┴── the journal's rows      hash(view) = hash(live) = hash(tables)

Laws: the journal's commands are run again, and must give its events byte for byte; its events move
a second state, and every now and then both must have the hash of what the tables hold. A difference
is never mended: whoever has one takes nothing over. Rows follow one another by sequence and by
hash; one that doesn't is no difference but another history, for which the tables are loaded anew.
"""

import threading

from exchange.engine import RULES_VERSION
from exchange.messages.errors import CoreError
from exchange.model.idempotency import RecentIds
from exchange.model.state import State
from exchange.proof import invariants
from exchange.proof.state_hash import state_hash
from persistence.errors import StateDiffers
from persistence.journal import tables
from persistence.journal.rows import JournalRow
from persistence.proof.rerun import Rerun

Hashes = list[tuple[str, bytes]]
"""By what a state was made, and its hash."""


class Twin:
    """Both states, moved row by row."""

    def __init__(self, snapshot: tables.Snapshot) -> None:
        """Begin where the tables are. O(everything)."""
        self.view = tables.build(snapshot, with_ids=True)
        self.live = tables.build(snapshot, with_ids=True)
        self.chain_hash = snapshot.head.chain_hash
        self.is_exact = True
        """Whether every command was run by the rules of this version."""
        self._rerun = Rerun(self.view, self.live)

    @property
    def seq(self) -> int:
        """The last command that it holds."""
        return self.view.seq

    def fits(self, row: JournalRow) -> bool:
        """Say whether a row is the next one."""
        return (
            row.first_seq == self.seq + 1
            and row.previous_hash == self.chain_hash
            and row.expected_hash() == row.hash
        )

    def take(self, row: JournalRow) -> None:
        """Move by a row that fits; raises StateDiffers if its commands give other events here."""
        rerun = self._rerun
        rerun.run(row)
        problem = rerun.event_problem or rerun.command_problem
        if problem is not None:
            raise StateDiffers(problem)
        self.view.dirty.clear()
        self.chain_hash = row.hash
        self.is_exact &= row.rules_version == RULES_VERSION

    def hashes(self, left: threading.Event) -> Hashes:
        """Return what both states are now.

        O(everything); may be called in a thread while nothing moves the states, or nobody waits for
        it any more: then it soon ends (`left`).
        """
        found: Hashes = []
        for name, state in (("events", self.view), ("commands", self.live)):
            if left.is_set():
                break
            found.append((name, state_hash(state)))
        return found

    def states(self) -> tuple[State, State]:
        """Give away the live state, and the view, which does without client ids."""
        self.view.recent_ids = RecentIds()
        for state in (self.live, self.view):
            state.dirty.clear()
        return self.live, self.view


def compare(snapshot: tables.Snapshot, hashes: Hashes, left: threading.Event) -> bytes:
    """Return the hash that the tables have, and both states had; anything once `left`.

    O(everything), in a thread.

    Raises:
        StateDiffers: they haven't, or break a law.
    """
    seq = snapshot.head.last_seq
    try:
        stored = tables.build(snapshot, with_ids=True)
        if left.is_set():
            return b""
        invariants.check(stored)
    except (CoreError, LookupError) as error:
        raise StateDiffers(f"the tables break a law at {seq}: {error}") from None
    expected = b"" if left.is_set() else state_hash(stored)
    for name, found in hashes:
        if found != expected and not left.is_set():
            raise StateDiffers(f"the tables at {seq} aren't what the journal's {name} make")
    return expected
