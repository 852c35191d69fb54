"""How far an engine has come in the stream of commands that other processes write for it.

`commands_ms` and `commands_no` are the two parts of the furthest stream id whose command has run,
stored by the batch that holds it; they never go back. Each engine has a stream of its own, named by
`stream_id`; of the one before, `last_*` say where it ended.

`commit_batch` is the one of step 0039 with two more arguments.
"""

from importlib import import_module
from typing import Final

from migrations.script import changed, execute_script

revision: Final = "0057"
down_revision: Final = "0056"

_limits: Final = import_module("migrations.versions.0019_limits")
_edited: Final = import_module("migrations.versions.0039_edited_markets")

_UP: Final = """
-- An engine may be trading: what it has under way is committed first, and it writes nothing more.
LOCK TABLE engine_state IN ACCESS EXCLUSIVE MODE;
DROP PROCEDURE commit_batch;
ALTER TABLE engine_state
    ADD COLUMN commands_ms bigint NOT NULL DEFAULT 0,
    ADD COLUMN commands_no bigint NOT NULL DEFAULT 0,
    ADD COLUMN last_stream_id text,
    ADD COLUMN last_commands_ms bigint NOT NULL DEFAULT 0,
    ADD COLUMN last_commands_no bigint NOT NULL DEFAULT 0;
"""

_DOWN: Final = """
LOCK TABLE engine_state IN ACCESS EXCLUSIVE MODE;
DROP PROCEDURE commit_batch;
ALTER TABLE engine_state
    DROP COLUMN commands_ms, DROP COLUMN commands_no, DROP COLUMN last_stream_id,
    DROP COLUMN last_commands_ms, DROP COLUMN last_commands_no;
"""

_FENCE: Final = "WHERE epoch = my_epoch AND last_seq = previous_seq AND chain_hash = previous_chain"
_RARE: Final = "new_place bigint, rare jsonb\n"
_FEES: Final = "issued = new_issued, fees = new_fees\n"
_CHANGES: Final = (
    (_RARE, _RARE.replace("jsonb", "jsonb, new_ms bigint, new_no bigint")),
    (_FEES, _FEES.rstrip() + ",\n           commands_ms = new_ms, commands_no = new_no\n"),
    (_FENCE, _FENCE + "\n       AND (commands_ms, commands_no) <= (new_ms, new_no)"),
)


def _before() -> str:
    """Return `commit_batch` as step 0039 left it."""
    first = _limits._commit_batch()  # noqa: SLF001 - a released step is never edited
    return changed(first, _edited._CHANGES)  # noqa: SLF001


def upgrade() -> None:
    """Store the places, and where the engine before ended."""
    execute_script(_UP + changed(_before(), _CHANGES))


def downgrade() -> None:
    """Forget them."""
    execute_script(_DOWN + _before())
