"""An index on the markets that people hold: whoever throws markets away asks for each."""

from typing import Final

from migrations.script import execute_script

revision: Final = "0017"
down_revision: Final = "0016"

_UP: Final = """
CREATE INDEX portfolio_positions_by_market ON portfolio_positions (platform, external_id);
"""

_DOWN: Final = """
DROP INDEX portfolio_positions_by_market;
"""


def upgrade() -> None:
    execute_script(_UP)


def downgrade() -> None:
    execute_script(_DOWN)
