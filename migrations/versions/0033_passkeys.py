"""Passkeys (WebAuthn credentials), and the challenges that they are asked to sign.

`public_key` is a COSE key. A challenge of nobody is one of a sign-in that doesn't say whose it is.
Times are microseconds since the Unix epoch.
"""

from typing import Final

from migrations.script import execute_script

revision: Final = "0033"
down_revision: Final = "0032"

_UP: Final = """
CREATE TABLE passkeys (
    id            bigint  GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    user_id       bigint  NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    credential_id bytea   NOT NULL UNIQUE CHECK (length(credential_id) BETWEEN 1 AND 1023),
    public_key    bytea   NOT NULL CHECK (length(public_key) <= 1024),
    sign_count    bigint  NOT NULL CHECK (sign_count BETWEEN 0 AND 4294967295),
    label         text    NOT NULL CHECK (length(label) BETWEEN 1 AND 60),
    transports    text[]  NOT NULL,
    is_synced     boolean NOT NULL,
    created_at    bigint  NOT NULL,
    last_used_at  bigint
);
COMMENT ON COLUMN passkeys.is_synced IS 'whether it may be on several devices (backup eligible)';
CREATE INDEX passkeys_by_user ON passkeys (user_id, id);

CREATE TABLE passkey_challenges (
    challenge_hash bytea  PRIMARY KEY CHECK (length(challenge_hash) = 32),
    user_id        bigint REFERENCES users (id) ON DELETE CASCADE,
    purpose        text   NOT NULL CHECK (purpose IN ('register', 'prove', 'sign-in')),
    expires_at     bigint NOT NULL,
    CHECK ((user_id IS NULL) = (purpose = 'sign-in'))
);
CREATE INDEX passkey_challenges_by_user ON passkey_challenges (user_id, expires_at);
CREATE INDEX passkey_challenges_by_end ON passkey_challenges (expires_at);
"""

_DOWN: Final = """
DROP TABLE passkey_challenges;
DROP TABLE passkeys;
"""


def upgrade() -> None:
    """Create the tables."""
    execute_script(_UP)


def downgrade() -> None:
    """Forget all passkeys: nobody signs in with one any more."""
    execute_script(_DOWN)
