"""Counts of sign-ins know the window before, so that the limits move with the clock.

What is there counts as hits of a window without one before it.
"""

from typing import Final

from migrations.script import execute_script

revision: Final = "0042"
down_revision: Final = "0041"

_UP: Final = """
ALTER TABLE sign_in_counts
    ADD COLUMN window_us bigint NOT NULL DEFAULT 0,
    ADD COLUMN hits_before bigint NOT NULL DEFAULT 0;
COMMENT ON TABLE sign_in_counts IS
    'Hits of a key in its window of `window_us`, which ends at `ends_at`, and in the one before';
"""

_DOWN: Final = """
ALTER TABLE sign_in_counts DROP COLUMN hits_before, DROP COLUMN window_us;
COMMENT ON TABLE sign_in_counts IS 'Hits of a key in its window, which ends at `ends_at` (us)';
"""


def upgrade() -> None:
    execute_script(_UP)


def downgrade() -> None:
    execute_script(_DOWN)
