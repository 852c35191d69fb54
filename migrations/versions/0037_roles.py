"""Two more roles: MARKET_MAKER, who may call more often, and AUDITOR, who reads what admins read.

Neither changes anything that USER may not.
"""

from typing import Final

from migrations.script import execute_script

revision: Final = "0037"
down_revision: Final = "0036"

_UP: Final = """
ALTER TABLE users
    DROP CONSTRAINT users_role_check,
    ADD CONSTRAINT users_role_check
        CHECK (role IN ('USER', 'MARKET_MAKER', 'AUDITOR', 'ADMIN'));
CREATE INDEX users_by_role ON users (role, id) WHERE role <> 'USER';
"""

_DOWN: Final = """
DROP INDEX users_by_role;
UPDATE users SET role = 'USER' WHERE role IN ('MARKET_MAKER', 'AUDITOR');
ALTER TABLE users
    DROP CONSTRAINT users_role_check,
    ADD CONSTRAINT users_role_check CHECK (role IN ('USER', 'ADMIN'));
"""


def upgrade() -> None:
    """Allow the roles."""
    execute_script(_UP)


def downgrade() -> None:
    """Make whoever has one of them a user."""
    execute_script(_DOWN)
