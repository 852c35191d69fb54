"""All that changed what an account has, as the ledger tells it, with what each change was for.

Laws: read from the ledger, which is the one truth: nothing is kept here. A reservation and its
release move credits within the account, change nothing of what it has, and are left out. A page
looks through a bounded number of entries, so it may be short, or empty, before the end; one of
rewards and the like alone (`_BY_MONEY`) is full.
"""

from collections.abc import Collection, Mapping
from enum import Enum
from typing import Any, Final

import msgspec

from exchange.messages.terms import MoneyKind
from exchange.proof.ledger import EntryKind, Owner
from persistence.journal.codes import MONEY_KIND
from persistence.postgres.database import Fetching
from persistence.repositories.history import EntryPlace

LOOKED_THROUGH: Final = 10_000
"""Ledger entries that one page looks through."""


class TransactionType(Enum):
    """Why an account has more or less than before; CREDIT, DEBIT and TRANSFER are an admin's."""

    CREDIT = "CREDIT"
    DEBIT = "DEBIT"
    TRANSFER = "TRANSFER"
    REWARD = "REWARD"
    REFERRAL = "REFERRAL"
    PURCHASE = "PURCHASE"
    BET = "BET"
    STOCK = "STOCK"
    TRADE = "TRADE"
    FEE = "FEE"
    NETTING = "NETTING"
    SETTLEMENT = "SETTLEMENT"


_OUTSIDE: Final = (EntryKind.CREDIT, EntryKind.DEBIT, EntryKind.TRANSFER)
"""Kinds of entries of what moves outside the book: those of our own code go by their money's."""
_ADMIN: Final = MONEY_KIND[MoneyKind.ADMIN]
_BY_MONEY: Final = {
    code: TransactionType(kind.name) for kind, code in MONEY_KIND.items() if code != _ADMIN
}
_BY_ENTRY: Final[Mapping[EntryKind, TransactionType]] = {
    kind: TransactionType(kind.name)
    for kind in EntryKind
    if kind not in {EntryKind.RESERVE, EntryKind.RELEASE}
}
_LOOKED_AT: Final = """
SELECT command_seq, entry_no, at, kind, available, locked, available_after, locked_after, market_id,
       order_id, trade_no
  FROM ledger
 WHERE owner_id = $1 AND owner = $2 AND (command_seq, entry_no) < ($3, $4) AND command_seq >= $5
 ORDER BY command_seq DESC, entry_no DESC LIMIT $6
"""
_FOUND: Final = f"""
SELECT l.command_seq, l.entry_no, l.at, l.kind, l.available + l.locked,
       l.available_after + l.locked_after, l.available_after, l.market_id, l.order_id, l.trade_no,
       coalesce(c.kind, {_ADMIN}), c.reason, i.system_id
  FROM ({_LOOKED_AT}) AS l
  LEFT JOIN credits c ON c.account_id = $1 AND c.command_seq = l.command_seq
  LEFT JOIN money_intents i ON i.seq = l.command_seq AND i.status = 'DONE'
 WHERE ((l.kind = ANY($7::smallint[]) AND coalesce(c.kind, {_ADMIN}) = {_ADMIN})
        OR (l.kind = ANY($8::smallint[]) AND c.kind = ANY($9::smallint[])))
   AND ($10::bigint = 0 OR l.market_id = $10)
 ORDER BY l.command_seq DESC, l.entry_no DESC LIMIT $11
"""  # noqa: S608 - constants
# What moved outside the book is found by its kind, however much was traded in between.
_GIVEN: Final = f"""
SELECT l.command_seq, l.entry_no, l.at, l.kind, l.available + l.locked,
       l.available_after + l.locked_after, l.available_after, l.market_id, l.order_id, l.trade_no,
       c.kind, c.reason, i.system_id
  FROM unnest($3::smallint[]) AS wanted(kind),
       LATERAL (SELECT command_seq, kind, reason FROM credits
                 WHERE account_id = $1 AND kind = wanted.kind AND command_seq <= $4
                   AND command_seq >= $6
                 ORDER BY command_seq DESC LIMIT $7 + 1) AS c
  JOIN ledger l ON l.owner_id = $1 AND l.owner = {Owner.ACCOUNT:d}
                AND l.command_seq = c.command_seq AND l.kind = ANY($2::smallint[])
  LEFT JOIN money_intents i ON i.seq = l.command_seq AND i.status = 'DONE'
 WHERE (l.command_seq, l.entry_no) < ($4, $5)
 ORDER BY l.command_seq DESC, l.entry_no DESC LIMIT $7
"""  # noqa: S608 - the owner's number
_LAST_LOOKED_AT: Final = """
SELECT command_seq, entry_no FROM ledger
 WHERE owner_id = $1 AND owner = $2 AND (command_seq, entry_no) < ($3, $4) AND command_seq >= $5
 ORDER BY command_seq DESC, entry_no DESC OFFSET $6 - 1 LIMIT 1
"""
# An account's entries are in the order of time: a search by halves.
_FIRST_SEQ: Final = f"""
WITH RECURSIVE search(low, high) AS (
    SELECT 0::bigint, (SELECT last_seq + 1 FROM engine_state)
     UNION ALL
    SELECT CASE WHEN probe.at >= $2 THEN low ELSE (low + high) / 2 + 1 END,
           CASE WHEN probe.at >= $2 THEN (low + high) / 2 ELSE high END
      FROM search, LATERAL (
           SELECT coalesce((SELECT l.at FROM ledger l
                             WHERE l.owner_id = $1 AND l.owner = {Owner.ACCOUNT:d}
                               AND l.command_seq >= (low + high) / 2
                             ORDER BY l.command_seq, l.entry_no LIMIT 1), $2) AS at) AS probe
     WHERE low < high
)
SELECT low FROM search WHERE low = high
"""  # noqa: S608 - the owner's number


class Transaction(msgspec.Struct, frozen=True):
    """One change; `amount` and what was had after it are money, market, order and trade 0 for none.

    `reason` is what was said when it was given or taken; `system_id` the id of its domain's intent.
    """

    seq: int
    entry_no: int
    at: int
    type: TransactionType
    amount: int
    total_after: int
    available_after: int
    market_id: int
    order_id: int
    trade_no: int
    reason: str | None
    system_id: str | None

    @property
    def place(self) -> EntryPlace:
        """Where it lies in the ledger."""
        return self.seq, self.entry_no


class TransactionFilter(msgspec.Struct, frozen=True):
    """Which changes; no types stand for all, market 0 for every one. Times are included."""

    types: Collection[TransactionType] = ()
    market_id: int = 0
    since: int | None = None
    until: int | None = None


class Transactions:
    """Reads them."""

    def __init__(self, source: Fetching) -> None:
        self._source = source

    async def page(
        self, account_id: int, wanted: TransactionFilter, before: EntryPlace, limit: int
    ) -> tuple[list[Transaction], EntryPlace | None]:
        """Return an account's changes below `before`, newest first, and where to go on; None at
        the end.
        """
        first = 0
        if wanted.since is not None:
            first = await self._first_seq(account_id, wanted.since)
        if wanted.until is not None:
            before = min(before, (await self._first_seq(account_id, wanted.until + 1), 0))
        if wanted.types and not wanted.market_id:
            given = [code for code, name in _BY_MONEY.items() if name in wanted.types]
            if len(given) == len(set(wanted.types)):
                outside = [int(kind) for kind in _OUTSIDE]
                asked = account_id, outside, given, *before, first, limit + 1
                found = [_transaction(row) for row in await self._source.fetch(_GIVEN, *asked)]
                further = found[limit - 1].place if len(found) > limit else None
                return found[:limit], further
        looked_at = account_id, int(Owner.ACCOUNT), *before, first, LOOKED_THROUGH
        rows = await self._source.fetch(_FOUND, *looked_at, *_codes(wanted), limit + 1)
        found = [_transaction(row) for row in rows]
        if len(found) > limit:
            return found[:limit], found[limit - 1].place
        last = await self._source.fetchrow(_LAST_LOOKED_AT, *looked_at)
        return found, None if last is None else (last["command_seq"], last["entry_no"])

    async def _first_seq(self, account_id: int, at: int) -> int:
        """Return the first command at or after a time that may have moved the account's cash."""
        seq: int = await self._source.fetchval(_FIRST_SEQ, account_id, at)
        return seq


def _codes(wanted: TransactionFilter) -> tuple[list[int], list[int], list[int], int]:
    types = wanted.types or tuple(TransactionType)
    entries = [int(kind) for kind, name in _BY_ENTRY.items() if name in types]
    money = [code for code, name in _BY_MONEY.items() if name in types]
    return entries, [int(kind) for kind in _OUTSIDE], money, wanted.market_id


def _transaction(row: Any) -> Transaction:  # noqa: ANN401 - asyncpg's own Record
    seq, entry_no, at, kind, *rest, money, reason, system_id = row.values()
    of_entry = _BY_ENTRY[EntryKind(kind)]
    kind_of = _BY_MONEY.get(money, of_entry)
    values = seq, entry_no, at, kind_of, *rest, reason, system_id
    return Transaction(*values)
