"""A time zone that nobody chose: whoever saved any preference before had `UTC` written beside it.

It was what stood for "not given" and no page showed times by it; what isn't given is `local` now.
Whoever wants UTC chooses it again.
"""

from typing import Final

from migrations.script import execute_script

revision: Final = "0051"
down_revision: Final = "0050"

_UP: Final = """
UPDATE users SET preferences = preferences - 'timeZone' WHERE preferences ->> 'timeZone' = 'UTC';
"""


def upgrade() -> None:
    """Take it away."""
    execute_script(_UP)


def downgrade() -> None:
    """Leave it: a program of before takes what isn't given as UTC itself."""
