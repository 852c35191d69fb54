"""What one sees of one's sessions: the device, the address, when it was last there; and two times
by which a session is trusted: when its owner last proved who they are, and when it ends for good
however often it is renewed.
"""

from typing import Final

from migrations.script import execute_script

revision: Final = "0027"
down_revision: Final = "0026"

# Sessions of before end thirty days after they began, or when their last token does.
_UP: Final = """
ALTER TABLE sessions
    ADD COLUMN device    text CHECK (length(device) <= 200),
    ADD COLUMN address   text CHECK (length(address) <= 64),
    ADD COLUMN seen_at   bigint,
    ADD COLUMN proved_at bigint,
    ADD COLUMN ends_at   bigint;
UPDATE sessions SET seen_at = created_at, proved_at = created_at,
                    ends_at = greatest(expires_at, created_at + 2592000000000);
ALTER TABLE sessions
    ALTER COLUMN seen_at SET NOT NULL,
    ALTER COLUMN proved_at SET NOT NULL,
    ALTER COLUMN ends_at SET NOT NULL;
"""

_DOWN: Final = """
ALTER TABLE sessions
    DROP COLUMN device, DROP COLUMN address, DROP COLUMN seen_at, DROP COLUMN proved_at,
    DROP COLUMN ends_at;
"""


def upgrade() -> None:
    execute_script(_UP)


def downgrade() -> None:
    execute_script(_DOWN)
