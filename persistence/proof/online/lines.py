"""The audit log, line by line along its chain: what is new at each look, and all of it in rounds.

Laws: how a line is judged is `audit_chain`'s. What is wrong with it halts nothing, since no money
hangs on it: it is told, and stays until it is acknowledged.
"""

from typing import Final

from persistence.postgres.database import Connection
from persistence.proof.audit_chain import GENESIS, LINES_AFTER, LineWalk, end_problem
from persistence.proof.online.course import TOLD_MAX, Mark, Piece
from persistence.repositories.checks.findings import Finding

AT_ONCE: Final = 1_000


class Lines:
    """The course: of what is new, or of all."""

    start: Final = Mark(0, GENESIS)

    def __init__(self, *, is_front: bool) -> None:
        self.is_front = is_front
        self.name = "new-lines" if is_front else "lines"

    async def length(self, connection: Connection) -> int:
        """Return the last line's number."""
        return await connection.fetchval("SELECT last_id FROM audit_head") or 0

    async def piece(self, connection: Connection, mark: Mark, seq: int) -> Piece:
        """Look at the next lines; at the end, at where it ends and at what guards it."""
        rows = await connection.fetch(LINES_AFTER, mark.key, AT_ONCE)
        findings: list[Finding] = []
        walk = LineWalk(None, mark.key, mark.hash or GENESIS)
        for row in rows:
            problem = walk.step(*row)
            if problem is not None:
                if len(findings) < TOLD_MAX:
                    findings.append(_finding(f"line {row['id']}", problem, seq))
                # On behind it, by what it says itself.
                walk = LineWalk(None, row["id"], row["hash"])
        is_end = len(rows) < AT_ONCE
        if is_end and not findings:
            problem = await end_problem(connection, walk)
            if problem is not None:
                findings.append(_finding("end", problem, seq))
                # Where it stood is gone: all of it is looked at again.
                return Piece(self.start, findings, is_end=True)
        mark = Mark(walk.last_id, walk.hash)
        return Piece(self.start if is_end and not self.is_front else mark, findings, is_end=is_end)


def _finding(subject: str, problem: str, seq: int) -> Finding:
    return Finding("audit", 0, subject, "the log as it was written", problem, seq, halts=False)
