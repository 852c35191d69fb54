"""What people say of themselves, and that an account needs one way in, not an e-mail address.

A username is unique whatever its case. `preferences` holds the keys that
`gateway.accounts.profile.preferences` knows, as JSON.
"""

from typing import Final

from migrations.script import execute_script

revision: Final = "0026"
down_revision: Final = "0025"

_UP: Final = """
ALTER TABLE users
    ALTER COLUMN email DROP NOT NULL,
    ALTER COLUMN password_hash DROP NOT NULL,
    ADD COLUMN email_verified_at bigint,
    ADD COLUMN username    text  CHECK (username ~ '^[A-Za-z0-9_]{3,50}$'),
    ADD COLUMN avatar_url  text  CHECK (length(avatar_url) <= 500 AND avatar_url LIKE 'https://%'),
    ADD COLUMN preferences jsonb CHECK (length(preferences::text) <= 4096);
COMMENT ON COLUMN users.preferences IS 'NULL: all as they are by default';
CREATE UNIQUE INDEX users_by_username ON users (lower(username));
"""

# Accounts without an address or a password can't be told apart from others in the old table.
_DOWN: Final = """
DELETE FROM users WHERE email IS NULL OR password_hash IS NULL;
ALTER TABLE users
    DROP COLUMN preferences,
    DROP COLUMN avatar_url,
    DROP COLUMN username,
    DROP COLUMN email_verified_at,
    ALTER COLUMN password_hash SET NOT NULL,
    ALTER COLUMN email SET NOT NULL;
"""


def upgrade() -> None:
    execute_script(_UP)


def downgrade() -> None:
    execute_script(_DOWN)
