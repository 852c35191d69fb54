"""Credits that are bought: what is charged for them, and which intent gives them.

    CHARGING --> PAID       the provider was paid; the intent gives the credits
        |           '--> REFUSED --> REFUNDED   the engine didn't give them; the money went back
        '------> DECLINED   the provider wasn't paid; nothing is given

A purchase is there before its provider is asked, under a reference made of its number, so whoever
asks again asks for the same. Kept under the account's number like the exchange's books, which it
belongs to. `price` is in hundredths of the currency; times are microseconds since the Unix epoch.
"""

from typing import Final

from migrations.script import execute_script

revision: Final = "0044"
down_revision: Final = "0043"

_UP: Final = """
CREATE TABLE purchases (
    id          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    account_id  bigint NOT NULL,
    request_id  text   COLLATE "C" CHECK (length(request_id) BETWEEN 1 AND 64),
    package     text   NOT NULL,
    credits     bigint NOT NULL CHECK (credits >= 1),
    price       bigint NOT NULL CHECK (price >= 1),
    currency    text   NOT NULL,
    provider    text   NOT NULL,
    method      text   NOT NULL,
    status      text   NOT NULL DEFAULT 'CHARGING'
                CHECK (status IN ('CHARGING', 'PAID', 'DECLINED', 'REFUSED', 'REFUNDED')),
    created_at  bigint NOT NULL,
    tried_at    bigint NOT NULL,
    intent_id   bigint UNIQUE REFERENCES money_intents (id),
    UNIQUE (account_id, request_id),
    CHECK ((status IN ('CHARGING', 'DECLINED')) = (intent_id IS NULL))
);
CREATE INDEX purchases_by_account ON purchases (account_id, id);
CREATE INDEX purchases_unfinished ON purchases (tried_at)
 WHERE status IN ('CHARGING', 'REFUSED');
CREATE INDEX purchases_to_come ON purchases (account_id) WHERE status = 'CHARGING';
"""

# Going back would forget what was paid for.
_DOWN: Final = """
LOCK TABLE purchases IN ACCESS EXCLUSIVE MODE;
DO $$
BEGIN
    IF EXISTS (SELECT FROM purchases) THEN
        RAISE EXCEPTION 'credits were bought, which the schema before can''t hold';
    END IF;
END
$$;
DROP TABLE purchases;
"""


def upgrade() -> None:
    """Create the table."""
    execute_script(_UP)


def downgrade() -> None:
    """Drop the table; refused where anything was bought."""
    execute_script(_DOWN)
