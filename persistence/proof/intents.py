"""The intents of what moves money outside the book, against what the engine did.

    of each that has an answer   the command `seq` used up its id, with the very content stored
    of each DONE                 and moved just the money that its command says, account by account
    of each REFUSED              and moved none
    of each purchase, reward, referral, bet, sale  its intent is of the same account, kind, amount
    of each id of a domain's     ("reward:7:..."): an intent stands for it

Laws: one walk, in the order of the intents; the ledger was compared with the journal before. What
is PENDING may or may not have happened yet: the sweep finds out.
"""

from collections import Counter
from typing import Any, Final

import msgspec

from exchange.messages.commands import Command, CreditAccount, DebitAccount, TransferCash
from exchange.model.idempotency import SYSTEM_ID, fingerprint, key_of
from exchange.proof.ledger import Owner
from persistence.postgres.database import Connection

_INTENTS: Final = f"""
SELECT i.system_id, i.account_id, i.status, i.seq, i.amount, i.command, i.available, i.locked,
       (SELECT array_agg(d.kind) FROM idempotency d
         WHERE d.account_id = i.account_id AND d.client_id = i.system_id
           AND d.command_seq = i.seq) AS spaces,
       (SELECT array_agg(d.fingerprint) FROM idempotency d
         WHERE d.account_id = i.account_id AND d.client_id = i.system_id
           AND d.command_seq = i.seq) AS fingerprints,
       (SELECT count(*) FROM ledger l WHERE l.owner_id = i.account_id
           AND l.command_seq = i.seq AND l.owner = {Owner.ACCOUNT:d}) AS entries
  FROM money_intents i WHERE i.status <> 'PENDING' ORDER BY i.id
"""  # noqa: S608 - the owner's number
_MOVED: Final = f"""
SELECT owner_id, sum(available + locked)::bigint AS amount FROM ledger
 WHERE command_seq = $1 AND owner = {Owner.ACCOUNT:d} AND owner_id = ANY($2::bigint[])
 GROUP BY owner_id
"""  # noqa: S608 - the owner's number
_STRAY: Final = f"""
SELECT d.client_id FROM idempotency d
 WHERE d.kind = {SYSTEM_ID:d} AND strpos(d.client_id, ':') > 0 AND NOT EXISTS (
       SELECT FROM money_intents i
        WHERE i.system_id = d.client_id AND i.account_id = d.account_id
          AND (i.seq = d.command_seq OR i.status = 'PENDING'))
 ORDER BY d.command_seq LIMIT 1
"""  # noqa: S608 - the space's number
_ROWS: Final = """
SELECT i.system_id, r.kind, r.account_id, r.amount
  FROM (SELECT intent_id, 'PURCHASE' AS kind, account_id, credits AS amount FROM purchases
         WHERE intent_id IS NOT NULL
        UNION ALL
        SELECT intent_id, 'REWARD', user_id, amount FROM daily_rewards
        UNION ALL
        SELECT inviter_intent, 'REFERRAL', inviter_id, NULL FROM referrals
        UNION ALL
        SELECT invited_intent, 'REFERRAL', invited_id, NULL FROM referrals
        UNION ALL
        SELECT intent_id, 'BET', account_id, NULL FROM bets
        UNION ALL
        SELECT intent_id, 'SALE', account_id, NULL FROM bet_sales) AS r
  JOIN money_intents i ON i.id = r.intent_id
 WHERE (i.kind, i.account_id) <> (r.kind, r.account_id) OR i.amount <> r.amount
 LIMIT 1
"""
_decode: Final = msgspec.msgpack.Decoder(Command).decode


def money_of(command: Command) -> dict[int, int] | None:
    """Return what a command gives to each account (money); None for one that trades."""
    given: Counter[int] = Counter()
    if isinstance(command, CreditAccount):
        given[command.account_id] += command.amount
    elif isinstance(command, DebitAccount):
        given[command.account_id] -= command.amount
    elif isinstance(command, TransferCash):
        for leg in command.legs:
            given[leg.payer_id] -= leg.amount
            given[leg.payee_id] += leg.amount
    else:
        return None
    return {account: amount for account, amount in given.items() if amount}


async def intents_problem(connection: Connection) -> tuple[str | None, int]:
    """Return what is wrong with the intents, None if nothing is, and how many have an answer.

    Call within a transaction.
    """
    count = 0
    async for row in connection.cursor(_INTENTS):
        problem = await _problem(connection, row)
        if problem is not None:
            return f"{row['system_id']} {problem}", count
        count += 1
    stray = await connection.fetchval(_STRAY)
    if stray is not None:
        return f"{stray} was carried out, but no intent says so", count
    wrong = await connection.fetchrow(_ROWS)
    if wrong is not None:
        told = f"{wrong['kind']} of {wrong['amount']} for account {wrong['account_id']}"
        return f"{wrong['system_id']} isn't what its row says: {told}", count
    return None, count


async def _problem(connection: Connection, row: Any) -> str | None:  # noqa: ANN401 - asyncpg's own Record
    """Say what is wrong with one; None if nothing is."""
    try:
        command = _decode(row["command"])
    except msgspec.DecodeError:
        return "holds what is no command"
    key = key_of(command)
    if key is None or (key[0], key[2]) != (row["account_id"], row["system_id"]):
        return "holds the command of another id"
    used = zip(row["spaces"] or (), row["fingerprints"] or (), strict=True)
    if (key[1], fingerprint(command)) not in used:
        return f"is {row['status']} by {row['seq']}, which is no command of its content"
    if type(command) is CreditAccount and command.amount != row["amount"]:
        return f"says it gives {row['amount']}, its command {command.amount}"
    if row["status"] == "REFUSED":
        return f"is REFUSED, but {row['seq']} moved money" if row["entries"] else None
    expected = money_of(command)
    if expected is None:
        return None
    accounts = sorted({row["account_id"], *expected})
    moved = {
        one["owner_id"]: one["amount"]
        for one in await connection.fetch(_MOVED, row["seq"], accounts)
        if one["amount"]
    }
    if moved != expected:
        return f"is DONE and moves {expected}, the ledger says {moved}"
    return None
