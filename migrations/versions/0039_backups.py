"""When the last backup was made is asked of the audit log again and again: an index of these lines
alone, few as they are.
"""

from typing import Final

from migrations.script import execute_script

revision: Final = "0039"
down_revision: Final = "0038"

_UP: Final = "CREATE INDEX audit_log_backups ON audit_log (at) WHERE action = 'backup.made';"
_DOWN: Final = "DROP INDEX audit_log_backups;"


def upgrade() -> None:
    """Find backups in the audit log at once."""
    execute_script(_UP)


def downgrade() -> None:
    """Look for them again."""
    execute_script(_DOWN)
