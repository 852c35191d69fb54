"""When the last backup was made, and the exchange last proved, is asked of the audit log again and
again: an index of these lines alone, few as they are.
"""

from typing import Final

from migrations.script import execute_script

revision: Final = "0040"
down_revision: Final = "0039"

_UP: Final = """
CREATE INDEX audit_log_safekeeping ON audit_log (action, at)
 WHERE action IN ('backup.made', 'exchange.verified');
"""
_DOWN: Final = "DROP INDEX audit_log_safekeeping;"


def upgrade() -> None:
    """Find these lines at once."""
    execute_script(_UP)


def downgrade() -> None:
    """Look for them again."""
    execute_script(_DOWN)
