"""Accounts elsewhere (X, Google) that people sign in with, and sign-ins that are under way there.

`tokens` is sealed (`gateway.sealing`). What is under way is known by hashes alone: of the state
that the provider gives back, of the code that a page exchanges, of the browser's cookie. It is
worth nothing after minutes, so those tables are unlogged. Times are microseconds since the Unix
epoch.
"""

from typing import Final

from migrations.script import execute_script

revision: Final = "0035"
down_revision: Final = "0034"

_UP: Final = """
CREATE TABLE linked_accounts (
    user_id      bigint NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    provider     text   NOT NULL CHECK (provider IN ('x', 'google')),
    subject      text   NOT NULL CHECK (length(subject) BETWEEN 1 AND 255),
    label        text   CHECK (length(label) <= 254),
    tokens       bytea  NOT NULL,
    created_at   bigint NOT NULL,
    last_used_at bigint NOT NULL,
    PRIMARY KEY (user_id, provider),
    UNIQUE (provider, subject)
);
COMMENT ON COLUMN linked_accounts.label IS 'by what its owner knows it there; shown to nobody else';

CREATE UNLOGGED TABLE sign_in_flows (
    state_hash   bytea  PRIMARY KEY CHECK (length(state_hash) = 32),
    browser_hash bytea  NOT NULL CHECK (length(browser_hash) = 32),
    provider     text   NOT NULL,
    user_id      bigint,
    session_id   bigint,
    expires_at   bigint NOT NULL
);
COMMENT ON COLUMN sign_in_flows.user_id IS 'who links an account; null: somebody signs in';
CREATE INDEX sign_in_flows_by_end ON sign_in_flows (expires_at);

CREATE UNLOGGED TABLE sign_in_codes (
    code_hash    bytea  PRIMARY KEY CHECK (length(code_hash) = 32),
    browser_hash bytea  NOT NULL CHECK (length(browser_hash) = 32),
    provider     text   NOT NULL,
    user_id      bigint NOT NULL,
    expires_at   bigint NOT NULL
);
CREATE INDEX sign_in_codes_by_end ON sign_in_codes (expires_at);
"""

# Whoever has no other way in would be shut out for good.
_DOWN: Final = """
DO $$
BEGIN
    IF EXISTS (SELECT FROM linked_accounts) THEN
        RAISE EXCEPTION 'people sign in by X or Google, which the version before doesn''t know';
    END IF;
END
$$;
DROP TABLE sign_in_codes;
DROP TABLE sign_in_flows;
DROP TABLE linked_accounts;
"""


def upgrade() -> None:
    execute_script(_UP)


def downgrade() -> None:
    execute_script(_DOWN)
