"""What admins bind trading by, of a market and of an account: each one that is given, by name; when
a market goes on by itself after a halt, and where it traded of late; since when the exchange has
its mode, and when it opens by itself.

NULL and 0 in all data of before. `commit_batch` is the one of step 0018 with more rare
after-images; `persistence.journal.row_layouts` writes what it reads.
"""

from importlib import import_module
from typing import Final

from migrations.script import changed, execute_script

revision: Final = "0019"
down_revision: Final = "0018"

_previous: Final = import_module("migrations.versions.0018_order_groups")

_UP: Final = """
-- An engine may be trading: what it has under way is committed first, and it writes nothing more.
LOCK TABLE engine_state IN ACCESS EXCLUSIVE MODE;
DROP PROCEDURE commit_batch;
ALTER TABLE markets
    ADD COLUMN limits jsonb,
    ADD COLUMN resumes_at bigint NOT NULL DEFAULT 0,
    ADD COLUMN extremes jsonb;
ALTER TABLE engine_state
    ADD COLUMN mode_since bigint NOT NULL DEFAULT 0,
    ADD COLUMN post_only_until bigint NOT NULL DEFAULT 0;
ALTER TABLE accounts ADD COLUMN limits jsonb;
"""

# Going back would let through what admins have forbidden, leave a market halted that its traders
# expect back; and orders that ended by it are of a kind
# that a program of before can't read.
_DOWN: Final = """
LOCK TABLE engine_state IN ACCESS EXCLUSIVE MODE;
DO $$
BEGIN
    IF EXISTS (SELECT FROM markets WHERE limits IS NOT NULL OR resumes_at <> 0)
       OR EXISTS (SELECT FROM accounts WHERE limits IS NOT NULL)
       OR EXISTS (SELECT FROM engine_state WHERE post_only_until <> 0)
       OR EXISTS (SELECT FROM orders WHERE cancel_reason BETWEEN 21 AND 23) THEN
        RAISE EXCEPTION 'limits were set, which the schema before can''t hold';
    END IF;
END
$$;
DROP PROCEDURE commit_batch;
ALTER TABLE engine_state DROP COLUMN post_only_until, DROP COLUMN mode_since;
ALTER TABLE accounts DROP COLUMN limits;
ALTER TABLE markets DROP COLUMN limits, DROP COLUMN resumes_at, DROP COLUMN extremes;
"""

_PLACE: Final = "    IF rare <> '{}' THEN\n"
_MORE: Final = """\
        UPDATE markets SET limits = nullif(r.limits, 'null'::jsonb)
          FROM jsonb_to_recordset(rare -> 'market_limits') AS r(id bigint, limits jsonb)
         WHERE markets.id = r.id;
        UPDATE accounts SET limits = nullif(r.limits, 'null'::jsonb)
          FROM jsonb_to_recordset(rare -> 'account_limits') AS r(id bigint, limits jsonb)
         WHERE accounts.id = r.id;
        UPDATE markets SET resumes_at = r.resumes_at
          FROM jsonb_to_recordset(rare -> 'reopenings') AS r(id bigint, resumes_at bigint)
         WHERE markets.id = r.id;
        UPDATE markets SET extremes = nullif(r.extremes, 'null'::jsonb)
          FROM jsonb_to_recordset(rare -> 'windows') AS r(id bigint, extremes jsonb)
         WHERE markets.id = r.id;
        UPDATE engine_state SET mode_since = r.since, post_only_until = r.post_only_until
          FROM jsonb_to_recordset(rare -> 'modes') AS r(since bigint, post_only_until bigint);
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
