"""What everybody together has used of a month's budget of research, held or spent.

It stays when somebody leaves, whose own months go: what was paid is paid. Amounts are 1/100 cent,
months year * 100 + month of UTC.
"""

from typing import Final

from migrations.script import execute_script

revision: Final = "0055"
down_revision: Final = "0054"

_UP: Final = """
CREATE TABLE research_totals (
    month integer PRIMARY KEY,
    used  bigint  NOT NULL DEFAULT 0 CHECK (used >= 0)
) WITH (fillfactor = 50);
INSERT INTO research_totals (month, used)
SELECT month, sum(held + spent)::bigint FROM research_budgets GROUP BY month;
"""

_DOWN: Final = """
DROP TABLE research_totals;
"""


def upgrade() -> None:
    """Create the table, and count what was used before it."""
    execute_script(_UP)


def downgrade() -> None:
    """Drop the table."""
    execute_script(_DOWN)
