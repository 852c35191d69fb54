"""Wallets that people sign in with, and the nonces that their messages hold.

A nonce is used once and forgotten; it is nobody's. Like the counts of sign-ins it is worth nothing
after a crash, so its table is unlogged.
"""

from typing import Final

from migrations.script import execute_script

revision: Final = "0034"
down_revision: Final = "0033"

_UP: Final = """
CREATE TABLE wallets (
    id           bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    user_id      bigint NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    kind         text   NOT NULL CHECK (kind IN ('ethereum', 'solana')),
    address      text   NOT NULL CHECK (length(address) BETWEEN 32 AND 44),
    created_at   bigint NOT NULL,
    last_used_at bigint NOT NULL,
    UNIQUE (kind, address)
);
CREATE INDEX wallets_by_user ON wallets (user_id, id);

CREATE UNLOGGED TABLE wallet_nonces (
    nonce      text   PRIMARY KEY CHECK (length(nonce) BETWEEN 8 AND 64),
    expires_at bigint NOT NULL
);
CREATE INDEX wallet_nonces_by_end ON wallet_nonces (expires_at);
"""

# Whoever has no other way in would be shut out for good.
_DOWN: Final = """
DO $$
BEGIN
    IF EXISTS (SELECT FROM wallets) THEN
        RAISE EXCEPTION 'people sign in by wallets, which the version before doesn''t know';
    END IF;
END
$$;
DROP TABLE wallet_nonces;
DROP TABLE wallets;
"""


def upgrade() -> None:
    execute_script(_UP)


def downgrade() -> None:
    execute_script(_DOWN)
