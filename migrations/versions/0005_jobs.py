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

# Only what is the queue's goes: the schema may be somebody else's, and hold more.
_DOWN: Final = """
DROP INDEX refresh_tokens_by_expiry;
DROP INDEX sessions_by_end;
DROP TABLE job_outcomes;
SET LOCAL search_path TO jobs;
DROP FUNCTION procrastinate_fetch_job_v2;
DROP TABLE
    procrastinate_events, procrastinate_periodic_defers, procrastinate_jobs, procrastinate_workers;
DROP FUNCTION
    procrastinate_cancel_job_v1,
    procrastinate_defer_jobs_v1,
    procrastinate_defer_periodic_job_v2,
    procrastinate_finish_job_v1,
    procrastinate_notify_queue_abort_job_v1,
    procrastinate_notify_queue_job_inserted_v1,
    procrastinate_prune_stalled_workers_v1,
    procrastinate_register_worker_v1,
    procrastinate_retry_job_v1,
    procrastinate_retry_job_v2,
    procrastinate_trigger_abort_requested_events_procedure_v1,
    procrastinate_trigger_function_scheduled_events_v1,
    procrastinate_trigger_function_status_events_insert_v1,
    procrastinate_trigger_function_status_events_update_v1,
    procrastinate_unlink_periodic_defers_v1,
    procrastinate_unregister_worker_v1,
    procrastinate_update_heartbeat_v1;
DROP TYPE
    procrastinate_job_to_defer_v1, procrastinate_job_event_type, procrastinate_job_status;
RESET search_path;
DO $$
BEGIN
    IF EXISTS (SELECT FROM pg_namespace
                WHERE nspname = 'jobs' AND nspowner = current_user::regrole) THEN
        DROP SCHEMA jobs;
    END IF;
EXCEPTION WHEN dependent_objects_still_exist THEN
    NULL;
END
$$;
"""


def upgrade() -> None:
    schema = Path(__file__).with_suffix(".sql").read_text("utf-8")
    execute_script(_BEGIN + schema + _END)


def downgrade() -> None:
    execute_script(_DOWN)
