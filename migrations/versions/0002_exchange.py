"""The exchange's memory: journal, tables at `last_seq`, and the one call that writes a batch.

Prices, quantities and money are integers in the units of the exchange; times are microseconds
since the Unix epoch; 0 stands for "none" in every number. Small numbers (side, status, kind ...)
are the codes of `persistence.journal.codes`.

`commit_batch` gets each table's rows as one string of bits, fixed-width numbers side by side in
network order: measured, that costs client and server less than arrays (docs/decisions). What a
row's bits mean is read off its SELECT below; `persistence.journal.row_layouts` writes them.
"""

from typing import Final

from migrations.script import execute_script

revision: Final = "0002"
down_revision: Final = "0001"

_TABLES: Final = """
-- One row. Its update in the transaction of every batch is the fence. The free space of the page
-- keeps the versions of the row in one place (HOT).
CREATE TABLE engine_state (
    singleton      boolean  PRIMARY KEY DEFAULT true CHECK (singleton),
    database_id    uuid     NOT NULL DEFAULT gen_random_uuid(),
    epoch          bigint   NOT NULL DEFAULT 0,
    last_seq       bigint   NOT NULL DEFAULT 0,
    chain_hash     bytea    NOT NULL DEFAULT decode(repeat('00', 32), 'hex'),
    stream_id      text,
    now            bigint   NOT NULL DEFAULT 0,
    mode           smallint NOT NULL DEFAULT 1,
    next_order_id  bigint   NOT NULL DEFAULT 1,
    next_market_id bigint   NOT NULL DEFAULT 1,
    issued         bigint   NOT NULL DEFAULT 0,
    fees           bigint   NOT NULL DEFAULT 0
) WITH (fillfactor = 10);
INSERT INTO engine_state DEFAULT VALUES;

-- A row a batch: the commands as stamped and their events. Compressing it would cost the server
-- more than its bytes.
CREATE TABLE journal (
    first_seq     bigint  PRIMARY KEY,
    last_seq      bigint  NOT NULL,
    epoch         bigint  NOT NULL,
    at            bigint  NOT NULL,
    rules_version integer NOT NULL,
    payload       bytea   NOT NULL,
    previous_hash bytea   NOT NULL,
    hash          bytea   NOT NULL
);
ALTER TABLE journal ALTER COLUMN payload SET STORAGE EXTERNAL;

CREATE TABLE accounts (
    id         bigint PRIMARY KEY,
    opened_seq bigint NOT NULL,
    available  bigint NOT NULL,
    locked     bigint NOT NULL,
    seq        bigint NOT NULL
) WITH (fillfactor = 50);

CREATE TABLE markets (
    id           bigint   PRIMARY KEY,
    slug         text     NOT NULL UNIQUE,
    question     text     NOT NULL,
    description  text     NOT NULL,
    category     text     NOT NULL,
    close_time   bigint   NOT NULL,
    tick_size    bigint   NOT NULL,
    min_quantity bigint   NOT NULL,
    maker_fee    bigint   NOT NULL,
    taker_fee    bigint   NOT NULL,
    fee_model    smallint NOT NULL,
    created_at   bigint   NOT NULL,
    status       smallint NOT NULL,
    collateral   bigint   NOT NULL,
    seq          bigint   NOT NULL,
    trade_no     bigint   NOT NULL,
    volume       bigint   NOT NULL,
    last_price   smallint NOT NULL,
    resolution   smallint NOT NULL,
    yes_payout   smallint NOT NULL,
    resolved_at  bigint   NOT NULL,
    source       text     NOT NULL
) WITH (fillfactor = 50);

CREATE TABLE positions (
    account_id bigint NOT NULL,
    market_id  bigint NOT NULL,
    yes_free   bigint NOT NULL,
    yes_locked bigint NOT NULL,
    yes_cost   bigint NOT NULL,
    no_free    bigint NOT NULL,
    no_locked  bigint NOT NULL,
    no_cost    bigint NOT NULL,
    realised   bigint NOT NULL,
    PRIMARY KEY (account_id, market_id)
) WITH (fillfactor = 70);
"""

ORDERS: Final = """
-- `open` stands beside `status` so that a partial fill touches no index.
CREATE TABLE orders (
    id                    bigint   PRIMARY KEY,
    account_id            bigint   NOT NULL,
    market_id             bigint   NOT NULL,
    quantity              bigint   NOT NULL,
    max_cost              bigint   NOT NULL,
    filled                bigint   NOT NULL,
    filled_cash           bigint   NOT NULL,
    fees_paid             bigint   NOT NULL,
    fee_carry             bigint   NOT NULL,
    locked                bigint   NOT NULL,
    placed_seq            bigint   NOT NULL,
    seq                   bigint   NOT NULL,
    created_at            bigint   NOT NULL,
    updated_at            bigint   NOT NULL,
    price                 smallint NOT NULL,
    side                  smallint NOT NULL,
    outcome               smallint NOT NULL,
    type                  smallint NOT NULL,
    time_in_force         smallint NOT NULL,
    self_trade_prevention smallint NOT NULL,
    status                smallint NOT NULL,
    cancel_reason         smallint NOT NULL,
    open                  boolean  NOT NULL,
    client_order_id       text COLLATE "C"
) WITH (fillfactor = 90);
CREATE INDEX orders_by_account ON orders (account_id, id);
CREATE INDEX orders_open ON orders (id) WHERE open;
"""

_MORE_TABLES: Final = """
CREATE TABLE trades (
    market_id        bigint   NOT NULL,
    trade_no         bigint   NOT NULL,
    command_seq      bigint   NOT NULL,
    market_seq       bigint   NOT NULL,
    quantity         bigint   NOT NULL,
    taker_order_id   bigint   NOT NULL,
    taker_account_id bigint   NOT NULL,
    taker_fee        bigint   NOT NULL,
    maker_order_id   bigint   NOT NULL,
    maker_account_id bigint   NOT NULL,
    maker_fee        bigint   NOT NULL,
    at               bigint   NOT NULL,
    price            smallint NOT NULL,
    yes_price        smallint NOT NULL,
    kind             smallint NOT NULL,
    side             smallint NOT NULL,
    outcome          smallint NOT NULL,
    PRIMARY KEY (market_id, trade_no)
);

-- A row for each owner's side of each posting; owner_id is 0 for the fees and the issuance.
CREATE TABLE ledger (
    owner_id        bigint   NOT NULL,
    command_seq     bigint   NOT NULL,
    available       bigint   NOT NULL,
    locked          bigint   NOT NULL,
    available_after bigint   NOT NULL,
    locked_after    bigint   NOT NULL,
    market_id       bigint   NOT NULL,
    order_id        bigint   NOT NULL,
    trade_no        bigint   NOT NULL,
    at              bigint   NOT NULL,
    entry_no        integer  NOT NULL,
    owner           smallint NOT NULL,
    kind            smallint NOT NULL,
    PRIMARY KEY (owner_id, command_seq, entry_no)
);

-- Which command used a client's id first; order_id is 0 if it placed none.
CREATE TABLE idempotency (
    account_id  bigint   NOT NULL,
    command_seq bigint   NOT NULL,
    order_id    bigint   NOT NULL,
    kind        smallint NOT NULL,
    client_id   text     COLLATE "C" NOT NULL,
    fingerprint bytea    NOT NULL,
    PRIMARY KEY (account_id, client_id, kind)
);
"""

COMMIT_BATCH: Final = """
-- Writes one batch and commits it: one message from the client is all it takes, so a client that is
-- stopped at any moment holds no lock (RULEBOOK 8, DESIGN 4). PB001: the fence is lost.
CREATE PROCEDURE commit_batch(
    my_epoch bigint, previous_seq bigint, previous_chain bytea,
    new_seq bigint, new_chain bytea, new_now bigint, new_rules_version integer, new_payload bytea,
    new_mode integer, new_order_id bigint, new_market_id bigint, new_issued bigint,
    new_fees bigint,
    placed bit varying, placed_ids text[], changed bit varying,
    traded bit varying, posted bit varying,
    used bit varying, used_ids text[], used_fingerprints bytea[],
    opened_accounts bit varying, changed_accounts bit varying, held bit varying,
    changed_markets bit varying, listed jsonb, resolved jsonb
) LANGUAGE plpgsql AS $$
BEGIN
    UPDATE engine_state
       SET last_seq = new_seq, chain_hash = new_chain, now = new_now, mode = new_mode,
           next_order_id = new_order_id, next_market_id = new_market_id,
           issued = new_issued, fees = new_fees
     WHERE epoch = my_epoch AND last_seq = previous_seq AND chain_hash = previous_chain;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'another engine leads, or the journal was changed'
              USING ERRCODE = 'PB001';
    END IF;

    INSERT INTO journal
    VALUES (previous_seq + 1, new_seq, my_epoch, new_now, new_rules_version, new_payload,
            previous_chain, new_chain);

    IF length(placed) > 0 THEN
        INSERT INTO orders
        SELECT substring(placed, i, 64)::bigint, substring(placed, i + 64, 64)::bigint,
               substring(placed, i + 128, 64)::bigint, substring(placed, i + 192, 64)::bigint,
               substring(placed, i + 256, 64)::bigint, substring(placed, i + 320, 64)::bigint,
               substring(placed, i + 384, 64)::bigint, substring(placed, i + 448, 64)::bigint,
               substring(placed, i + 512, 64)::bigint, substring(placed, i + 576, 64)::bigint,
               substring(placed, i + 640, 64)::bigint, substring(placed, i + 704, 64)::bigint,
               substring(placed, i + 768, 64)::bigint, substring(placed, i + 832, 64)::bigint,
               substring(placed, i + 896, 16)::integer, substring(placed, i + 912, 8)::integer,
               substring(placed, i + 920, 8)::integer, substring(placed, i + 928, 8)::integer,
               substring(placed, i + 936, 8)::integer, substring(placed, i + 944, 8)::integer,
               substring(placed, i + 952, 8)::integer, substring(placed, i + 960, 8)::integer,
               substring(placed, i + 968, 8)::integer <> 0,
               placed_ids[(i - 1) / 976 + 1]
          FROM generate_series(1, length(placed), 976) AS i;
    END IF;

    IF length(changed) > 0 THEN
        UPDATE orders
           SET filled = substring(changed, i + 64, 64)::bigint,
               filled_cash = substring(changed, i + 128, 64)::bigint,
               fees_paid = substring(changed, i + 192, 64)::bigint,
               fee_carry = substring(changed, i + 256, 64)::bigint,
               locked = substring(changed, i + 320, 64)::bigint,
               seq = substring(changed, i + 384, 64)::bigint,
               updated_at = substring(changed, i + 448, 64)::bigint,
               status = substring(changed, i + 512, 8)::integer,
               cancel_reason = substring(changed, i + 520, 8)::integer,
               open = substring(changed, i + 528, 8)::integer <> 0
          FROM generate_series(1, length(changed), 536) AS i
         WHERE id = substring(changed, i, 64)::bigint;
    END IF;

    IF length(traded) > 0 THEN
        INSERT INTO trades
        SELECT substring(traded, i, 64)::bigint, substring(traded, i + 64, 64)::bigint,
               substring(traded, i + 128, 64)::bigint, substring(traded, i + 192, 64)::bigint,
               substring(traded, i + 256, 64)::bigint, substring(traded, i + 320, 64)::bigint,
               substring(traded, i + 384, 64)::bigint, substring(traded, i + 448, 64)::bigint,
               substring(traded, i + 512, 64)::bigint, substring(traded, i + 576, 64)::bigint,
               substring(traded, i + 640, 64)::bigint, substring(traded, i + 704, 64)::bigint,
               substring(traded, i + 768, 16)::integer, substring(traded, i + 784, 16)::integer,
               substring(traded, i + 800, 8)::integer, substring(traded, i + 808, 8)::integer,
               substring(traded, i + 816, 8)::integer
          FROM generate_series(1, length(traded), 824) AS i;
    END IF;

    IF length(posted) > 0 THEN
        INSERT INTO ledger
        SELECT substring(posted, i, 64)::bigint, substring(posted, i + 64, 64)::bigint,
               substring(posted, i + 128, 64)::bigint, substring(posted, i + 192, 64)::bigint,
               substring(posted, i + 256, 64)::bigint, substring(posted, i + 320, 64)::bigint,
               substring(posted, i + 384, 64)::bigint, substring(posted, i + 448, 64)::bigint,
               substring(posted, i + 512, 64)::bigint, substring(posted, i + 576, 64)::bigint,
               substring(posted, i + 640, 32)::integer, substring(posted, i + 672, 8)::integer,
               substring(posted, i + 680, 8)::integer
          FROM generate_series(1, length(posted), 688) AS i;
    END IF;

    IF length(used) > 0 THEN
        INSERT INTO idempotency
        SELECT substring(used, i, 64)::bigint, substring(used, i + 64, 64)::bigint,
               substring(used, i + 128, 64)::bigint, substring(used, i + 192, 8)::integer,
               used_ids[(i - 1) / 200 + 1], used_fingerprints[(i - 1) / 200 + 1]
          FROM generate_series(1, length(used), 200) AS i;
    END IF;

    IF length(opened_accounts) > 0 THEN
        INSERT INTO accounts
        SELECT substring(opened_accounts, i, 64)::bigint,
               substring(opened_accounts, i + 64, 64)::bigint,
               substring(opened_accounts, i + 128, 64)::bigint,
               substring(opened_accounts, i + 192, 64)::bigint,
               substring(opened_accounts, i + 256, 64)::bigint
          FROM generate_series(1, length(opened_accounts), 320) AS i;
    END IF;

    IF length(changed_accounts) > 0 THEN
        UPDATE accounts
           SET available = substring(changed_accounts, i + 128, 64)::bigint,
               locked = substring(changed_accounts, i + 192, 64)::bigint,
               seq = substring(changed_accounts, i + 256, 64)::bigint
          FROM generate_series(1, length(changed_accounts), 320) AS i
         WHERE id = substring(changed_accounts, i, 64)::bigint;
    END IF;

    IF length(held) > 0 THEN
        INSERT INTO positions
        SELECT substring(held, i, 64)::bigint, substring(held, i + 64, 64)::bigint,
               substring(held, i + 128, 64)::bigint, substring(held, i + 192, 64)::bigint,
               substring(held, i + 256, 64)::bigint, substring(held, i + 320, 64)::bigint,
               substring(held, i + 384, 64)::bigint, substring(held, i + 448, 64)::bigint,
               substring(held, i + 512, 64)::bigint
          FROM generate_series(1, length(held), 576) AS i
            ON CONFLICT (account_id, market_id) DO UPDATE
           SET yes_free = excluded.yes_free, yes_locked = excluded.yes_locked,
               yes_cost = excluded.yes_cost, no_free = excluded.no_free,
               no_locked = excluded.no_locked, no_cost = excluded.no_cost,
               realised = excluded.realised;
    END IF;

    IF jsonb_array_length(listed) > 0 THEN
        INSERT INTO markets
        SELECT r.*, 0, 0, 0, 0, 0, 0, 0, 0, 0, ''
          FROM jsonb_to_recordset(listed) AS r(
               id bigint, slug text, question text, description text, category text,
               close_time bigint, tick_size bigint, min_quantity bigint, maker_fee bigint,
               taker_fee bigint, fee_model smallint, created_at bigint);
    END IF;

    IF length(changed_markets) > 0 THEN
        UPDATE markets
           SET collateral = substring(changed_markets, i + 64, 64)::bigint,
               seq = substring(changed_markets, i + 128, 64)::bigint,
               trade_no = substring(changed_markets, i + 192, 64)::bigint,
               volume = substring(changed_markets, i + 256, 64)::bigint,
               resolved_at = substring(changed_markets, i + 320, 64)::bigint,
               last_price = substring(changed_markets, i + 384, 16)::integer,
               yes_payout = substring(changed_markets, i + 400, 16)::integer,
               status = substring(changed_markets, i + 416, 8)::integer,
               resolution = substring(changed_markets, i + 424, 8)::integer
          FROM generate_series(1, length(changed_markets), 432) AS i
         WHERE id = substring(changed_markets, i, 64)::bigint;
    END IF;

    IF jsonb_array_length(resolved) > 0 THEN
        UPDATE markets SET source = r.source
          FROM jsonb_to_recordset(resolved) AS r(id bigint, source text)
         WHERE markets.id = r.id;
    END IF;

    COMMIT;
END
$$;
"""

_DOWN: Final = """
DROP PROCEDURE commit_batch;
DROP TABLE idempotency;
DROP TABLE ledger;
DROP TABLE trades;
DROP TABLE orders;
DROP TABLE positions;
DROP TABLE markets;
DROP TABLE accounts;
DROP TABLE journal;
DROP TABLE engine_state;
"""


def upgrade() -> None:
    execute_script(_TABLES + ORDERS + _MORE_TABLES + COMMIT_BATCH)


def downgrade() -> None:
    execute_script(_DOWN)
