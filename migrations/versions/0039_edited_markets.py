"""What a market is about may change until it trades.

`commit_batch` is the one of step 0019 with one more rare after-image;
`persistence.journal.row_layouts` writes what it reads.
"""

from importlib import import_module
from typing import Final

from migrations.script import changed, execute_script

revision: Final = "0039"
down_revision: Final = "0038"

_previous: Final = import_module("migrations.versions.0019_limits")

_UP: Final = """
-- An engine may be trading: what it has under way is committed first, and it writes nothing more.
LOCK TABLE engine_state IN ACCESS EXCLUSIVE MODE;
DROP PROCEDURE commit_batch;
"""

# Orders that an admin ended are of a kind that a program of before can't read.
_DOWN: Final = """
LOCK TABLE engine_state IN ACCESS EXCLUSIVE MODE;
DO $$
BEGIN
    IF EXISTS (SELECT FROM orders WHERE cancel_reason = 34) THEN
        RAISE EXCEPTION 'admins ended orders, which the schema before can''t hold';
    END IF;
END
$$;
DROP PROCEDURE commit_batch;
"""

_PLACE: Final = "    IF rare <> '{}' THEN\n"
_MORE: Final = """\
        UPDATE markets SET question = r.question, description = r.description,
                           category = r.category, close_time = r.close_time,
                           min_quantity = r.min_quantity
          FROM jsonb_to_recordset(rare -> 'edited')
               AS r(id bigint, question text, description text, category text,
                    close_time bigint, min_quantity bigint)
         WHERE markets.id = r.id;
"""
_CHANGES: Final = ((_PLACE, _PLACE + _MORE),)


def upgrade() -> None:
    before = _previous._commit_batch()  # noqa: SLF001 - a released step is never edited
    execute_script(_UP + changed(before, _CHANGES))


def downgrade() -> None:
    execute_script(_DOWN + _previous._commit_batch())  # noqa: SLF001
