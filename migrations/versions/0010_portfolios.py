"""Portfolios: what people note down of what they hold on any platform, and its value day by day.

These are records, not money: no balance of the exchange is made of them, and what one holds here is
read from the exchange's own tables. Amounts are exact decimals: shares to 8 places, prices to 6,
money to 8. `side` is a code of `persistence.journal.codes`; times are microseconds since the Unix
epoch, `day` counts days since it. A value without a portfolio is of what one holds on the exchange.
"""

from typing import Final

from migrations.script import execute_script

revision: Final = "0010"
down_revision: Final = "0009"

_UP: Final = """
CREATE TABLE portfolios (
    id          bigint  GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    user_id     bigint  NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    name        text    NOT NULL CHECK (length(name) BETWEEN 1 AND 100),
    description text    NOT NULL CHECK (length(description) <= 1000),
    is_default  boolean NOT NULL,
    created_at  bigint  NOT NULL,
    updated_at  bigint  NOT NULL
);
CREATE INDEX portfolios_by_user ON portfolios (user_id, id);
CREATE UNIQUE INDEX portfolios_default ON portfolios (user_id) WHERE is_default;

CREATE TABLE portfolio_positions (
    id           bigint   GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    portfolio_id bigint   NOT NULL REFERENCES portfolios (id) ON DELETE CASCADE,
    user_id      bigint   NOT NULL,
    platform     text     NOT NULL,
    external_id  text     NOT NULL CHECK (length(external_id) BETWEEN 1 AND 255),
    side         smallint NOT NULL CHECK (side IN (1, 2)),
    quantity     numeric(18, 8) NOT NULL CHECK (quantity > 0),
    avg_cost     numeric(7, 6)  NOT NULL CHECK (avg_cost BETWEEN 0 AND 1),
    ticker       text     CHECK (length(ticker) BETWEEN 1 AND 255),
    question     text     NOT NULL CHECK (length(question) BETWEEN 1 AND 500),
    opened_at    bigint   NOT NULL,
    updated_at   bigint   NOT NULL,
    closed_at    bigint,
    close_price  numeric(7, 6)  CHECK (close_price BETWEEN 0 AND 1),
    realized_pnl numeric(18, 8),
    CHECK (num_nulls(closed_at, close_price, realized_pnl) IN (0, 3))
);
CREATE INDEX portfolio_positions_by_portfolio ON portfolio_positions (portfolio_id, id);
CREATE INDEX portfolio_positions_by_user ON portfolio_positions (user_id);

CREATE TABLE portfolio_values (
    user_id      bigint  NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    portfolio_id bigint  REFERENCES portfolios (id) ON DELETE CASCADE,
    day          integer NOT NULL,
    at           bigint  NOT NULL,
    positions    integer NOT NULL,
    unpriced     integer NOT NULL,
    cost         numeric(24, 8) NOT NULL,
    value        numeric(24, 8) NOT NULL,
    realized_pnl numeric(24, 8) NOT NULL,
    UNIQUE NULLS NOT DISTINCT (user_id, portfolio_id, day)
);
CREATE INDEX portfolio_values_by_portfolio ON portfolio_values (portfolio_id);
CREATE INDEX portfolio_values_by_day ON portfolio_values (day);
"""

_DOWN: Final = """
DROP TABLE portfolio_values;
DROP TABLE portfolio_positions;
DROP TABLE portfolios;
"""


def upgrade() -> None:
    execute_script(_UP)


def downgrade() -> None:
    execute_script(_DOWN)
