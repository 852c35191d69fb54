"""What the product asks PostgreSQL, answered from `stored_tables`: a statement, a function.

Laws: statements are known by how they begin, whatever their spacing; one that nobody knows here
ends the run, so that a new question of the product can't be answered by chance.
"""

from bisect import bisect_right
from collections.abc import Callable
from typing import Any, Final

from asyncpg import BitString

from persistence.journal.order_rows import COLUMNS as ORDER_COLUMNS
from persistence.journal.rows import COLUMNS, JournalRow
from persistence.loop.client_ids.known_ids import PAGE_IDS
from persistence.postgres.clocks import NOW
from persistence.postgres.migrate import head
from tests.faults.simulation.stored_tables import Row, Tables

Answerer = Callable[..., list[Row]]
_LOOK: Final = ("epoch", "last_seq", "chain_hash", "stream_id")
_HEAD: Final = (
    *("database_id", "epoch", "last_seq", "chain_hash", "stream_id", "now", "mode", "mode_since"),
    *("post_only_until", "next_order_id", "next_market_id", "next_place", "issued", "fees"),
)
_ROWS_AT_ONCE: Final = 4


class UnknownStatement(Exception):
    """The product asks something that the simulated database has no answer to."""


def _journal(rows: list[JournalRow]) -> list[Row]:
    names = COLUMNS.split(", ")
    return [Row((name, getattr(row, name)) for name in names) for row in rows]


def _place(tables: Tables, seq: int) -> int:
    """Return how many batches begin at `seq` or before."""
    return bisect_right(tables.journal, seq, key=lambda row: row.first_seq)


def _row_of(tables: Tables, _now: int, seq: int) -> list[Row]:
    place = _place(tables, seq)
    return _journal(tables.journal[max(0, place - 1) : place])


def _rows_after(tables: Tables, _now: int, seq: int) -> list[Row]:
    place = _place(tables, seq)
    return _journal(tables.journal[place : place + _ROWS_AT_ONCE])


def _window(tables: Tables, _now: int, seq: int) -> list[Row]:
    return _journal(tables.journal[max(0, _place(tables, seq) - 1) :])


def _last_row(tables: Tables, _now: int) -> list[Row]:
    return [Row(last_seq=row.last_seq, hash=row.hash) for row in tables.journal[-1:]]


def _hash_at(tables: Tables, _now: int, seq: int) -> list[Row]:
    place = _place(tables, seq)
    found = tables.journal[max(0, place - 1) : place]
    return [Row(last_seq=row.last_seq, hash=row.hash) for row in found]


def _open_blocks(tables: Tables, _now: int) -> list[Row]:
    return [
        Row(block=block, bits=BitString.frombytes(bits))
        for block, bits in sorted(tables.open_orders.items())
    ]


def _orders(tables: Tables, _now: int, ids: list[int]) -> list[Row]:
    return [tables.orders[id_] for id_ in sorted(ids) if id_ in tables.orders]


def _older_ids(tables: Tables, _now: int, window: int, kind: int, ids: list[int]) -> list[Row]:
    found = []
    for order in _orders(tables, 0, ids):
        key = order["account_id"], order["client_order_id"], kind
        if order["placed_seq"] <= window and key in tables.ids:
            seq, fingerprint = tables.ids[key]
            found.append(Row(account=key[0], text=key[1], seq=seq, fingerprint=fingerprint))
    return sorted(found, key=lambda row: row["seq"])


def _priors(
    tables: Tables, _now: int, accounts: list[int], kinds: list[int], texts: list[str]
) -> list[Row]:
    found = []
    for account, kind, text in zip(accounts, kinds, texts, strict=True):
        if (account, text, kind) in tables.ids:
            seq, fingerprint = tables.ids[account, text, kind]
            found.append(
                Row(account=account, kind=kind, text=text, seq=seq, fingerprint=fingerprint)
            )
    return found


def _page_of_ids(tables: Tables, _now: int, account: int, text: str, kind: int) -> list[Row]:
    later = sorted(key for key in tables.ids if key > (account, text, kind))[:PAGE_IDS]
    return [Row(account=key[0], kind=key[2], text=key[1]) for key in later]


def _balances(
    tables: Tables, _now: int, seqs: list[int], accounts: list[int], _owner: int
) -> list[Row]:
    found = []
    for seq, account in zip(seqs, accounts, strict=True):
        entries = [entry for entry in tables.ledger.get(account, ()) if entry[0] <= seq]
        free, locked = max(entries)[2:] if entries else (0, 0)
        found.append(Row(seq=seq, account=account, free=free, locked=locked))
    return found


def _picked(*names: str) -> Answerer:
    def pick(tables: Tables, _now: int) -> list[Row]:
        return [Row((name, tables.engine[name]) for name in names)]

    return pick


def _look(tables: Tables, now: int) -> list[Row]:
    return [Row({"now": now} | {name: tables.engine[name] for name in _LOOK})]


def _settings(_tables: Tables, _now: int) -> list[Row]:
    on = {"fsync": "on", "full_page_writes": "on", "synchronous_commit": "on"}
    return [Row({"version": 160000, "version_name": "16", "encoding": "UTF8"} | on)]


def _raise_epoch(tables: Tables, _now: int, stream_id: str | None) -> list[Row]:
    tables.raise_epoch(stream_id)
    return [Row(epoch=tables.engine["epoch"])]


_BY_BEGINNING: Final[dict[str, Answerer]] = {
    # Nobody migrates here.
    "SELECT to_regclass('alembic_version')": lambda *_: [Row(found="alembic_version")],
    "SELECT version_num FROM alembic_version": lambda *_: [Row(version_num=head())],
    "SELECT epoch FROM engine_state": _picked("epoch"),
    "SET ": lambda *_: [],
    "SELECT current_setting('server_version_num')": _settings,
    "UPDATE engine_state SET epoch = epoch + 1, stream_id = $1, commands_ms = 0": _raise_epoch,
    "SELECT last_stream_id": _picked("last_stream_id", "last_commands_ms", "last_commands_no"),
    f"SELECT {NOW}, epoch": _look,
    f"SELECT {NOW}": lambda _tables, now: [Row(now=now)],
    "SELECT database_id::text, epoch": _picked(*_HEAD),
    "SELECT block, bits FROM open_orders": _open_blocks,
    "SELECT id, opened_seq, available": lambda tables, _: _sorted(tables.accounts),
    "SELECT * FROM markets": lambda tables, _: _sorted(tables.markets),
    "SELECT account_id, market_id, yes_free": lambda tables, _: _sorted(tables.positions),
    f"SELECT {ORDER_COLUMNS} FROM orders": _orders,
    "SELECT o.account_id, o.client_order_id": _older_ids,
    "SELECT gateway, due FROM leases": lambda tables, _: [
        Row(gateway=gateway, due=due) for gateway, due in sorted(tables.leases.items())
    ],
    "SELECT account_id, name, max_filled": lambda tables, _: _sorted(tables.groups),
    "SELECT last_seq, hash FROM journal ORDER BY first_seq DESC": _last_row,
    "SELECT last_seq, hash FROM journal WHERE first_seq = (SELECT max": _hash_at,
    f"SELECT {COLUMNS} FROM journal WHERE first_seq <= $1 ORDER BY first_seq DESC": _row_of,
    f"SELECT {COLUMNS} FROM journal WHERE first_seq > $1 ORDER BY first_seq LIMIT": _rows_after,
    f"SELECT {COLUMNS} FROM journal WHERE first_seq > coalesce(": _window,
    "SELECT i.account_id, i.kind::integer, i.client_id": _priors,
    "SELECT account_id, kind::integer, client_id FROM idempotency": _page_of_ids,
    "SELECT asked.seq, asked.account_id": _balances,
    "SELECT first_seq, last_seq, first_at": lambda *_: [],
}


def _sorted(table: dict[Any, Row]) -> list[Row]:
    return [table[key] for key in sorted(table)]


def answer(tables: Tables, now: int, query: str, arguments: tuple[Any, ...]) -> list[Row]:
    """Return the rows of a statement; `now` is the database's clock in microseconds."""
    text = " ".join(query.split())
    for beginning, answerer in _KNOWN:
        if text.startswith(beginning):
            return answerer(tables, now, *arguments)
    raise UnknownStatement(text)


_KNOWN: Final = [
    (" ".join(beginning.split()), answerer) for beginning, answerer in _BY_BEGINNING.items()
]
