"""What each account was told in private, as far back as it is kept: where it lies in the journal.

A segment is an account as it stood after the command `seq` (an image as
`exchange.projections.account_image` writes it), the number of the next private message, and the
sequences of the commands that touched the account since, each as its distance from the one before.
`closed_at` is the time of its last command once the next segment has begun, 0 until then. Whose the
orders are that wait for a price is kept because the journal names only the orders when a price
reaches them. All of it follows from the journal.
"""

from typing import Final

from migrations.script import execute_script

revision: Final = "0022"
down_revision: Final = "0021"

_UP: Final = """
CREATE TABLE account_segments (
    account_id  bigint NOT NULL,
    account_seq bigint NOT NULL,
    seq         bigint NOT NULL,
    closed_at   bigint NOT NULL DEFAULT 0,
    image       bytea  NOT NULL,
    commands    bytea  NOT NULL,
    PRIMARY KEY (account_id, account_seq)
) WITH (fillfactor = 70);
CREATE INDEX account_segments_closed ON account_segments (closed_at) WHERE closed_at > 0;

CREATE TABLE account_waiting (
    order_id   bigint PRIMARY KEY,
    account_id bigint NOT NULL
);
"""

_DOWN: Final = """
DROP TABLE account_waiting;
DROP TABLE account_segments;
"""


def upgrade() -> None:
    execute_script(_UP)


def downgrade() -> None:
    execute_script(_DOWN)
