"""What an amend changes of an order, and the place at its price that an order has in time.

Until now an order's place was its id, and it still is while nobody amends: 0 in a row of before
says so, so no row is written anew. A new order is written with its place; everything else that an
amend changes is a list of its own, which is empty in nearly every batch.

`commit_batch` is the one of step 0007 but for that; `persistence.journal.row_layouts` writes what
it reads.
"""

from importlib import import_module
from typing import Final

from migrations.script import changed, execute_script

revision: Final = "0012"
down_revision: Final = "0011"

_previous: Final = import_module("migrations.versions.0007_settlements_and_credits")

_UP: Final = """
-- An engine may be trading: what it has under way is committed first, and it writes nothing more.
LOCK TABLE engine_state IN ACCESS EXCLUSIVE MODE;
DROP PROCEDURE commit_batch;
ALTER TABLE engine_state ADD COLUMN next_place bigint NOT NULL DEFAULT 1;
UPDATE engine_state SET next_place = next_order_id;
ALTER TABLE orders ADD COLUMN place bigint NOT NULL DEFAULT 0;
ALTER TABLE orders ADD COLUMN version bigint NOT NULL DEFAULT 0;
"""

# Going back would put orders where their owners never were in time.
_DOWN: Final = """
LOCK TABLE engine_state IN ACCESS EXCLUSIVE MODE;
DO $$
BEGIN
    IF EXISTS (SELECT FROM engine_state WHERE next_place <> next_order_id)
       OR EXISTS (SELECT FROM orders WHERE version > 0) THEN
        RAISE EXCEPTION 'orders were amended, which the schema before can''t hold';
    END IF;
END
$$;
DROP PROCEDURE commit_batch;
ALTER TABLE orders DROP COLUMN version;
ALTER TABLE orders DROP COLUMN place;
ALTER TABLE engine_state DROP COLUMN next_place;
"""

_AMENDS: Final = """
    IF jsonb_array_length(amended) > 0 THEN
        UPDATE orders
           SET price = a.price, quantity = a.quantity, place = a.place, version = a.version,
               conditions = a.conditions
          FROM jsonb_to_recordset(amended) AS a(
               id bigint, price integer, quantity bigint, place bigint, version bigint,
               conditions jsonb)
         WHERE orders.id = a.id;
    END IF;

"""
_PLACED_BEFORE: Final = "placed_ids[(i - 1) / 968 + 1], placed_conditions[(i - 1) / 968 + 1]::jsonb"
_PLACED: Final = """\
placed_ids[(i - 1) / 1032 + 1], placed_conditions[(i - 1) / 1032 + 1]::jsonb,
               substring(placed, i + 968, 64)::bigint, 0"""
_TRADES: Final = "    IF length(traded) > 0 THEN"
_CHANGES: Final = (
    (
        "settled jsonb, credited jsonb",
        "settled jsonb, credited jsonb, amended jsonb, new_place bigint",
    ),
    ("next_market_id = new_market_id,", "next_market_id = new_market_id, next_place = new_place,"),
    (_PLACED_BEFORE, _PLACED),
    ("generate_series(1, length(placed), 968)", "generate_series(1, length(placed), 1032)"),
    (_TRADES, f"{_AMENDS[1:]}{_TRADES}"),
)


def _commit_batch() -> str:
    """Return the procedure."""
    before = _previous._commit_batch()  # noqa: SLF001 - a released step is never edited
    return changed(before, _CHANGES)


def upgrade() -> None:
    execute_script(_UP + _commit_batch())


def downgrade() -> None:
    execute_script(_DOWN + _previous._commit_batch())  # noqa: SLF001
