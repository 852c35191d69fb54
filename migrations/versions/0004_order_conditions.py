"""An order's rare terms in one column, by their names: a later term needs no step of the schema.

NULL for an order without any. `exchange.messages.conditions` says what may stand in it,
`persistence.journal.order_rows` reads and writes it. It is written with the order and never after.

`commit_batch` is the one of step 0003 but for that; `persistence.journal.row_layouts` writes what
it reads.
"""

from importlib import import_module
from typing import Final

from migrations.script import execute_script

revision: Final = "0004"
down_revision: Final = "0003"

_previous: Final = import_module("migrations.versions.0003_open_orders")

_TABLES: Final = """
-- An engine may be trading: what it has under way is committed first, and it writes nothing more.
LOCK TABLE orders IN ACCESS EXCLUSIVE MODE;
DROP PROCEDURE commit_batch;
ALTER TABLE orders ADD COLUMN conditions jsonb;
"""

_COMMIT_BATCH: Final = """
-- Writes one batch and commits it: one message from the client is all it takes, so a client that is
-- stopped at any moment holds no lock (RULEBOOK 8, DESIGN 4). PB001: the fence is lost.
CREATE PROCEDURE commit_batch(
    my_epoch bigint, previous_seq bigint, previous_chain bytea,
    new_seq bigint, new_chain bytea, new_now bigint, new_rules_version integer, new_payload bytea,
    new_mode integer, new_order_id bigint, new_market_id bigint, new_issued bigint,
    new_fees bigint,
    placed bit varying, placed_ids text[], placed_conditions text[], changed bit varying,
    traded bit varying, posted bit varying,
    used bit varying, used_ids text[], used_fingerprints bytea[],
    opened_accounts bit varying, changed_accounts bit varying, held bit varying,
    changed_markets bit varying, changed_blocks bit varying, listed jsonb, resolved jsonb
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
               placed_ids[(i - 1) / 968 + 1], placed_conditions[(i - 1) / 968 + 1]::jsonb
          FROM generate_series(1, length(placed), 968) AS i;
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
               cancel_reason = substring(changed, i + 520, 8)::integer
          FROM generate_series(1, length(changed), 528) AS i
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

    IF length(changed_blocks) > 0 THEN
        MERGE INTO open_orders AS o
        USING (SELECT substring(changed_blocks, i, 64)::bigint AS block,
                      substring(changed_blocks, i + 64, 512)::bit(512) AS bits
                 FROM generate_series(1, length(changed_blocks), 576) AS i) AS c
           ON o.block = c.block
         WHEN MATCHED AND c.bits = 0::bit(512) THEN DELETE
         WHEN MATCHED THEN UPDATE SET bits = c.bits
         WHEN NOT MATCHED THEN INSERT VALUES (c.block, c.bits);
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

# Going back would lose what was promised to whoever placed such an order.
_AWAY: Final = """
LOCK TABLE orders IN ACCESS EXCLUSIVE MODE;
DO $$
BEGIN
    IF EXISTS (SELECT FROM orders WHERE conditions IS NOT NULL) THEN
        RAISE EXCEPTION 'there are orders with conditions, which the schema before can''t hold';
    END IF;
END
$$;
DROP PROCEDURE commit_batch;
ALTER TABLE orders DROP COLUMN conditions;
"""


def upgrade() -> None:
    execute_script(_TABLES + _COMMIT_BATCH)


def downgrade() -> None:
    # A released step is never edited, so its procedure is taken as it stands there.
    execute_script(_AWAY + _previous._COMMIT_BATCH)  # noqa: SLF001
