"""Answers from the store, and what the store knows of client ids.

A repeat gets the first answer again, whenever the first was given: its events from the journal,
the cash right after it from the ledger (RULEBOOK 7). An id that the core may have forgotten is
looked up before its command is stamped; one query for many.
"""

from collections.abc import Sequence
from typing import Final

from exchange.commands import Prior
from exchange.idempotency import Key
from exchange.ledger import Owner
from persistence.errors import HistoryMismatch
from persistence.journal_reader import Fetching, execution_at
from persistence.ports import Answer

_PRIORS: Final = """
SELECT i.account_id, i.kind::integer, i.client_id, i.command_seq, i.fingerprint
  FROM unnest($1::bigint[], $2::smallint[], $3::text[]) AS asked(account_id, kind, client_id)
  JOIN idempotency i USING (account_id, client_id, kind)
"""
_BALANCE: Final = """
SELECT available_after, locked_after FROM ledger
 WHERE owner_id = $1 AND owner = $2 AND command_seq <= $3
 ORDER BY command_seq DESC, entry_no DESC LIMIT 1
"""


async def find_priors(source: Fetching, keys: Sequence[Key]) -> dict[Key, Prior]:
    """Return the commands that used these client ids first, as far as any did."""
    found = await source.fetch(_PRIORS, *map(list, zip(*keys, strict=True)))
    return {
        (account_id, kind, text): Prior(seq, fingerprint)
        for account_id, kind, text, seq, fingerprint in found
    }


async def first_answer(source: Fetching, seq: int, account_id: int) -> Answer:
    """Return the answer that the command `seq` got, marked as replayed.

    Raises:
        HistoryMismatch: the journal doesn't hold the command.
    """
    execution = await execution_at(source, seq)
    if execution is None:
        raise HistoryMismatch(f"the journal doesn't hold command {seq}")
    balance = await source.fetchrow(_BALANCE, account_id, int(Owner.ACCOUNT), seq)
    available, locked = (0, 0) if balance is None else balance
    return Answer(seq, execution.at, execution.events, available, locked, replayed=True)
