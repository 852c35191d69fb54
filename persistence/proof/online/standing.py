"""The sums that hold at every moment (RULEBOOK 10, 1 to 4), summed by PostgreSQL over one picture.

    money           cash + locked + collateral + fees = issued, and nothing of it is negative
    fees, issuance,
    collateral      as the last entry of the ledger has them, so as what was put in by its kinds
    locked cash     of each account = what its open BUY orders have locked
    locked shares   of each holding = what its open SELL orders have locked
    supply          per market YES = NO = collateral per pair; nothing once it has ended; what the
                    remaining shares pay while it is paid
    open orders     each that is marked as open is there and is open

Laws: a market's own sums are its own findings, whatever concerns cash is the exchange's, since an
account trades with it everywhere. O(accounts + positions + open orders), in the server.
"""

from typing import Any, Final

from exchange.messages.bounds import ISSUANCE_MAX, PRICE_SCALE
from exchange.messages.terms import MarketStatus, OrderStatus, Outcome, Side
from exchange.proof.ledger import Owner
from persistence.journal.codes import MARKET_STATUS, ORDER_STATUS, OUTCOME, SIDE
from persistence.journal.open_orders import BLOCK_IDS
from persistence.postgres.database import Connection
from persistence.proof.online.course import TOLD_MAX
from persistence.proof.sums import BALANCES
from persistence.repositories.checks.findings import Finding

_MONEY: Final = """
SELECT issued, fees, cash, collateral, least(fees, least_cash, least_collateral) AS least
  FROM engine_state,
       (SELECT coalesce(sum(available::numeric + locked), 0) AS cash,
               coalesce(min(least(available, locked)), 0) AS least_cash FROM accounts) AS a,
       (SELECT coalesce(sum(collateral::numeric), 0) AS collateral,
               coalesce(min(collateral), 0) AS least_collateral FROM markets) AS m
"""
LAST_ENTRIES: Final = """
SELECT b.owner, b.owner_id, b.available, b.locked,
       coalesce(l.available_after, 0) AS entry_available,
       coalesce(l.locked_after, 0) AS entry_locked
  FROM ({balances}) AS b LEFT JOIN LATERAL (
       SELECT available_after, locked_after FROM ledger
        WHERE owner_id = b.owner_id AND owner = b.owner
        ORDER BY command_seq DESC, entry_no DESC LIMIT 1) AS l ON true
 WHERE (b.available, b.locked)
       IS DISTINCT FROM (coalesce(l.available_after, 0), coalesce(l.locked_after, 0))
 ORDER BY b.owner, b.owner_id LIMIT {most}
"""
"""With `{balances}` and `{most}` filled in: who has something else than their last entry says."""
_OF_NO_ACCOUNT: Final = f"SELECT * FROM ({BALANCES}) AS everybody WHERE owner <> {Owner.ACCOUNT:d}"  # noqa: S608 - a constant
_OPEN: Final = f"""
WITH open AS MATERIALIZED (
    SELECT b.block * {BLOCK_IDS} + i AS id, o.account_id, o.market_id, o.side, o.outcome, o.locked,
           o.status
      FROM open_orders AS b CROSS JOIN generate_series(0, {BLOCK_IDS - 1}) AS i
           LEFT JOIN orders AS o ON o.id = b.block * {BLOCK_IDS} + i
     WHERE get_bit(b.bits, i) = 1)
"""  # noqa: S608 - a constant
_LOCKED_CASH: Final = f"""{_OPEN}
SELECT coalesce(a.id, r.account_id) AS account_id, coalesce(a.locked, 0) AS locked,
       coalesce(r.locked, 0) AS reserved
  FROM accounts AS a FULL JOIN (
       SELECT account_id, sum(locked) AS locked FROM open WHERE side = {SIDE[Side.BUY]}
        GROUP BY account_id) AS r ON r.account_id = a.id
 WHERE coalesce(a.locked, 0) <> coalesce(r.locked, 0) ORDER BY 1 LIMIT {TOLD_MAX}
"""  # noqa: S608 - constants
_LOCKED_SHARES: Final = f"""{_OPEN}, offered AS (
    SELECT account_id, market_id,
           coalesce(sum(locked) FILTER (WHERE outcome = {OUTCOME[Outcome.YES]}), 0) AS yes,
           coalesce(sum(locked) FILTER (WHERE outcome = {OUTCOME[Outcome.NO]}), 0) AS no
      FROM open WHERE side = {SIDE[Side.SELL]} GROUP BY account_id, market_id)
SELECT coalesce(p.market_id, o.market_id) AS market_id,
       coalesce(p.account_id, o.account_id) AS account_id,
       coalesce(p.yes_locked, 0) AS yes_locked, coalesce(p.no_locked, 0) AS no_locked,
       coalesce(o.yes, 0) AS yes_offered, coalesce(o.no, 0) AS no_offered
  FROM (SELECT * FROM positions WHERE yes_locked <> 0 OR no_locked <> 0) AS p
       FULL JOIN offered AS o USING (account_id, market_id)
 WHERE (coalesce(p.yes_locked, 0), coalesce(p.no_locked, 0))
       <> (coalesce(o.yes, 0), coalesce(o.no, 0)) ORDER BY 1, 2 LIMIT {TOLD_MAX}
"""  # noqa: S608 - constants
_IS_OPEN: Final = ", ".join(
    str(ORDER_STATUS[one]) for one in (OrderStatus.OPEN, OrderStatus.PARTIAL, OrderStatus.PENDING)
)
_MARKED: Final = f"""{_OPEN}
SELECT id, market_id, status FROM open
 WHERE status IS NULL OR status NOT IN ({_IS_OPEN}) ORDER BY id LIMIT {TOLD_MAX}
"""  # noqa: S608 - constants
_ENDED: Final = ", ".join(
    str(MARKET_STATUS[one]) for one in (MarketStatus.RESOLVED, MarketStatus.VOID)
)
_SUPPLY: Final = f"""
SELECT * FROM (
    SELECT m.id AS market_id, m.status, m.collateral, coalesce(h.yes, 0) AS yes,
           coalesce(h.no, 0) AS no, coalesce(h.least, 0) AS least,
           CASE WHEN m.status = {MARKET_STATUS[MarketStatus.RESOLVING]}
                THEN coalesce(h.yes * m.yes_payout + h.no * ({PRICE_SCALE} - m.yes_payout), 0)
                ELSE {PRICE_SCALE} * coalesce(h.yes, 0) END AS owed
      FROM markets AS m FULL JOIN (
           SELECT market_id, sum(yes_free::numeric + yes_locked) AS yes,
                  sum(no_free::numeric + no_locked) AS no,
                  min(least(yes_free, yes_locked, no_free, no_locked)) AS least
             FROM positions GROUP BY market_id) AS h ON h.market_id = m.id) AS s
 WHERE market_id IS NULL OR collateral <> owed OR least < 0
    OR (status <> {MARKET_STATUS[MarketStatus.RESOLVING]} AND yes <> no)
    OR (status IN ({_ENDED}) AND (yes <> 0 OR collateral <> 0)) ORDER BY market_id LIMIT {TOLD_MAX}
"""  # noqa: S608 - constants


async def standing_findings(connection: Connection, seq: int) -> list[Finding]:
    """Return what doesn't add up in the picture that the connection's transaction has."""
    found = await _money(connection, seq)
    for row in await connection.fetch(LAST_ENTRIES.format(balances=_OF_NO_ACCOUNT, most=TOLD_MAX)):
        found.append(balance_finding(row, seq))
    for row in await connection.fetch(_LOCKED_CASH):
        subject = f"account {row['account_id']}"
        reserved = f"{row['reserved']} locked by its open orders"
        found.append(Finding("locked-cash", 0, subject, reserved, f"{row['locked']} locked", seq))
    for row in await connection.fetch(_LOCKED_SHARES):
        offered = f"{row['yes_offered']} YES, {row['no_offered']} NO offered"
        locked = f"{row['yes_locked']} YES, {row['no_locked']} NO locked"
        subject = f"account {row['account_id']}"
        found.append(Finding("locked-shares", row["market_id"], subject, offered, locked, seq))
    for row in await connection.fetch(_MARKED):
        seen = "no such order" if row["status"] is None else f"status {row['status']}"
        subject = f"order {row['id']}"
        found.append(Finding("open-orders", row["market_id"] or 0, subject, "open", seen, seq))
    for row in await connection.fetch(_SUPPLY):
        found.append(_supply(row, seq))
    return found


async def _money(connection: Connection, seq: int) -> list[Finding]:
    row = await connection.fetchrow(_MONEY)
    if row is None:
        return [Finding("money", 0, "engine_state", "one row", "none", seq)]
    found = []
    total = int(row["cash"] + row["collateral"] + row["fees"])
    if total != row["issued"] or not 0 <= row["issued"] <= ISSUANCE_MAX:
        seen = f"{row['cash']} cash, {row['collateral']} collateral, {row['fees']} fees: {total}"
        found.append(Finding("money", 0, "sum", f"{row['issued']} issued", seen, seq))
    if row["least"] < 0:
        found.append(Finding("money", 0, "least", "nothing below 0", str(row["least"]), seq))
    return found


def balance_finding(row: Any, seq: int) -> Finding:  # noqa: ANN401 - asyncpg's own Record
    """Return the finding of a row of `LAST_ENTRIES`."""
    owner = Owner(row["owner"])
    market_id = row["owner_id"] if owner is Owner.COLLATERAL else 0
    subject = f"{owner.name.lower()} {row['owner_id'] or ''}".rstrip()
    expected = f"{row['entry_available']} and {row['entry_locked']} by its last entry"
    seen = f"{row['available']} and {row['locked']}"
    return Finding("balance", market_id, subject, expected, seen, seq)


def _supply(row: Any, seq: int) -> Finding:  # noqa: ANN401 - asyncpg's own Record
    market_id = row["market_id"] or 0
    if not market_id:
        return Finding("supply", 0, "holdings", "of a market that is there", "of none", seq)
    owed = f"{row['owed']} owed, as many YES as NO, none below 0, nothing once it has ended"
    seen = (
        f"{row['collateral']} collateral, {row['yes']} YES, {row['no']} NO, the least"
        f" {row['least']}, status {row['status']}"
    )
    return Finding("supply", market_id, f"market {market_id}", owed, seen, seq)
