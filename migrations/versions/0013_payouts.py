"""When the next holders of a market that is being resolved are paid.

0 in every row of before: until now all were paid by the resolution itself. What hardly any batch
changes comes to `commit_batch` as one object from now on, empty in nearly all; a later rare
after-image is a key of it.

`commit_batch` is the one of step 0012 but for that; `persistence.journal.row_layouts` writes what
it reads.
"""

from importlib import import_module
from typing import Final

from migrations.script import changed, execute_script

revision: Final = "0013"
down_revision: Final = "0012"

_previous: Final = import_module("migrations.versions.0012_amends")

_UP: Final = """
-- An engine may be trading: what it has under way is committed first, and it writes nothing more.
LOCK TABLE engine_state IN ACCESS EXCLUSIVE MODE;
DROP PROCEDURE commit_batch;
ALTER TABLE markets ADD COLUMN next_payout bigint NOT NULL DEFAULT 0;
"""

# Going back would leave holders unpaid.
_DOWN: Final = """
LOCK TABLE engine_state IN ACCESS EXCLUSIVE MODE;
DO $$
BEGIN
    IF EXISTS (SELECT FROM markets WHERE next_payout <> 0) THEN
        RAISE EXCEPTION 'holders are being paid, which the schema before can''t hold';
    END IF;
END
$$;
DROP PROCEDURE commit_batch;
ALTER TABLE markets DROP COLUMN next_payout;
"""

_RARE: Final = """\
    IF rare <> '{}' THEN
        UPDATE markets SET next_payout = r.next_payout
          FROM jsonb_to_recordset(rare -> 'payouts') AS r(id bigint, next_payout bigint)
         WHERE markets.id = r.id;
    END IF;

"""
_END: Final = "    COMMIT;\nEND"
_CHANGES: Final = (
    ("new_place bigint", "new_place bigint, rare jsonb"),
    (_END, f"{_RARE}{_END}"),
)


def _commit_batch() -> str:
    """Return the procedure."""
    before = _previous._commit_batch()  # noqa: SLF001 - a released step is never edited
    return changed(before, _CHANGES)


def upgrade() -> None:
    execute_script(_UP + _commit_batch())


def downgrade() -> None:
    execute_script(_DOWN + _previous._commit_batch())  # noqa: SLF001
