"""Order groups: their limits, and what they have filled in each slice of their windows.

None in all data of before. `commit_batch` is the one of step 0015 with one rare after-image more;
`persistence.journal.row_layouts` writes what it reads.
"""

from importlib import import_module
from typing import Final

from migrations.script import changed, execute_script

revision: Final = "0018"
down_revision: Final = "0017"

_previous: Final = import_module("migrations.versions.0015_money")

_UP: Final = """
-- An engine may be trading: what it has under way is committed first, and it writes nothing more.
LOCK TABLE engine_state IN ACCESS EXCLUSIVE MODE;
DROP PROCEDURE commit_batch;
CREATE TABLE order_groups (
    account_id bigint  NOT NULL,
    name       text    NOT NULL,
    max_filled bigint  NOT NULL,
    max_net    bigint  NOT NULL,
    window_s   int     NOT NULL,
    triggered  boolean NOT NULL,
    slices     jsonb   NOT NULL,
    PRIMARY KEY (account_id, name)
) WITH (fillfactor = 50);
"""

# Going back would leave quotes in the book that their owners count on being taken out.
_DOWN: Final = """
LOCK TABLE engine_state IN ACCESS EXCLUSIVE MODE;
DO $$
BEGIN
    IF EXISTS (SELECT FROM order_groups) THEN
        RAISE EXCEPTION 'there are order groups, which the schema before can''t hold';
    END IF;
END
$$;
DROP PROCEDURE commit_batch;
DROP TABLE order_groups;
"""

_PLACE: Final = "    IF rare <> '{}' THEN\n"
_MORE: Final = """\
        INSERT INTO order_groups
        SELECT r.* FROM jsonb_to_recordset(rare -> 'groups') AS r(
               account_id bigint, name text, max_filled bigint, max_net bigint, window_s int,
               triggered boolean, slices jsonb)
            ON CONFLICT (account_id, name) DO UPDATE
           SET max_filled = excluded.max_filled, max_net = excluded.max_net,
               window_s = excluded.window_s, triggered = excluded.triggered,
               slices = excluded.slices;
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
