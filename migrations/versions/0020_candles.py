"""What follows from the journal: how far it was followed, and each market's candles.

`projection_state` moves in the transaction that stores what follows, so neither is ever ahead of
the other; whoever finds another `version` than its own begins with the first command again. Prices
are 0 where there was none; `turnover` and `collateral` are in money units, spans in seconds, times
in microseconds.
"""

from typing import Final

from migrations.script import execute_script

revision: Final = "0020"
down_revision: Final = "0019"

_UP: Final = """
CREATE TABLE projection_state (
    singleton boolean PRIMARY KEY DEFAULT true CHECK (singleton),
    version   integer NOT NULL DEFAULT 0,
    last_seq  bigint  NOT NULL DEFAULT 0,
    at        bigint  NOT NULL DEFAULT 0
) WITH (fillfactor = 10);
INSERT INTO projection_state DEFAULT VALUES;

CREATE TABLE candles (
    market_id  bigint   NOT NULL,
    start      bigint   NOT NULL,
    volume     bigint   NOT NULL,
    turnover   bigint   NOT NULL,
    trades     bigint   NOT NULL,
    collateral bigint   NOT NULL,
    span       integer  NOT NULL,
    open       smallint NOT NULL,
    high       smallint NOT NULL,
    low        smallint NOT NULL,
    close      smallint NOT NULL,
    bid_open   smallint NOT NULL,
    bid_high   smallint NOT NULL,
    bid_low    smallint NOT NULL,
    bid_close  smallint NOT NULL,
    ask_open   smallint NOT NULL,
    ask_high   smallint NOT NULL,
    ask_low    smallint NOT NULL,
    ask_close  smallint NOT NULL,
    PRIMARY KEY (market_id, span, start)
) WITH (fillfactor = 80);
"""

_DOWN: Final = """
DROP TABLE candles;
DROP TABLE projection_state;
"""


def upgrade() -> None:
    execute_script(_UP)


def downgrade() -> None:
    execute_script(_DOWN)
