"""Users, their sessions and refresh tokens, and the audit log.

A user's id is also the number of the account in the exchange. Times are microseconds since the
Unix epoch.
"""

from typing import Final

from migrations.script import execute_script

revision: Final = "0001"
down_revision: Final = None

_UP: Final = """
CREATE TABLE users (
    id            bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    email         text   NOT NULL UNIQUE CHECK (email = lower(email) AND length(email) <= 254),
    display_name  text   CHECK (length(display_name) BETWEEN 1 AND 40),
    role          text   NOT NULL CHECK (role IN ('USER', 'ADMIN')),
    password_hash text   NOT NULL,
    created_at    bigint NOT NULL
);
COMMENT ON COLUMN users.display_name IS 'NULL shows as "Trader-" and the id, never as the e-mail';
CREATE INDEX users_admins ON users (id) WHERE role = 'ADMIN';

-- One row a sign-in: the family of all refresh tokens that descend from it.
CREATE TABLE sessions (
    id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    user_id    bigint NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    created_at bigint NOT NULL,
    expires_at bigint NOT NULL,
    revoked_at bigint
);
CREATE INDEX sessions_by_user ON sessions (user_id, expires_at);

CREATE TABLE refresh_tokens (
    token_hash bytea  PRIMARY KEY CHECK (length(token_hash) = 32),
    session_id bigint NOT NULL REFERENCES sessions (id) ON DELETE CASCADE,
    created_at bigint NOT NULL,
    expires_at bigint NOT NULL,
    rotated_at bigint
);
CREATE INDEX refresh_tokens_by_session ON refresh_tokens (session_id);

-- No foreign key: the log outlives whom it speaks of.
CREATE TABLE audit_log (
    id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at         bigint NOT NULL,
    actor_id   bigint,
    action     text   NOT NULL,
    target     text,
    outcome    text   NOT NULL,
    request_id text   NOT NULL
);
CREATE INDEX audit_log_by_actor ON audit_log (actor_id, id);
"""

_DOWN: Final = """
DROP TABLE audit_log;
DROP TABLE refresh_tokens;
DROP TABLE sessions;
DROP TABLE users;
"""


def upgrade() -> None:
    execute_script(_UP)


def downgrade() -> None:
    execute_script(_DOWN)
