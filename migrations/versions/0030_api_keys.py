"""API keys, and the calls signed with one that several processes remember.

`material` is the public key of an Ed25519 key (32 bytes), and the sealed secret of an HMAC key
(`gateway.sealing`). Times are microseconds since the Unix epoch, `signed_at` milliseconds.
"""

from typing import Final

from migrations.script import execute_script

revision: Final = "0030"
down_revision: Final = "0029"

_UP: Final = """
CREATE TABLE api_keys (
    id           bigint  GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    user_id      bigint  NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    name         text    NOT NULL UNIQUE CHECK (length(name) = 25),
    label        text    NOT NULL CHECK (length(label) BETWEEN 1 AND 60),
    algorithm    text    NOT NULL CHECK (algorithm IN ('ed25519', 'hmac-sha256')),
    material     bytea   NOT NULL CHECK (algorithm <> 'ed25519' OR length(material) = 32),
    may_trade    boolean NOT NULL,
    allow_list   text[]  NOT NULL,
    created_at   bigint  NOT NULL,
    expires_at   bigint,
    last_used_at bigint
);
COMMENT ON COLUMN api_keys.last_used_at IS 'to the minute, and written by and by';
CREATE INDEX api_keys_by_user ON api_keys (user_id, id);

-- Kept while its call may still be taken. No foreign key: a row is written for every call.
CREATE TABLE api_key_nonces (
    key_id    bigint NOT NULL,
    nonce     text   NOT NULL,
    signed_at bigint NOT NULL,
    PRIMARY KEY (key_id, nonce)
);
CREATE INDEX api_key_nonces_by_time ON api_key_nonces (signed_at);
"""

_DOWN: Final = """
DROP TABLE api_key_nonces;
DROP TABLE api_keys;
"""


def upgrade() -> None:
    """Create the tables."""
    execute_script(_UP)


def downgrade() -> None:
    """Forget all keys: what was signed with one is refused."""
    execute_script(_DOWN)
