"""Backtests that people asked for: what was asked, how far it is, what came of it.

`plan` is JSON of what was asked for, `result` of what came of it, but for the fills, which are rows
of their own and go with it. `tries` numbers whoever is at it, `version` every change. `heard_at` is
when whoever runs it said so last. Prices, quantities and money are in the units of the exchange,
times microseconds since the Unix epoch.
"""

from typing import Final

from migrations.script import execute_script

revision: Final = "0054"
down_revision: Final = "0053"

_UP: Final = """
CREATE TABLE backtest_results (
    id         bigint  GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    user_id    bigint  NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    strategy   text    NOT NULL,
    plan       text    NOT NULL,
    status     text    NOT NULL DEFAULT 'QUEUED'
               CHECK (status IN ('QUEUED', 'RUNNING', 'DONE', 'FAILED', 'CANCELLED')),
    tries      integer NOT NULL DEFAULT 0,
    version    integer NOT NULL DEFAULT 1,
    progress   integer NOT NULL DEFAULT 0 CHECK (progress BETWEEN 0 AND 10000),
    events     bigint  NOT NULL DEFAULT 0,
    error      text,
    result     text,
    created_at bigint  NOT NULL,
    started_at bigint,
    heard_at   bigint,
    ended_at   bigint,
    CHECK ((status IN ('QUEUED', 'RUNNING')) = (ended_at IS NULL)),
    CHECK ((status = 'DONE') = (result IS NOT NULL)),
    CHECK ((status = 'FAILED') = (error IS NOT NULL))
);
CREATE INDEX backtest_results_by_owner ON backtest_results (user_id, id);
CREATE INDEX backtest_results_waiting ON backtest_results (id) WHERE status = 'QUEUED';
CREATE INDEX backtest_results_running ON backtest_results (user_id) WHERE status = 'RUNNING';
CREATE INDEX backtest_results_ended ON backtest_results (user_id, ended_at)
    WHERE ended_at IS NOT NULL;

CREATE TABLE backtest_executions (
    backtest_id bigint  NOT NULL REFERENCES backtest_results (id) ON DELETE CASCADE,
    number      integer NOT NULL,
    at          bigint  NOT NULL,
    market      text    NOT NULL,
    order_no    bigint  NOT NULL,
    side        text    NOT NULL CHECK (side IN ('BUY', 'SELL')),
    price       integer NOT NULL,
    quantity    bigint  NOT NULL,
    fee         bigint  NOT NULL,
    is_maker    boolean NOT NULL,
    PRIMARY KEY (backtest_id, number)
);
"""

_DOWN: Final = """
DROP TABLE backtest_executions, backtest_results;
"""


def upgrade() -> None:
    """Create the tables."""
    execute_script(_UP)


def downgrade() -> None:
    """Drop the tables."""
    execute_script(_DOWN)
