"""What an account may do, and of which kind money is that moved outside the book.

Accounts of before are active, credits of before an admin's. The table of credits holds debits and
transfers too: one row for each account that a command paid or charged. `commit_batch` is the one of
step 0014 but for that; `persistence.journal.row_layouts` writes what it reads.
"""

from importlib import import_module
from typing import Final

from migrations.script import changed, execute_script

revision: Final = "0015"
down_revision: Final = "0014"

_previous: Final = import_module("migrations.versions.0014_switches")

_UP: Final = """
-- An engine may be trading: what it has under way is committed first, and it writes nothing more.
LOCK TABLE engine_state IN ACCESS EXCLUSIVE MODE;
DROP PROCEDURE commit_batch;
ALTER TABLE accounts ADD COLUMN standing smallint NOT NULL DEFAULT 1;
ALTER TABLE credits ADD COLUMN kind smallint NOT NULL DEFAULT 1;
"""

# Going back would let a suspended account trade, and forget what the ledger's entries were.
_DOWN: Final = """
LOCK TABLE engine_state IN ACCESS EXCLUSIVE MODE;
DO $$
BEGIN
    IF EXISTS (SELECT FROM accounts WHERE standing <> 1)
       OR EXISTS (SELECT FROM ledger WHERE kind IN (8, 9))
       OR EXISTS (SELECT FROM credits WHERE kind <> 1) THEN
        RAISE EXCEPTION 'accounts were suspended or charged, which the schema before can''t hold';
    END IF;
END
$$;
DROP PROCEDURE commit_batch;
ALTER TABLE credits DROP COLUMN kind;
ALTER TABLE accounts DROP COLUMN standing;
"""

_CHANGES: Final = (
    (
        "UPDATE accounts SET dead_man = r.dead_man\n",
        "UPDATE accounts SET dead_man = r.dead_man, standing = r.standing\n",
    ),
    (
        "AS r(id bigint, dead_man bigint)",
        "AS r(\n               id bigint, dead_man bigint, standing smallint)",
    ),
    (
        "account_id bigint, command_seq bigint, reason text);",
        "account_id bigint, command_seq bigint, reason text, kind smallint);",
    ),
)


def _commit_batch() -> str:
    """Return the procedure."""
    before = _previous._commit_batch()  # noqa: SLF001 - a released step is never edited
    return changed(before, _CHANGES)


def upgrade() -> None:
    execute_script(_UP + _commit_batch())


def downgrade() -> None:
    execute_script(_DOWN + _previous._commit_batch())  # noqa: SLF001
