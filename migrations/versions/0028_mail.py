"""What was mailed to people, to be sent back by them: tokens that are used once, as hashes, and
changes of an e-mail address that wait for it.

`mail_tokens.email` is the address that a token is about, so that it is worth nothing once the
account has another one.
"""

from typing import Final

from migrations.script import execute_script

revision: Final = "0028"
down_revision: Final = "0027"

_UP: Final = """
CREATE TABLE mail_tokens (
    token_hash bytea  PRIMARY KEY CHECK (length(token_hash) = 32),
    user_id    bigint NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    purpose    text   NOT NULL CHECK (purpose IN ('verify', 'reset', 'change-old', 'change-new')),
    email      text   NOT NULL CHECK (length(email) <= 254),
    expires_at bigint NOT NULL
);
CREATE INDEX mail_tokens_by_user ON mail_tokens (user_id);
CREATE INDEX mail_tokens_by_end ON mail_tokens (expires_at);

CREATE TABLE email_changes (
    user_id    bigint  PRIMARY KEY REFERENCES users (id) ON DELETE CASCADE,
    email      text    NOT NULL CHECK (email = lower(email) AND length(email) <= 254),
    asks_old   boolean NOT NULL,
    old_at     bigint,
    new_at     bigint,
    expires_at bigint  NOT NULL
);
COMMENT ON COLUMN email_changes.asks_old IS 'whether it must be confirmed at the old address too';
CREATE INDEX email_changes_by_end ON email_changes (expires_at);
"""

_DOWN: Final = """
DROP TABLE email_changes;
DROP TABLE mail_tokens;
"""


def upgrade() -> None:
    execute_script(_UP)


def downgrade() -> None:
    execute_script(_DOWN)
