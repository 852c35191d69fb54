"""Questions that people have researched on the web, and what each month's budget has paid for.

A question is queued, its intent to be sent is stored (STARTING) before it is, its run's id after;
UNKNOWN is one whose answer was lost, which a message of the service may still find. `token` is what
it is called at the service. Amounts are 1/100 cent, months year * 100 + month of UTC, times
microseconds since the Unix epoch. `held` and `spent` of a month never pass its budget together.
"""

from typing import Final

from migrations.script import execute_script

revision: Final = "0053"
down_revision: Final = "0052"

_UP: Final = """
CREATE TABLE research_budgets (
    user_id bigint  NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    month   integer NOT NULL,
    held    bigint  NOT NULL DEFAULT 0 CHECK (held >= 0),
    spent   bigint  NOT NULL DEFAULT 0 CHECK (spent >= 0),
    PRIMARY KEY (user_id, month)
) WITH (fillfactor = 50);

CREATE TABLE research (
    id           bigint  GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    user_id      bigint  NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    request_id   text    COLLATE "C",
    query        text    NOT NULL,
    platform     text,
    external_id  text    COLLATE "C",
    processor    text    NOT NULL,
    format       text    NOT NULL,
    input        text    NOT NULL,
    key          bytea   NOT NULL CHECK (length(key) = 32),
    token        text    COLLATE "C" NOT NULL UNIQUE,
    run_id       text    COLLATE "C" UNIQUE,
    status       text    NOT NULL CHECK (status IN
                     ('QUEUED', 'STARTING', 'RUNNING', 'UNKNOWN', 'COMPLETED', 'FAILED')),
    cost         bigint  NOT NULL CHECK (cost >= 0),
    month        integer NOT NULL,
    is_cached    boolean NOT NULL DEFAULT false,
    is_deleted   boolean NOT NULL DEFAULT false,
    tries        integer NOT NULL DEFAULT 0,
    next_at      bigint,
    progress     text    NOT NULL DEFAULT '{}',
    content_type text    CHECK (content_type IN ('text', 'json')),
    content      text,
    sources      text,
    error        text,
    created_at   bigint  NOT NULL,
    started_at   bigint,
    ended_at     bigint,
    changed_at   bigint  NOT NULL,
    version      integer NOT NULL DEFAULT 1,
    CHECK ((platform IS NULL) = (external_id IS NULL)),
    CHECK ((status IN ('COMPLETED', 'FAILED')) = (next_at IS NULL)),
    CHECK ((status IN ('COMPLETED', 'FAILED')) = (ended_at IS NOT NULL)),
    CHECK ((status = 'COMPLETED') = (content IS NOT NULL)),
    UNIQUE (user_id, request_id)
);
CREATE INDEX research_by_owner ON research (user_id, id);
CREATE INDEX research_due ON research (next_at) WHERE next_at IS NOT NULL;
CREATE INDEX research_by_change ON research (changed_at);
CREATE INDEX research_found ON research (key, ended_at)
 WHERE status = 'COMPLETED' AND NOT is_cached;
CREATE INDEX research_by_end ON research (ended_at) WHERE ended_at IS NOT NULL;

CREATE TABLE research_messages (
    id text   COLLATE "C" PRIMARY KEY CHECK (length(id) <= 255),
    at bigint NOT NULL
);
CREATE INDEX research_messages_by_time ON research_messages (at);
"""

_DOWN: Final = """
DROP TABLE research_messages, research, research_budgets;
"""


def upgrade() -> None:
    """Create the tables."""
    execute_script(_UP)


def downgrade() -> None:
    """Drop the tables."""
    execute_script(_DOWN)
