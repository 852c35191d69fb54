"""The summary files of days that are over, as they were made once.

`day` counts from 1970-01-01; `manifest` is what stands beside the file, letter for letter, and
`body` the file. Nobody changes a row.
"""

from typing import Final

from migrations.script import execute_script

revision: Final = "0025"
down_revision: Final = "0024"

_UP: Final = """
CREATE TABLE daily_summaries (
    day      integer PRIMARY KEY,
    manifest bytea   NOT NULL,
    body     bytea   NOT NULL
);
"""

_DOWN: Final = "DROP TABLE daily_summaries;"


def upgrade() -> None:
    execute_script(_UP)


def downgrade() -> None:
    execute_script(_DOWN)
