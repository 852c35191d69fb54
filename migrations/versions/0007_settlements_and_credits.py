"""What became of each position at its market's resolution, and why each credit was issued.

The ledger has neither: a position that was worth nothing moves no money, and an entry has no words.
Both are told by the events, so what happened before this step is read from the journal, once, from
its first row to its last.

`commit_batch` is the one of step 0004 with two lists more, which are empty in nearly every batch;
`persistence.journal.row_layouts` writes what it reads. The audit log is found by what was done.
"""

from collections.abc import Iterator
from importlib import import_module
from typing import Any, Final

import msgspec

from migrations.script import execute_script, run_with_connection

revision: Final = "0007"
down_revision: Final = "0006"

_previous: Final = import_module("migrations.versions.0004_order_conditions")

_UP: Final = """
-- An engine may be trading: what it has under way is committed first, and it writes nothing more.
LOCK TABLE engine_state IN ACCESS EXCLUSIVE MODE;
DROP PROCEDURE commit_batch;
CREATE TABLE settlements (
    account_id   bigint NOT NULL,
    command_seq  bigint NOT NULL,
    market_id    bigint NOT NULL,
    yes_quantity bigint NOT NULL,
    no_quantity  bigint NOT NULL,
    payout       bigint NOT NULL,
    at           bigint NOT NULL,
    PRIMARY KEY (account_id, command_seq)
);
CREATE TABLE credits (
    account_id  bigint NOT NULL,
    command_seq bigint NOT NULL,
    reason      text   NOT NULL,
    PRIMARY KEY (account_id, command_seq)
);
CREATE INDEX audit_log_by_action ON audit_log (action, id);
"""

_DOWN: Final = """
LOCK TABLE engine_state IN ACCESS EXCLUSIVE MODE;
DROP PROCEDURE commit_batch;
DROP INDEX audit_log_by_action;
DROP TABLE credits;
DROP TABLE settlements;
"""

_LISTS: Final = "listed jsonb, resolved jsonb"
_END: Final = "    COMMIT;\nEND"
_MORE_LISTS: Final = "listed jsonb, resolved jsonb, settled jsonb, credited jsonb"
_MORE_ROWS: Final = """
    IF jsonb_array_length(settled) > 0 THEN
        INSERT INTO settlements
        SELECT r.* FROM jsonb_to_recordset(settled) AS r(
               account_id bigint, command_seq bigint, market_id bigint, yes_quantity bigint,
               no_quantity bigint, payout bigint, at bigint);
    END IF;

    IF jsonb_array_length(credited) > 0 THEN
        INSERT INTO credits
        SELECT r.* FROM jsonb_to_recordset(credited) AS r(
               account_id bigint, command_seq bigint, reason text);
    END IF;
"""

_decode: Final = msgspec.msgpack.Decoder(list[tuple[int, int, msgspec.Raw, list[Any]]]).decode


def _commit_batch() -> str:
    """Return the procedure; raises ValueError if the one before isn't what it was."""
    text: str = _previous._COMMIT_BATCH  # noqa: SLF001 - a released step is never edited
    for place in (_LISTS, _END):
        if text.count(place) != 1:
            raise ValueError(f"commit_batch of step 0004 has not one place {place!r}")
    return text.replace(_LISTS, _MORE_LISTS).replace(_END, f"{_MORE_ROWS.lstrip()}\n{_END}")


def _settled(seq: int, at: int, events: list[Any]) -> Iterator[tuple[int, ...]]:
    for event in events:
        if event[0] == "PositionSettled":
            _, market_id, account_id, yes_quantity, no_quantity, payout = event[:6]
            yield account_id, seq, market_id, yes_quantity, no_quantity, payout, at


def _credited(seq: int, events: list[Any]) -> Iterator[tuple[int, int, str]]:
    for event in events:
        if event[0] == "FundsCredited":
            _, account_id, _amount, reason = event[:4]
            yield account_id, seq, reason


async def _fill(connection: Any) -> None:  # noqa: ANN401 - asyncpg's, behind SQLAlchemy's adapter
    async for (payload,) in connection.cursor(
        "SELECT payload FROM journal ORDER BY first_seq", prefetch=4
    ):
        done = _decode(payload)
        settled = [row for seq, at, _, events in done for row in _settled(seq, at, events)]
        credited = [row for seq, _, _, events in done for row in _credited(seq, events)]
        if settled:
            await connection.executemany(
                "INSERT INTO settlements VALUES ($1, $2, $3, $4, $5, $6, $7)", settled
            )
        if credited:
            await connection.executemany("INSERT INTO credits VALUES ($1, $2, $3)", credited)


def upgrade() -> None:
    execute_script(_UP + _commit_batch())
    run_with_connection(_fill)


def downgrade() -> None:
    execute_script(_DOWN + _previous._COMMIT_BATCH)  # noqa: SLF001
