"""Whom a line of the audit log is about is found by an index: it is part of what is kept about a
person.
"""

from typing import Final

from migrations.script import execute_script

revision: Final = "0029"
down_revision: Final = "0028"

_UP: Final = """
CREATE INDEX audit_log_by_subject ON audit_log (split_part(target, ' ', 1), id);
"""

_DOWN: Final = "DROP INDEX audit_log_by_subject;"


def upgrade() -> None:
    execute_script(_UP)


def downgrade() -> None:
    execute_script(_DOWN)
