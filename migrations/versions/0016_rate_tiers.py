"""The tiers that admins give to users: how many times as much they may call.

A row only for who isn't in the standard tier, so that every process reads them all now and then.
"""

from typing import Final

from migrations.script import execute_script

revision: Final = "0016"
down_revision: Final = "0015"

_UP: Final = """
CREATE TABLE rate_tiers (
    user_id bigint PRIMARY KEY REFERENCES users (id) ON DELETE CASCADE,
    tier    text   NOT NULL CHECK (tier IN ('advanced', 'maker'))
);
"""

_DOWN: Final = """
DROP TABLE rate_tiers;
"""


def upgrade() -> None:
    """Create the table."""
    execute_script(_UP)


def downgrade() -> None:
    """Forget the tiers: everybody is in the standard one again."""
    execute_script(_DOWN)
