"""What one admin proposes and another one approves.

`effect_id` is what makes carrying it out happen once; `claimed_at` is when somebody last began to.
Times are microseconds since the Unix epoch. No foreign keys: it outlives whom it speaks of.
"""

from typing import Final

from migrations.script import execute_script

revision: Final = "0038"
down_revision: Final = "0037"

_UP: Final = """
CREATE TABLE proposals (
    id          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    proposer_id bigint NOT NULL,
    client_id   text,
    action      text   NOT NULL,
    target      text   NOT NULL,
    body        text   NOT NULL,
    reason      text   NOT NULL,
    effect_id   text   NOT NULL UNIQUE,
    created_at  bigint NOT NULL,
    expires_at  bigint NOT NULL,
    status      text   NOT NULL DEFAULT 'OPEN' CHECK (
        status IN ('OPEN', 'APPROVED', 'DONE', 'REFUSED', 'REJECTED', 'LAPSED')),
    decided_by  bigint,
    decided_at  bigint,
    claimed_at  bigint,
    seq_before  bigint,
    outcome     text,
    UNIQUE (proposer_id, client_id)
);
CREATE INDEX proposals_under_way ON proposals (status, id) WHERE status IN ('OPEN', 'APPROVED');
CREATE INDEX proposals_decided ON proposals (decided_by, id);
"""

_DOWN: Final = "DROP TABLE proposals;"


def upgrade() -> None:
    """Create the table."""
    execute_script(_UP)


def downgrade() -> None:
    """Forget what was proposed; the audit log tells what came of it."""
    execute_script(_DOWN)
