"""What a market is about may change until it trades.

`commit_batch` is the one of step 0019 with one more rare after-image;
`persistence.journal.row_layouts` writes what it reads.
"""

from importlib import import_module
from typing import Any, Final

import asyncpg
import msgspec

from migrations.script import changed, execute_script, run_with_connection

revision: Final = "0039"
down_revision: Final = "0038"

_previous: Final = import_module("migrations.versions.0019_limits")

_UP: Final = """
-- An engine may be trading: what it has under way is committed first, and it writes nothing more.
LOCK TABLE engine_state IN ACCESS EXCLUSIVE MODE;
DROP PROCEDURE commit_batch;
"""

# Orders that an admin ended are of a kind that a program of before can't read. Of what lies in
# files, which can't be looked into here, the audit log tells.
_LOCK: Final = "LOCK TABLE engine_state IN ACCESS EXCLUSIVE MODE"
_DOWN: Final = """
DO $$
BEGIN
    IF EXISTS (SELECT FROM orders WHERE cancel_reason = 34) THEN
        RAISE EXCEPTION 'admins ended orders, which the schema before can''t hold';
    END IF;
    IF EXISTS (SELECT FROM journal_segments)
       AND EXISTS (SELECT FROM audit_log WHERE action IN ('market.edit', 'order.cancel')) THEN
        RAISE EXCEPTION 'admins edited markets, which a program of before can''t read';
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


_EDITED: Final = "admins edited markets, which a program of before can't read"
_COMMANDS: Final = ("EditMarket", "ForceCancel")
_WITH_THEM: Final = "SELECT payload FROM journal WHERE position($1::bytea IN payload) > 0"
_decode: Final = msgspec.msgpack.Decoder(list[Any]).decode


async def _refuse_commands(connection: Any) -> None:  # noqa: ANN401 - asyncpg's, behind an adapter
    """Raise where the journal has a command, refused ones too, that is unknown before this step."""
    for name in _COMMANDS:
        # Somebody's text may hold the same words, so what is found is read.
        async for (payload,) in connection.cursor(_WITH_THEM, name.encode("ascii"), prefetch=4):
            if any(command[0] == name for _, _, command, _ in _decode(payload)):
                raise asyncpg.RaiseError(_EDITED)


def upgrade() -> None:
    before = _previous._commit_batch()  # noqa: SLF001 - a released step is never edited
    execute_script(_UP + changed(before, _CHANGES))


def downgrade() -> None:
    execute_script(_LOCK)
    run_with_connection(_refuse_commands)
    execute_script(_DOWN + _previous._commit_batch())  # noqa: SLF001
