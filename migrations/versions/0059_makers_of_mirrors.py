"""Whose first bet made a mirror, by which one person's of a day are counted over all processes.

`made_by` is an account; NULL: an admin, or the exchange itself.
"""

from typing import Final

from migrations.script import execute_script

revision: Final = "0059"
down_revision: Final = "0058"

_UP: Final = """
ALTER TABLE mirrors ADD COLUMN made_by bigint;
CREATE INDEX mirrors_by_maker ON mirrors (made_by, made_at) WHERE made_by IS NOT NULL;
"""

_DOWN: Final = """
DROP INDEX mirrors_by_maker;
ALTER TABLE mirrors DROP COLUMN made_by;
"""


def upgrade() -> None:
    """Add the column and its index."""
    execute_script(_UP)


def downgrade() -> None:
    """Drop them."""
    execute_script(_DOWN)
