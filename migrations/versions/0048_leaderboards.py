"""Who gained and traded most, and whose forecasts were best; and the ledger by kind of owner.

`leaderboard_sums` is what an account did up to command `through_seq`: cash, volume, forecasts;
`leaderboard_starts` the same at the start of the day (2), week (3) and month (4) that go on, with
the gain until then; `leaderboard_standings` what is shown of each span (1: all time), with ranks;
`leaderboard_tops` and `leaderboard_boards` the first of each board, and what board it is. All of it
follows from the ledger, the trades and the settlements, and is made anew where it is missing.

Money and times are in the exchange's units, errors in 1/100 000 000. What is younger than a command
is found by ranges of blocks (BRIN), which cost a writer next to nothing: rows are only added.

An account and a market may have the same number. The ledger's key says whose entries they are, so
that whoever looks through an account's entries doesn't walk past those of a market's collateral.
"""

from typing import Final

from migrations.script import execute_script

revision: Final = "0048"
down_revision: Final = "0047"

_UP: Final = """
ALTER TABLE ledger
    DROP CONSTRAINT ledger_pkey,
    ADD CONSTRAINT ledger_pkey PRIMARY KEY (owner_id, owner, command_seq, entry_no);
CREATE INDEX ledger_by_seq ON ledger
 USING brin (command_seq) WITH (pages_per_range = 32, autosummarize = on);
CREATE INDEX trades_by_seq ON trades
 USING brin (command_seq) WITH (pages_per_range = 32, autosummarize = on);
CREATE INDEX settlements_by_seq ON settlements
 USING brin (command_seq) WITH (pages_per_range = 32, autosummarize = on);
CREATE INDEX credits_by_kind ON credits (account_id, kind, command_seq);

CREATE TABLE leaderboard_run (
    singleton   boolean PRIMARY KEY DEFAULT true CHECK (singleton),
    through_seq bigint  NOT NULL DEFAULT 0,
    day         bigint  NOT NULL DEFAULT 0,
    week        bigint  NOT NULL DEFAULT 0,
    month       bigint  NOT NULL DEFAULT 0
);
INSERT INTO leaderboard_run DEFAULT VALUES;
CREATE TABLE leaderboard_sums (
    account_id bigint PRIMARY KEY,
    cash       bigint NOT NULL,
    volume     bigint NOT NULL,
    errors     bigint NOT NULL,
    forecasts  bigint NOT NULL,
    traded_at  bigint NOT NULL,
    settled_at bigint NOT NULL
) WITH (fillfactor = 50);
CREATE TABLE leaderboard_starts (
    span       smallint NOT NULL,
    account_id bigint   NOT NULL,
    gain       bigint   NOT NULL,
    volume     bigint   NOT NULL,
    errors     bigint   NOT NULL,
    forecasts  bigint   NOT NULL,
    PRIMARY KEY (span, account_id)
);
CREATE TABLE leaderboard_standings (
    account_id       bigint   NOT NULL,
    span             smallint NOT NULL,
    gain             bigint,
    volume           bigint,
    brier            bigint,
    forecasts        bigint   NOT NULL,
    gain_rank        integer,
    volume_rank      integer,
    calibration_rank integer,
    PRIMARY KEY (account_id, span)
) WITH (fillfactor = 50);
CREATE TABLE leaderboard_boards (
    board       smallint NOT NULL,
    span        smallint NOT NULL,
    since       bigint   NOT NULL,
    made_at     bigint   NOT NULL,
    through_seq bigint   NOT NULL,
    ranked      bigint   NOT NULL,
    PRIMARY KEY (board, span)
);
CREATE TABLE leaderboard_tops (
    board      smallint NOT NULL,
    span       smallint NOT NULL,
    rank       integer  NOT NULL,
    account_id bigint   NOT NULL,
    score      bigint   NOT NULL,
    forecasts  bigint   NOT NULL,
    PRIMARY KEY (board, span, rank)
);
"""

_DOWN: Final = """
DROP TABLE leaderboard_tops, leaderboard_boards, leaderboard_standings, leaderboard_starts,
           leaderboard_sums, leaderboard_run;
DROP INDEX credits_by_kind, settlements_by_seq, trades_by_seq, ledger_by_seq;
ALTER TABLE ledger
    DROP CONSTRAINT ledger_pkey,
    ADD CONSTRAINT ledger_pkey PRIMARY KEY (owner_id, command_seq, entry_no);
"""


def upgrade() -> None:
    """Give the ledger its key, and create the tables."""
    execute_script(_UP)


def downgrade() -> None:
    """Drop the tables, which follow from others; the key is as it was."""
    execute_script(_DOWN)
