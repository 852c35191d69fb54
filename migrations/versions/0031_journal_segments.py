"""Which parts of the journal were moved to files.

A row a file, from the first command on and without a gap; what they hold is in the table `journal`
no more. `previous_hash` and `hash` are the chain's before the first and after the last batch.
"""

from typing import Final

from migrations.script import execute_script

revision: Final = "0031"
down_revision: Final = "0030"

_UP: Final = """
CREATE TABLE journal_segments (
    first_seq     bigint  PRIMARY KEY,
    last_seq      bigint  NOT NULL CHECK (last_seq >= first_seq),
    first_at      bigint  NOT NULL,
    last_at       bigint  NOT NULL,
    batches       integer NOT NULL,
    previous_hash bytea   NOT NULL,
    hash          bytea   NOT NULL,
    file          text    NOT NULL UNIQUE,
    bytes         bigint  NOT NULL,
    sha256        bytea   NOT NULL,
    moved_at      bigint  NOT NULL
);
"""

# What lies in files would be nowhere.
_DOWN: Final = """
DO $$
BEGIN
    IF EXISTS (SELECT FROM journal_segments) THEN
        RAISE EXCEPTION 'parts of the journal lie in files, which the version before can''t read';
    END IF;
END
$$;
DROP TABLE journal_segments;
"""


def upgrade() -> None:
    execute_script(_UP)


def downgrade() -> None:
    execute_script(_DOWN)
