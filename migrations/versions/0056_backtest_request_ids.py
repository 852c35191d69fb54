"""A backtest may be asked for under an id of its owner's, and is found by it again."""

from typing import Final

from migrations.script import execute_script

revision: Final = "0056"
down_revision: Final = "0055"

_UP: Final = """
ALTER TABLE backtest_results ADD COLUMN request_id text COLLATE "C";
CREATE UNIQUE INDEX backtest_results_by_request ON backtest_results (user_id, request_id)
 WHERE request_id IS NOT NULL;
"""

_DOWN: Final = """
DROP INDEX backtest_results_by_request;
ALTER TABLE backtest_results DROP COLUMN request_id;
"""


def upgrade() -> None:
    """Add the column and its index."""
    execute_script(_UP)


def downgrade() -> None:
    """Take them away."""
    execute_script(_DOWN)
