"""Stocks: what each is, who has how much of it and owes what, and every trade that led there.

    PENDING --> DONE       its intent moved the money, or there was none to move
       '------> REFUSED    the engine refused it; nothing changed

A stock's `supply` and the positions are the sums of its trades, and its money is its reserve's in
the exchange; they change when an order is DONE and never else. At most one order of a stock is
PENDING (`under_way`): the next is decided on what it leads to. An order without an account is a
day's interest. Kept under the account's number like the exchange's books. Whoever is paid by the
intent of somebody else finds it by its command. `base` and `slope` are money, `interest` and
`margin` in 1/10 000, shares in hundredths, times microseconds since the Unix epoch; days are of
UTC.
"""

from typing import Final

from migrations.script import execute_script

revision: Final = "0049"
down_revision: Final = "0048"

_UP: Final = """
CREATE TABLE stocks (
    id           integer PRIMARY KEY CHECK (id BETWEEN 1 AND 999),
    symbol       text    COLLATE "C" NOT NULL UNIQUE,
    name         text    NOT NULL,
    base         bigint  NOT NULL CHECK (base >= 1),
    slope        bigint  NOT NULL CHECK (slope >= 1),
    interest     integer NOT NULL CHECK (interest >= 0),
    margin       integer NOT NULL CHECK (margin >= interest AND margin >= 1),
    is_halted    boolean NOT NULL DEFAULT false,
    supply       bigint  NOT NULL DEFAULT 0 CHECK (supply >= 0),
    created_at   bigint  NOT NULL,
    interest_day date    NOT NULL,
    under_way    bigint
);
CREATE TABLE stock_orders (
    id           bigint  GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    stock_id     integer NOT NULL REFERENCES stocks (id),
    account_id   bigint,
    request_id   text    COLLATE "C" CHECK (length(request_id) BETWEEN 1 AND 64),
    asked        text    NOT NULL,
    kind         text    NOT NULL CHECK (kind IN ('BUY', 'SELL', 'INTEREST')),
    leverage     integer NOT NULL,
    shares       bigint  NOT NULL,
    amount       bigint  NOT NULL,
    loan         bigint  NOT NULL,
    liquidated   integer NOT NULL,
    supply_after bigint  NOT NULL,
    steps        bytea   NOT NULL,
    status       text    NOT NULL DEFAULT 'PENDING'
                 CHECK (status IN ('PENDING', 'DONE', 'REFUSED')),
    created_at   bigint  NOT NULL,
    done_at      bigint,
    intent_id    bigint  UNIQUE REFERENCES money_intents (id) ON DELETE CASCADE,
    UNIQUE (account_id, request_id),
    CHECK ((account_id IS NULL) = (kind = 'INTEREST')),
    CHECK (intent_id IS NOT NULL OR status = 'DONE')
);
ALTER TABLE stocks ADD CONSTRAINT stocks_under_way FOREIGN KEY (under_way)
 REFERENCES stock_orders (id) ON DELETE SET NULL;
CREATE INDEX stock_orders_by_stock ON stock_orders (stock_id, id);
CREATE TABLE stock_trades (
    id           bigint  GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    order_id     bigint  NOT NULL REFERENCES stock_orders (id),
    stock_id     integer NOT NULL REFERENCES stocks (id),
    account_id   bigint  NOT NULL,
    kind         text    NOT NULL CHECK (kind IN ('BUY', 'SELL', 'LIQUIDATION', 'INTEREST')),
    shares       bigint  NOT NULL,
    amount       bigint  NOT NULL,
    loan         bigint  NOT NULL,
    supply_after bigint  NOT NULL,
    at           bigint  NOT NULL
);
CREATE INDEX stock_trades_by_order ON stock_trades (order_id);
CREATE INDEX stock_trades_by_account ON stock_trades (account_id, id);
CREATE INDEX stock_trades_by_time ON stock_trades (stock_id, at, id);
CREATE TABLE stock_positions (
    stock_id   integer NOT NULL REFERENCES stocks (id),
    account_id bigint  NOT NULL,
    shares     bigint  NOT NULL CHECK (shares >= 0),
    loan       bigint  NOT NULL CHECK (loan >= 0 AND (loan = 0 OR shares > 0)),
    cost       bigint  NOT NULL CHECK (cost >= 0),
    profit     bigint  NOT NULL,
    PRIMARY KEY (stock_id, account_id)
);
CREATE INDEX stock_positions_by_account ON stock_positions (account_id, stock_id);
CREATE INDEX money_intents_by_command ON money_intents (seq);
CREATE INDEX stock_positions_owing ON stock_positions (stock_id) WHERE loan > 0;
"""

# Going back would forget whose shares the reserves' money is for.
_DOWN: Final = """
LOCK TABLE stocks IN ACCESS EXCLUSIVE MODE;
DO $$
BEGIN
    IF EXISTS (SELECT FROM stock_orders) THEN
        RAISE EXCEPTION 'stocks were traded, which the schema before can''t hold';
    END IF;
END
$$;
DROP INDEX money_intents_by_command;
ALTER TABLE stocks DROP CONSTRAINT stocks_under_way;
DROP TABLE stock_positions, stock_trades, stock_orders, stocks;
"""


def upgrade() -> None:
    """Create the tables."""
    execute_script(_UP)


def downgrade() -> None:
    """Drop the tables; refused where anything was traded."""
    execute_script(_DOWN)
