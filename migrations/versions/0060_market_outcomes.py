"""What the outcomes YES and NO of our markets are called, where somebody gave them names.

A row is written before its market is listed: the slug may turn out to be refused, so a name counts
only once there is a market of that slug. `changed_at` is in microseconds since the Unix epoch.
"""

from typing import Final

from migrations.script import execute_script

revision: Final = "0060"
down_revision: Final = "0059"

_UP: Final = """
CREATE TABLE market_outcomes (
    slug       text   COLLATE "C" PRIMARY KEY,
    yes_label  text   NOT NULL CHECK (char_length(yes_label) BETWEEN 1 AND 80),
    no_label   text   NOT NULL CHECK (char_length(no_label) BETWEEN 1 AND 80),
    changed_at bigint NOT NULL,
    CHECK (yes_label <> no_label)
);
CREATE INDEX market_outcomes_changed ON market_outcomes (changed_at, slug);
"""

_DOWN: Final = """
DROP TABLE market_outcomes;
"""


def upgrade() -> None:
    """Create the table."""
    execute_script(_UP)


def downgrade() -> None:
    """Drop it: outcomes that had names are Yes and No again."""
    execute_script(_DOWN)
