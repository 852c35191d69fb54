"""What is to move money outside the book, and what came of it; and the rewards of each day.

An intent is stored before its command is sent, as the journal would have it, and its answer after.
`amount` is what its account is given by it (money), 0 if nothing. No foreign key to people: the
exchange's books outlive them, while their rewards go with them. Times are microseconds since the
Unix epoch; days are of UTC.
"""

from typing import Final

from migrations.script import execute_script

revision: Final = "0041"
down_revision: Final = "0040"

_UP: Final = """
CREATE TABLE money_intents (
    id          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    system_id   text   COLLATE "C" NOT NULL UNIQUE CHECK (length(system_id) BETWEEN 1 AND 64),
    account_id  bigint NOT NULL,
    kind        text   NOT NULL,
    amount      bigint NOT NULL CHECK (amount >= 0),
    command     bytea  NOT NULL,
    status      text   NOT NULL DEFAULT 'PENDING' CHECK (status IN ('PENDING', 'DONE', 'REFUSED')),
    created_at  bigint NOT NULL,
    tried_at    bigint NOT NULL,
    tries       integer NOT NULL,
    answered_at bigint,
    seq         bigint,
    available   bigint,
    locked      bigint,
    reason      text,
    message     text,
    CHECK ((status = 'PENDING') = (seq IS NULL)),
    CHECK ((status = 'REFUSED') = (reason IS NOT NULL))
);
CREATE INDEX money_intents_pending ON money_intents (tried_at) WHERE status = 'PENDING';
CREATE INDEX money_intents_to_come ON money_intents (account_id) WHERE status = 'PENDING';
CREATE INDEX money_intents_by_account ON money_intents (account_id, seq);

CREATE TABLE daily_rewards (
    user_id   bigint  NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    day       date    NOT NULL,
    streak    integer NOT NULL CHECK (streak >= 1),
    amount    bigint  NOT NULL CHECK (amount >= 1),
    attempt   integer NOT NULL,
    intent_id bigint  NOT NULL REFERENCES money_intents (id) ON DELETE CASCADE,
    PRIMARY KEY (user_id, day)
);
CREATE INDEX daily_rewards_by_intent ON daily_rewards (intent_id);
"""

# Going back would forget what waits to be moved, and what stands for the ids of what was moved.
_DOWN: Final = """
LOCK TABLE money_intents IN ACCESS EXCLUSIVE MODE;
DO $$
BEGIN
    IF EXISTS (SELECT FROM money_intents) THEN
        RAISE EXCEPTION 'money was to be moved by intents, which the schema before can''t hold';
    END IF;
END
$$;
DROP TABLE daily_rewards, money_intents;
"""


def upgrade() -> None:
    """Create the tables."""
    execute_script(_UP)


def downgrade() -> None:
    """Drop the tables; refused where anything was intended."""
    execute_script(_DOWN)
