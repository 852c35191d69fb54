"""The proof that the audit log is whole: every line as it was written, none missing, none added.

    changed     a line's own hash is another than its fields and the hash before it give
    removed     a line begins with the hash of one that isn't there
    put in      the line behind it goes on from the one before it
    cut off     the log ends before `audit_head`, or before the tip that is kept beside the database
    unguarded   the triggers that refuse changes aren't there, or not switched on

Whoever can rewrite all lines, the head among them, has a chain that holds; then the tip is what
tells, as far as it reaches. Lines are read one by one, so the log may be of any length.
"""

import hashlib
from typing import Any, Final

from persistence.journal.tip import Tip
from persistence.postgres.database import Connection

GENESIS: Final = bytes(32)
_TRIGGERS: Final = frozenset(
    {"audit_log_chain", "audit_log_stays", "audit_head_stays", "audit_head_moves"}
)
_COLUMNS: Final = "id, at, actor_id, action, target, outcome, request_id, previous_hash, hash"
_LINES: Final = f"SELECT {_COLUMNS} FROM audit_log ORDER BY id"  # noqa: S608 - a constant
LINES_AFTER: Final = f"SELECT {_COLUMNS} FROM audit_log WHERE id > $1 ORDER BY id LIMIT $2"  # noqa: S608 - a constant
"""As `LineWalk.step` takes them."""
_GUARDS: Final = (
    "SELECT tgname FROM pg_trigger WHERE tgenabled = 'A'"
    " AND tgrelid IN ('audit_log'::regclass, 'audit_head'::regclass)"
)


def line_hash(previous: bytes, *fields: int | str | None) -> bytes:
    """Return the hash of a line: of the one before, and of its fields from the id on."""
    text = "".join(_field(None if field is None else str(field)) for field in fields)
    return hashlib.sha256(previous + text.encode()).digest()


def _field(text: str | None) -> str:
    return "-" if text is None else f"{len(text.encode())}:{text}"


async def audit_problem(connection: Connection, tip: Tip | None) -> tuple[str | None, int]:
    """Return what is wrong with the log, None if nothing is, and how many lines it has.

    What is found first is told, with the line's number. Call within a transaction.
    """
    walk = LineWalk(tip)
    async for row in connection.cursor(_LINES):
        problem = walk.step(*row)
        if problem is not None:
            return problem, walk.count
    return await end_problem(connection, walk), walk.count


async def end_problem(connection: Connection, walk: "LineWalk") -> str | None:
    """Say what is wrong with where the log ends, which the walk has reached, or with what guards
    it; None if nothing is.
    """
    head = await connection.fetchrow("SELECT last_id, hash FROM audit_head")
    if head is None:
        return "audit_head is empty"
    problem = walk.end_problem(head["last_id"], head["hash"])
    if problem is None:
        guards = {row["tgname"] for row in await connection.fetch(_GUARDS)}
        missing = sorted(_TRIGGERS - guards)
        if missing:
            problem = f"nothing keeps it from being changed: {', '.join(missing)} is off"
    return problem


class LineWalk:
    """Goes along the chain, line by line."""

    def __init__(self, tip: Tip | None, last_id: int = 0, hash_: bytes = GENESIS) -> None:
        """Begin behind the line `last_id`, which has this hash; 0: with the first one."""
        self.count = 0
        self.last_id = last_id
        self.hash = self._hash_before = hash_
        self._tip = tip
        self._tip_is_seen = tip is None or tip.seq == 0

    def step(self, line_id: int, *rest: Any) -> str | None:  # noqa: ANN401 - the columns behind it
        """Take the next line; return what is wrong with it or with those before."""
        *fields, previous, own = rest
        if own != line_hash(previous, line_id, *fields):
            return f"line {line_id} isn't as it was written"
        if previous != self.hash:
            if self.count and previous == self._hash_before:
                return f"line {self.last_id} was put in"
            if line_id > self.last_id + 1:
                return f"line {self.last_id + 1} is missing"
            return f"line {line_id} doesn't follow line {self.last_id}"
        if self._tip is not None and line_id == self._tip.seq:
            if own != self._tip.hash:
                return f"line {line_id} is another than the tip names: it was rewritten"
            self._tip_is_seen = True
        self._hash_before, self.hash, self.last_id = self.hash, own, line_id
        self.count += 1
        return None

    def end_problem(self, last_id: int, last_hash: bytes) -> str | None:
        """Return what is wrong with where the log ends, by its head and by the tip."""
        if (last_id, last_hash) != (self.last_id, self.hash):
            if last_id > self.last_id:
                return f"line {self.last_id + 1} is missing, and all up to {last_id}"
            return f"line {self.last_id} was put in: the log ended at {last_id}"
        if self._tip is None or self._tip_is_seen:
            return None
        if self._tip.seq > self.last_id:
            return f"line {self.last_id + 1} is missing, and all up to {self._tip.seq} of the tip"
        return f"line {self._tip.seq}, which the tip names, is missing"
