"""Each market's book as it was, every few thousand commands: where a look into the past begins.

`seq` is the command that the book is as of, a whole multiple of 2 500; `market_seq` and `at` say
which change of the market's public state was the last one then, and when that was.
"""

from typing import Final

from migrations.script import execute_script

revision: Final = "0021"
down_revision: Final = "0020"

_UP: Final = """
CREATE TABLE book_checkpoints (
    market_id  bigint NOT NULL,
    seq        bigint NOT NULL,
    market_seq bigint NOT NULL,
    at         bigint NOT NULL,
    book       bytea  NOT NULL,
    PRIMARY KEY (market_id, seq)
);
CREATE INDEX book_checkpoints_by_market_seq ON book_checkpoints (market_id, market_seq, seq);
CREATE INDEX book_checkpoints_by_time ON book_checkpoints (market_id, at, seq);
"""

_DOWN: Final = """
DROP TABLE book_checkpoints;
"""


def upgrade() -> None:
    execute_script(_UP)


def downgrade() -> None:
    execute_script(_DOWN)
