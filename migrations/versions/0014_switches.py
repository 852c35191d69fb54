"""When an account's dead-man switch ends its orders, and until when a gateway's sessions live.

0 and no row in all data of before. `commit_batch` is the one of step 0013 with two rare
after-images more; `persistence.journal.row_layouts` writes what it reads.
"""

from importlib import import_module
from typing import Final

from migrations.script import changed, execute_script

revision: Final = "0014"
down_revision: Final = "0013"

_previous: Final = import_module("migrations.versions.0013_payouts")

_UP: Final = """
-- An engine may be trading: what it has under way is committed first, and it writes nothing more.
LOCK TABLE engine_state IN ACCESS EXCLUSIVE MODE;
DROP PROCEDURE commit_batch;
ALTER TABLE accounts ADD COLUMN dead_man bigint NOT NULL DEFAULT 0;
CREATE TABLE leases (
    gateway bigint PRIMARY KEY,
    due     bigint NOT NULL
) WITH (fillfactor = 50);
"""

# Going back would leave orders in the book that their owners count on being taken out.
_DOWN: Final = """
LOCK TABLE engine_state IN ACCESS EXCLUSIVE MODE;
DO $$
BEGIN
    IF EXISTS (SELECT FROM accounts WHERE dead_man <> 0) OR EXISTS (SELECT FROM leases) THEN
        RAISE EXCEPTION 'orders wait for a deadline, which the schema before can''t hold';
    END IF;
    IF EXISTS (SELECT FROM orders WHERE conditions ? 'session') THEN
        RAISE EXCEPTION 'orders were tied to sessions, which a program of before can''t read';
    END IF;
END
$$;
DROP PROCEDURE commit_batch;
DROP TABLE leases;
ALTER TABLE accounts DROP COLUMN dead_man;
"""

_PLACE: Final = "    IF rare <> '{}' THEN\n"
_MORE: Final = """\
        UPDATE accounts SET dead_man = r.dead_man
          FROM jsonb_to_recordset(rare -> 'switches') AS r(id bigint, dead_man bigint)
         WHERE accounts.id = r.id;
        DELETE FROM leases
         USING jsonb_to_recordset(rare -> 'leases') AS r(gateway bigint, due bigint)
         WHERE leases.gateway = r.gateway;
        INSERT INTO leases
        SELECT r.* FROM jsonb_to_recordset(rare -> 'leases') AS r(gateway bigint, due bigint)
         WHERE r.due <> 0;
"""
_CHANGES: Final = ((_PLACE, _PLACE + _MORE),)


def _commit_batch() -> str:
    """Return the procedure."""
    before = _previous._commit_batch()  # noqa: SLF001 - a released step is never edited
    return changed(before, _CHANGES)


def upgrade() -> None:
    execute_script(_UP + _commit_batch())


def downgrade() -> None:
    execute_script(_DOWN + _previous._commit_batch())  # noqa: SLF001
