"""What happened to each market: its creation, each change of its status, its resolution, its
limits, as the journal has them.

Made by the projector, so it holds what happened before this step as well. `change` is what
`exchange.projections.lifecycle` says of it, `number` which one of its command it is.
"""

from typing import Final

from migrations.script import execute_script

revision: Final = "0023"
down_revision: Final = "0022"

_UP: Final = """
CREATE TABLE market_life (
    market_id  bigint   NOT NULL,
    seq        bigint   NOT NULL,
    at         bigint   NOT NULL,
    market_seq bigint   NOT NULL,
    number     smallint NOT NULL,
    change     bytea    NOT NULL,
    PRIMARY KEY (market_id, seq, number)
);
-- What was followed already is followed again, for the sake of this table.
UPDATE projection_state SET version = 0;
"""

_DOWN: Final = "DROP TABLE market_life;"


def upgrade() -> None:
    execute_script(_UP)


def downgrade() -> None:
    execute_script(_DOWN)
