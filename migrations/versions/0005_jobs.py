"""The tables of the job queue, what came of each job last, and an index for what has ended.

`0005_jobs.sql` is the schema of Procrastinate 3.10.0, letter for letter, and stays that: a released
step does the same for ever, whichever version of the library is installed. It lives in a schema of
its own, `jobs`, which whoever works on it has first in the search path; its functions name tables
without one.

A newer Procrastinate comes with scripts of its own, `procrastinate/sql/migrations/{version}_*.sql`,
those named `pre` before those named `post`. Those later than 3.10.0 go, in their order and as
frozen text like this one, into the next step here, under the same search path; the way back is
written by hand. `tests/migrations/test_jobs.py` compares the schema with the installed library's,
so an upgrade without its step fails, and pyproject.toml keeps the library below the next minor
version.
"""

from pathlib import Path
from typing import Final

from migrations.script import execute_script

revision: Final = "0005"
down_revision: Final = "0004"

# Whoever may not make schemas gets this one made by somebody who may, before the upgrade.
_BEGIN: Final = """
DO $$
BEGIN
    IF to_regnamespace('jobs') IS NULL THEN
        CREATE SCHEMA jobs;
    END IF;
END
$$;
SET LOCAL search_path TO jobs;
"""

_END: Final = """
RESET search_path;

-- What came of each job last, whichever process ran it; `error` in a line of bounded length.
CREATE TABLE job_outcomes (
    name            text PRIMARY KEY CHECK (length(name) BETWEEN 1 AND 128),
    last_success_at bigint,
    last_failure_at bigint,
    last_error      text CHECK (length(last_error) <= 500)
);

-- What housekeeping looks for: a session that is over, a token that has expired.
CREATE INDEX sessions_by_end ON sessions (least(expires_at, coalesce(revoked_at, expires_at)));
CREATE INDEX refresh_tokens_by_expiry ON refresh_tokens (expires_at);
"""

_DOWN: Final = """
DROP INDEX refresh_tokens_by_expiry;
DROP INDEX sessions_by_end;
DROP TABLE job_outcomes;
DROP SCHEMA jobs CASCADE;
"""


def upgrade() -> None:
    schema = Path(__file__).with_suffix(".sql").read_text("utf-8")
    execute_script(_BEGIN + schema + _END)


def downgrade() -> None:
    execute_script(_DOWN)
