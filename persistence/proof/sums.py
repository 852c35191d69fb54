"""The money, summed by PostgreSQL alone: no code of the exchange has a say in it.

Laws: entries of the whole ledger sum to zero, each command's do; the balances of accounts,
collaterals, fees and issuance equal the sums of their entries (RULEBOOK 10, 1).
"""

from typing import Final

from exchange.proof.ledger import Owner
from persistence.postgres.database import Connection

UNBALANCED: Final = """
SELECT command_seq, sum(available + locked) AS posted
  FROM ledger {of} GROUP BY command_seq HAVING sum(available + locked) <> 0
 ORDER BY command_seq LIMIT 1
"""
"""With `{of}` filled in: of which entries."""
BALANCES: Final = f"""
    SELECT {Owner.ACCOUNT:d} AS owner, id AS owner_id, available, locked FROM accounts
    UNION ALL SELECT {Owner.COLLATERAL:d}, id, collateral, 0 FROM markets
    UNION ALL SELECT {Owner.FEES:d}, 0, fees, 0 FROM engine_state
    UNION ALL SELECT {Owner.ISSUANCE:d}, 0, -issued, 0 FROM engine_state
"""  # noqa: S608 - the owners' numbers
"""What everybody has who is an owner in the ledger."""
_OF_ALL: Final = f"""
WITH sums AS (
    SELECT owner, owner_id, sum(available) AS available, sum(locked) AS locked
      FROM ledger GROUP BY owner, owner_id
), balances AS ({BALANCES})
SELECT format('owner %s of kind %s has %s and %s, its entries sum to %s and %s', owner_id, owner,
              b.available, b.locked, coalesce(s.available, 0), coalesce(s.locked, 0))
  FROM balances b FULL JOIN sums s USING (owner, owner_id)
 WHERE (b.available, b.locked)
       IS DISTINCT FROM (coalesce(s.available, 0), coalesce(s.locked, 0))
 ORDER BY owner, owner_id LIMIT 1
"""  # noqa: S608 - the owners' numbers


async def problem(connection: Connection) -> str | None:
    """Say where a sum is wrong; None if none is.  O(ledger), in the server."""
    row = await connection.fetchrow(UNBALANCED.format(of=""))
    if row is not None:
        return f"command {row['command_seq']} posts {row['posted']} more than it takes"
    found: str | None = await connection.fetchval(_OF_ALL)
    return found
