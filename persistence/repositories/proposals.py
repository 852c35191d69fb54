"""The table of proposals: what one admin proposes and another one approves.

    OPEN --> APPROVED --> DONE       carried out
      |          |------> REFUSED    the exchange said no when it was carried out
      |          '------> OPEN       for certain nothing happened: the engine took nothing
      |--> REJECTED                  by another admin, or taken back by its proposer
      |--> LAPSED                    its proposer is no admin any more
      '--> EXPIRED                   its time is over (never stored: told by `expires_at`)

Laws: each step is one transaction with the row locked, so of two who decide at once one is told
that it was decided. What is APPROVED is carried out by whoever claims it, one at a time, until it
is DONE or REFUSED. Times are microseconds since the epoch.
"""

from typing import TYPE_CHECKING, Any, Final

import msgspec

from persistence.clock import MICROSECONDS
from persistence.errors import BoundReached
from persistence.postgres.database import DeadlinePool

if TYPE_CHECKING:
    from asyncpg import Record

CLAIM_US: Final = 30 * MICROSECONDS
"""For so long nobody else carries out what somebody has begun to."""
_COLUMNS: Final = (
    "id, proposer_id, client_id, action, target, body, reason, effect_id, created_at, expires_at,"
    " status, decided_by, decided_at, seq_before, outcome"
)
# As it stands at the time $1.
_SHOWN: Final = (
    "(SELECT id, proposer_id, client_id, action, target, body, reason, effect_id, created_at,"
    " expires_at, CASE WHEN status = 'OPEN' AND expires_at <= $1 THEN 'EXPIRED' ELSE status END"
    " AS status, decided_by, decided_at, seq_before, outcome FROM proposals) shown"
)
_WANTED: Final = f"FROM {_SHOWN} WHERE ($2::text IS NULL OR status = $2)"
_PAGE: Final = f"SELECT {_COLUMNS} {_WANTED} AND id < $3 ORDER BY id DESC LIMIT $4 OFFSET $5"
_INSERT: Final = (
    "INSERT INTO proposals (proposer_id, client_id, action, target, body, reason, effect_id,"  # noqa: S608 - a constant
    f" created_at, expires_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) RETURNING {_COLUMNS}"
)
_APPROVE: Final = (
    "UPDATE proposals SET status = 'APPROVED', decided_by = $2, decided_at = $3, claimed_at = $3,"  # noqa: S608 - a constant
    f" seq_before = $4 WHERE id = $1 RETURNING {_COLUMNS}"
)
_CLAIM: Final = (
    "UPDATE proposals SET claimed_at = $1 WHERE id IN (SELECT id FROM proposals"  # noqa: S608 - a constant
    " WHERE status = 'APPROVED' AND claimed_at <= $2 AND ($3::bigint IS NULL OR id = $3)"
    f" ORDER BY id LIMIT $4 FOR UPDATE SKIP LOCKED) RETURNING {_COLUMNS}"
)
FINISH: Final = (
    "UPDATE proposals SET status = $2, outcome = $3 WHERE id = $1 AND status = 'APPROVED'"
)


class NewProposal(msgspec.Struct, frozen=True):
    """What a proposal begins with."""

    proposer_id: int
    client_id: str | None
    action: str
    target: str
    body: str
    reason: str
    effect_id: str
    created_at: int
    expires_at: int


class Proposal(msgspec.Struct, frozen=True):
    """A proposal as it stands."""

    id: int
    proposer_id: int
    client_id: str | None
    action: str
    target: str
    body: str
    reason: str
    effect_id: str
    created_at: int
    expires_at: int
    status: str
    decided_by: int | None
    decided_at: int | None
    seq_before: int | None
    outcome: str | None


class Proposals:
    """Reads and writes proposals."""

    def __init__(self, pool: DeadlinePool) -> None:
        self._pool = pool

    async def add(self, new: NewProposal, most: int) -> tuple[Proposal, bool]:
        """Add a proposal; return it, and whether it was there already under its client's id.

        Raises BoundReached if `most` are open.
        """
        async with self._pool.transaction() as connection:
            await connection.execute("LOCK TABLE proposals IN SHARE ROW EXCLUSIVE MODE")
            if new.client_id is not None:
                there = await connection.fetchrow(
                    f"SELECT {_COLUMNS} FROM {_SHOWN} WHERE proposer_id = $2 AND client_id = $3",  # noqa: S608 - constants
                    new.created_at,
                    new.proposer_id,
                    new.client_id,
                )
                if there is not None:
                    return _proposal(there), True
            count = await connection.fetchval(
                "SELECT count(*) FROM proposals WHERE status = 'OPEN' AND expires_at > $1",
                new.created_at,
            )
            if count >= most:
                raise BoundReached
            row = await connection.fetchrow(_INSERT, *msgspec.structs.astuple(new))
        if row is None:
            raise TypeError("an INSERT ... RETURNING gave no row")
        return _proposal(row), False

    async def by_id(self, proposal_id: int, now: int) -> Proposal | None:
        """Return a proposal as it stands now."""
        row = await self._pool.fetchrow(
            f"SELECT {_COLUMNS} FROM {_SHOWN} WHERE id = $2",  # noqa: S608 - constants
            now,
            proposal_id,
        )
        return None if row is None else _proposal(row)

    async def page(
        self, now: int, status: str | None, limit: int, offset: int, before: int
    ) -> tuple[list[Proposal], int]:
        """Return proposals below the id `before`, newest first, and how many there are in all."""
        rows = await self._pool.fetch(_PAGE, now, status, before, limit, offset)
        total = await self._pool.fetchval(f"SELECT count(*) {_WANTED}", now, status)
        return [_proposal(row) for row in rows], total

    async def approve(
        self, proposal_id: int, approver_id: int, now: int, seq: int
    ) -> tuple[Proposal | None, bool]:
        """Approve an open proposal of another admin, and claim it; `seq` is the last command.

        Return it as it stands, and whether it was approved by this call; whoever proposed it and is
        no admin any more has it lapse.
        """
        async with self._pool.transaction() as connection:
            there = await self._locked(connection, proposal_id, now)
            if there is None or there.status != "OPEN" or there.proposer_id == approver_id:
                return there, False
            rows = await connection.fetch(
                "SELECT id FROM users WHERE id = ANY($1::bigint[]) AND role = 'ADMIN' FOR SHARE",
                [there.proposer_id, approver_id],
            )
            admins = {row["id"] for row in rows}
            if there.proposer_id not in admins:
                await connection.execute(
                    "UPDATE proposals SET status = 'LAPSED' WHERE id = $1", proposal_id
                )
                return msgspec.structs.replace(there, status="LAPSED"), False
            if approver_id not in admins:
                return there, False
            row = await connection.fetchrow(_APPROVE, proposal_id, approver_id, now, seq)
        return (None if row is None else _proposal(row)), True

    async def reject(
        self, proposal_id: int, by: int, now: int, outcome: str
    ) -> tuple[Proposal | None, bool]:
        """Reject an open proposal; return it, and whether it was rejected by this call."""
        async with self._pool.transaction() as connection:
            there = await self._locked(connection, proposal_id, now)
            if there is None or there.status != "OPEN":
                return there, False
            row = await connection.fetchrow(
                "UPDATE proposals SET status = 'REJECTED', decided_by = $2, decided_at = $3,"  # noqa: S608 - a constant
                f" outcome = $4 WHERE id = $1 RETURNING {_COLUMNS}",
                proposal_id,
                by,
                now,
                outcome,
            )
        return (None if row is None else _proposal(row)), True

    async def _locked(
        self,
        connection: Any,  # noqa: ANN401 - the pool's
        proposal_id: int,
        now: int,
    ) -> Proposal | None:
        await connection.execute("SELECT FROM proposals WHERE id = $1 FOR UPDATE", proposal_id)
        row = await connection.fetchrow(
            f"SELECT {_COLUMNS} FROM {_SHOWN} WHERE id = $2",  # noqa: S608 - constants
            now,
            proposal_id,
        )
        return None if row is None else _proposal(row)

    async def claim(self, now: int, limit: int, proposal_id: int | None = None) -> list[Proposal]:
        """Take over at most `limit` approved proposals that nobody is carrying out any more."""
        rows = await self._pool.fetch(_CLAIM, now, now - CLAIM_US, proposal_id, limit)
        return [_proposal(row) for row in rows]

    async def finish(self, proposal_id: int, status: str, outcome: str) -> None:
        """Note what came of an approved proposal; the first word counts."""
        await self._pool.execute(FINISH, proposal_id, status, outcome)

    async def reopen(self, proposal_id: int) -> None:
        """Put an approved proposal back, of which for certain nothing happened."""
        await self._pool.execute(
            "UPDATE proposals SET status = 'OPEN', decided_by = NULL, decided_at = NULL,"
            " claimed_at = NULL, seq_before = NULL WHERE id = $1 AND status = 'APPROVED'",
            proposal_id,
        )


def _proposal(row: "Record") -> Proposal:
    return Proposal(*row)
