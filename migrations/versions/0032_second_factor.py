"""Second factors: codes of an authenticator app, recovery codes, and sign-ins that wait for one.

`secret` and `pending` are sealed (`gateway.sealing`); `pending` is one that was shown and isn't
confirmed yet. `last_step` is the time step of the last code that was taken, so that none is taken
twice. Codes and tokens are kept as hashes. Times are microseconds since the Unix epoch.
"""

from typing import Final

from migrations.script import execute_script

revision: Final = "0032"
down_revision: Final = "0031"

_UP: Final = """
CREATE TABLE totp_factors (
    user_id      bigint PRIMARY KEY REFERENCES users (id) ON DELETE CASCADE,
    secret       bytea,
    pending      bytea,
    pending_at   bigint,
    confirmed_at bigint,
    last_step    bigint NOT NULL DEFAULT 0,
    CHECK ((pending IS NULL) = (pending_at IS NULL)),
    CHECK ((secret IS NULL) = (confirmed_at IS NULL)),
    CHECK (secret IS NOT NULL OR pending IS NOT NULL)
);

CREATE TABLE recovery_codes (
    user_id   bigint NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    code_hash bytea  NOT NULL CHECK (length(code_hash) = 32),
    made_at   bigint NOT NULL,
    PRIMARY KEY (user_id, code_hash)
);

CREATE TABLE sign_in_challenges (
    token_hash bytea   PRIMARY KEY CHECK (length(token_hash) = 32),
    user_id    bigint  NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    way        text    NOT NULL CHECK (length(way) <= 20),
    tries_left integer NOT NULL CHECK (tries_left >= 0),
    expires_at bigint  NOT NULL
);
COMMENT ON COLUMN sign_in_challenges.way IS 'by what the first factor was proved';
CREATE INDEX sign_in_challenges_by_user ON sign_in_challenges (user_id, expires_at);
CREATE INDEX sign_in_challenges_by_end ON sign_in_challenges (expires_at);
"""

_DOWN: Final = """
DROP TABLE sign_in_challenges;
DROP TABLE recovery_codes;
DROP TABLE totp_factors;
"""


def upgrade() -> None:
    """Create the tables."""
    execute_script(_UP)


def downgrade() -> None:
    """Forget all codes: whoever had a second factor signs in without one."""
    execute_script(_DOWN)
