"""Counts of sign-ins, which hold over all processes.

The table is written with each sign-in and worth nothing after its windows, so it is unlogged: no
write waits for the disk, and after a crash it is empty. Its keys are hashes; nobody's e-mail
address stands here.
"""

from typing import Final

from migrations.script import execute_script

revision: Final = "0006"
down_revision: Final = "0005"

_UP: Final = """
CREATE UNLOGGED TABLE sign_in_counts (
    key     bytea  PRIMARY KEY CHECK (length(key) = 32),
    hits    bigint NOT NULL,
    ends_at bigint NOT NULL
);
COMMENT ON TABLE sign_in_counts IS 'Hits of a key in its window, which ends at `ends_at` (us)';
CREATE INDEX sign_in_counts_by_end ON sign_in_counts (ends_at);
"""

_DOWN: Final = """
DROP TABLE sign_in_counts;
"""


def upgrade() -> None:
    execute_script(_UP)


def downgrade() -> None:
    execute_script(_DOWN)
