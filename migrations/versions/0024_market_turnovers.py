"""What has been paid in each market since it began, beside the candles that tell of each day.

`turnover` is in money units, at prices of YES; it follows from the journal as the candles do, and
begins with what those of whole days add up to. `traded_at` is the time of the last trade, in
microseconds: what was paid within a day is looked for in markets traded since alone.
"""

from typing import Final

from migrations.script import execute_script

revision: Final = "0024"
down_revision: Final = "0023"

_UP: Final = """
CREATE TABLE market_turnovers (
    market_id bigint PRIMARY KEY,
    turnover  bigint NOT NULL,
    traded_at bigint NOT NULL
) WITH (fillfactor = 70);

INSERT INTO market_turnovers
SELECT market_id, least(sum(turnover), 4611686018427387903)::bigint,
       max(start) + 86400000000 - 1
  FROM candles WHERE span = 86400 AND trades > 0 GROUP BY market_id;
"""

_DOWN: Final = "DROP TABLE market_turnovers;"


def upgrade() -> None:
    execute_script(_UP)


def downgrade() -> None:
    execute_script(_DOWN)
