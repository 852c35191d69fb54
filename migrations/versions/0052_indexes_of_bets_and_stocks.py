"""Indexes for what somebody asks of one market or one stock: their bets in it, their trades of it.

Without them a page looked through everything that its owner has in all others.
"""

from typing import Final

from migrations.script import execute_script

revision: Final = "0052"
down_revision: Final = "0051"

_UP: Final = """
CREATE INDEX bets_by_market ON bets (account_id, market_id, id);
CREATE INDEX stock_trades_by_stock ON stock_trades (account_id, stock_id, id);
"""

_DOWN: Final = """
DROP INDEX stock_trades_by_stock, bets_by_market;
"""


def upgrade() -> None:
    """Create them."""
    execute_script(_UP)


def downgrade() -> None:
    """Drop them."""
    execute_script(_DOWN)
