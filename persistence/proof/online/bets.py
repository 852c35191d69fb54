"""What each bet was told, how it stands, and how its shares left it, against each other.

Laws: that what was told is what its order traded is `commands`', by the journal; how it came to
stand so is the fold's, which only `probity verify` makes again.
"""

from typing import Final

from persistence.postgres.database import Connection
from persistence.proof.online.course import TOLD_MAX, Mark, Piece
from persistence.repositories.checks.findings import Finding

AT_ONCE: Final = 2_000
_END: Final = f"""
SELECT max(bet_id)
  FROM (SELECT bet_id FROM bet_states WHERE bet_id > $1 ORDER BY bet_id LIMIT {AT_ONCE}) AS s
"""  # noqa: S608 - a constant
_WRONG: Final = f"""
SELECT * FROM (
    SELECT s.bet_id, s.market_id, s.bought, s.cost, s.fee,
           s.bought - s.shares AS gone, s.brought, s.exit_fees,
           coalesce(b.bought, s.bought) AS told_bought, coalesce(b.cost, s.cost) AS told_cost,
           coalesce(b.fee, s.fee) AS told_fee,
           b.account_id = s.account_id AND b.market_id = s.market_id AND
           (b.side IN ('THIS', 'YES')) = (s.outcome = 'YES') AS is_of_it,
           x.quantity AS left_quantity, x.brought AS left_brought, x.fee AS left_fee
      FROM bet_states AS s LEFT JOIN bets AS b ON b.id = s.bet_id
           CROSS JOIN LATERAL (
           SELECT coalesce(sum(quantity), 0)::bigint AS quantity,
                  coalesce(sum(brought), 0)::bigint AS brought, coalesce(sum(fee), 0)::bigint AS fee
             FROM bet_exits AS e WHERE e.bet_id = s.bet_id) AS x
     WHERE s.bet_id > $1 AND s.bet_id <= $2) AS compared
 WHERE is_of_it IS NOT TRUE OR (bought, cost, fee) <> (told_bought, told_cost, told_fee)
    OR (gone, brought, exit_fees) <> (left_quantity, left_brought, left_fee)
 ORDER BY bet_id LIMIT {TOLD_MAX}
"""  # noqa: S608 - a constant


class Bets:
    """The course."""

    name: Final = "bets"
    start: Final = Mark()
    is_front: Final = False

    async def length(self, connection: Connection) -> int:
        """Return the highest bet's number."""
        return await connection.fetchval("SELECT coalesce(max(bet_id), 0) FROM bet_states") or 0

    async def piece(self, connection: Connection, mark: Mark, seq: int) -> Piece:
        """Look at the next bets."""
        end: int | None = await connection.fetchval(_END, mark.key)
        if end is None:
            return Piece(self.start, [], is_end=True)
        findings = []
        for row in await connection.fetch(_WRONG, mark.key, end):
            values = [str(value) for value in row.values()]
            if row["is_of_it"] is not True:
                expected, seen = "a bet of the same account, market and side", "another, or none"
            else:
                expected = f"told {', '.join(values[8:11])}; left {', '.join(values[12:])}"
                seen = f"bought {', '.join(values[2:5])}; gone {', '.join(values[5:8])}"
            subject = f"bet {row['bet_id']}"
            findings.append(Finding("bets", row["market_id"], subject, expected, seen, seq))
        return Piece(Mark(end), findings, is_end=False)
