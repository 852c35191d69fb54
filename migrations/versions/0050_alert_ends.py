"""Why an alert looks out no more: it has fired, or its market has ended.

NULL while it does, and for one that its owner has stopped. What is over already and has fired ended
by that.
"""

from typing import Final

from migrations.script import execute_script

revision: Final = "0050"
down_revision: Final = "0049"

_UP: Final = """
ALTER TABLE alerts ADD COLUMN ended text CHECK (ended IN ('FIRED', 'MARKET_ENDED')),
  ADD CHECK (ended IS NULL OR NOT is_active);
UPDATE alerts SET ended = 'FIRED' WHERE NOT is_active AND fired_count > 0 AND pause_s IS NULL;
"""

_DOWN: Final = """
ALTER TABLE alerts DROP COLUMN ended;
"""


def upgrade() -> None:
    """Add the column."""
    execute_script(_UP)


def downgrade() -> None:
    """Drop it."""
    execute_script(_DOWN)
