"""Proofs of what is owed to whom, as they were made, and the part of one in which an account is.

Laws: what is kept of a proof is never changed; a part is one row, found by the salt of an account.
"""

from typing import Final

import msgspec

from persistence.postgres.database import DeadlinePool, affected

_NEWEST: Final = "SELECT max(id) FROM proofs"
_PROOF: Final = "SELECT id, made_at, seq, statement, secret FROM proofs WHERE id = $1"
_PART: Final = """
SELECT place, owners, leaves, path FROM proof_parts
 WHERE proof_id = $1 AND first_salt <= $2 ORDER BY first_salt DESC LIMIT 1
"""
# The newest stays, however old.
_PRUNE: Final = (
    "DELETE FROM proofs WHERE made_at < $1 AND id < (SELECT max(id) FROM proofs)"
    " AND id IN (SELECT id FROM proofs ORDER BY id LIMIT $2)"
)


class StoredProof(msgspec.Struct, frozen=True):
    """A proof: what is signed of it, and the secret that its salts are made of."""

    id: int
    made_at: int
    seq: int
    statement: bytes
    secret: bytes


class StoredPart(msgspec.Struct, frozen=True):
    """Some of its leaves, as `proof.solvency.tree` packs them; `path` is what is above them."""

    place: int
    owners: bytes
    leaves: bytes
    path: bytes


class Proofs:
    """Reads and prunes proofs."""

    def __init__(self, pool: DeadlinePool) -> None:
        self._pool = pool

    async def newest(self) -> int | None:
        """Return the number of the newest; None if none was ever made."""
        found: int | None = await self._pool.fetchval(_NEWEST)
        return found

    async def find(self, proof_id: int) -> StoredProof | None:
        """Return a proof; None if there is none of this number, or none any more."""
        row = await self._pool.fetchrow(_PROOF, proof_id)
        return None if row is None else StoredProof(*row.values())

    async def part(self, proof_id: int, salt: bytes) -> StoredPart | None:
        """Return the part in which a salt's leaf is, if it is in one."""
        row = await self._pool.fetchrow(_PART, proof_id, salt)
        return None if row is None else StoredPart(*row.values())

    async def prune(self, before: int, at_most: int) -> int:
        """Throw proofs away that were made before a time (us); return how many went."""
        return affected(await self._pool.execute(_PRUNE, before, at_most))
