"""What each account has, against the last entry of the ledger that is its own, account by account.

As each entry's balance follows from the one before (`commands`), the last is the sum of all.
"""

from typing import Final

from exchange.proof.ledger import Owner
from persistence.postgres.database import Connection
from persistence.proof.online.course import TOLD_MAX, Mark, Piece
from persistence.proof.online.standing import LAST_ENTRIES, balance_finding

AT_ONCE: Final = 2_000
_END: Final = (
    f"SELECT max(id) FROM (SELECT id FROM accounts WHERE id > $1 ORDER BY id LIMIT {AT_ONCE}) AS a"  # noqa: S608 - a constant
)
_WRONG: Final = LAST_ENTRIES.format(
    balances=f"SELECT {Owner.ACCOUNT:d} AS owner, id AS owner_id, available, locked FROM accounts"  # noqa: S608 - a constant
    " WHERE id > $1 AND id <= $2",
    most=TOLD_MAX,
)


class Balances:
    """The course."""

    name: Final = "balances"
    start: Final = Mark()
    is_front: Final = False

    async def length(self, connection: Connection) -> int:
        """Return the highest account's id."""
        return await connection.fetchval("SELECT coalesce(max(id), 0) FROM accounts") or 0

    async def piece(self, connection: Connection, mark: Mark, seq: int) -> Piece:
        """Look at the next accounts."""
        end: int | None = await connection.fetchval(_END, mark.key)
        if end is None:
            return Piece(self.start, [], is_end=True)
        rows = await connection.fetch(_WRONG, mark.key, end)
        return Piece(Mark(end), [balance_finding(row, seq) for row in rows], is_end=False)
