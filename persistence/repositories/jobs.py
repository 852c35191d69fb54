"""The job queue's tables as the exchange asks them: what waits, what came of it, what is over.

Taking, running and ending jobs is Procrastinate's own (`gateway/jobs/queue.py`), in the schema
`jobs`, whose functions and triggers name tables without it: whatever changes a row there does so in
a transaction with that search path. `job_outcomes` is ours. Times are microseconds since the epoch.
"""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, Final

import msgspec

from persistence.clock import AHEAD_US
from persistence.postgres.database import DeadlinePool, affected

if TYPE_CHECKING:
    from asyncpg import Record
    from asyncpg.pool import PoolConnectionProxy

ERROR_LENGTH: Final = 500
"""Of the last error that is kept of a job; longer ones are cut."""

_PUT: Final = """
SELECT unnest(procrastinate_defer_jobs_v1(ARRAY[
    ROW($1, $1, 0, $2, NULL, $3::jsonb,
        CASE WHEN $4::float8 > 0 THEN now() + $4 * interval '1 s' END
    )]::procrastinate_job_to_defer_v1[]))
"""
# What lies far ahead is of a clock that was wrong, and stays no longer than until the next one.
_SUCCEEDED: Final = f"""
INSERT INTO job_outcomes (name, last_success_at) VALUES ($1, $2)
    ON CONFLICT (name) DO UPDATE
   SET last_success_at = CASE WHEN job_outcomes.last_success_at
                                   > excluded.last_success_at + {AHEAD_US}
                              THEN excluded.last_success_at
                              ELSE greatest(job_outcomes.last_success_at, excluded.last_success_at)
                         END
"""  # noqa: S608 - a constant
_FAILED: Final = f"""
INSERT INTO job_outcomes (name, last_failure_at, last_error) VALUES ($1, $2, $3)
    ON CONFLICT (name) DO UPDATE
   SET last_failure_at = excluded.last_failure_at, last_error = excluded.last_error
 WHERE job_outcomes.last_failure_at IS NULL
    OR job_outcomes.last_failure_at <= excluded.last_failure_at
    OR job_outcomes.last_failure_at > excluded.last_failure_at + {AHEAD_US}
"""  # noqa: S608 - a constant
# Counts every run that is kept of these jobs, found by queue: those that wait, those under way, and
# those that failed, which housekeeping bounds; what ended well is gone.
_STANDINGS: Final = """
SELECT name, o.last_success_at, o.last_failure_at, o.last_error,
       count(j.id) FILTER (WHERE j.status = 'todo') AS queued,
       count(j.id) FILTER (WHERE j.status = 'doing') AS running,
       count(j.id) FILTER (WHERE j.status IN ('failed', 'aborted')) AS failed,
       (extract(epoch FROM min(j.scheduled_at) FILTER (WHERE j.status = 'todo')) * 1000000)::bigint
           AS due_at
  FROM unnest($1::text[]) AS name
  LEFT JOIN job_outcomes o USING (name)
  LEFT JOIN jobs.procrastinate_jobs j ON j.queue_name = name
 GROUP BY name, o.last_success_at, o.last_failure_at, o.last_error
"""
_IS_SUPERSEDED: Final = """
SELECT EXISTS (SELECT FROM jobs.procrastinate_jobs
                WHERE queue_name = $1 AND status = 'todo' AND id > $2)
"""
# One statement, so that of several workers that see the same dead one each takes other jobs: who
# comes second finds the row changed. A worker's row may be gone already (ON DELETE SET NULL).
_RESCUE: Final = """
UPDATE procrastinate_jobs j
   SET status = CASE WHEN j.attempts + 1 < bound.tries THEN 'todo' ELSE 'failed'
                END::procrastinate_job_status,
       attempts = j.attempts + 1, abort_requested = false, worker_id = NULL,
       scheduled_at = CASE WHEN j.attempts + 1 < bound.tries THEN now() ELSE j.scheduled_at END
  FROM unnest($1::text[], $2::integer[], $3::float8[]) AS bound(name, tries, overdue_s)
 WHERE j.queue_name = bound.name AND j.status = 'doing'
   AND (NOT EXISTS (SELECT FROM procrastinate_workers w
                     WHERE w.id = j.worker_id AND w.last_heartbeat >= now() - $4 * interval '1 s')
     OR NOT EXISTS (SELECT FROM procrastinate_events e
                     WHERE e.job_id = j.id AND e.type = 'started'
                       AND e.at >= now() - bound.overdue_s * interval '1 s')
     OR EXISTS (SELECT FROM unnest($5::bigint[], $6::integer[]) AS ended(id, attempts)
                 WHERE ended.id = j.id AND ended.attempts = j.attempts))
RETURNING j.queue_name AS name, j.id, j.status::text = 'todo' AS again
"""
# Whatever ends a run (Procrastinate, or _RESCUE) adds its try afterwards.
_INTERRUPTED: Final = """
UPDATE procrastinate_jobs SET attempts = attempts - 1 WHERE id = $1 AND status = 'doing'
"""
_PRUNE: Final = """
DELETE FROM procrastinate_jobs
 WHERE id IN (SELECT j.id FROM procrastinate_jobs j
               WHERE j.status IN ('succeeded', 'failed', 'cancelled', 'aborted')
                 AND NOT EXISTS (SELECT FROM procrastinate_events e
                                  WHERE e.job_id = j.id
                                    AND e.at > to_timestamp($1::double precision / 1000000))
               ORDER BY j.id LIMIT $2 FOR UPDATE SKIP LOCKED)
"""


class Standing(msgspec.Struct, frozen=True):
    """How a job stands, over all processes; `due_at` of a try that waits for its time."""

    name: str
    last_success_at: int | None
    last_failure_at: int | None
    last_error: str | None
    queued: int
    running: int
    failed: int
    due_at: int | None


class Bounds(msgspec.Struct, frozen=True):
    """A run's tries (failures and deaths of its worker), and when nobody can be at it any more."""

    name: str
    tries: int
    overdue_s: float


class Rescued(msgspec.Struct, frozen=True):
    """A run that nobody is at any more; `again` unless it has had all its tries."""

    name: str
    id: int
    again: bool


class JobRows:
    """Reads and writes what is known of jobs."""

    def __init__(self, pool: DeadlinePool) -> None:
        self._pool = pool

    async def put(
        self,
        name: str,
        arguments: Mapping[str, Any] | None = None,
        *,
        lock: str | None = None,
        after_s: float = 0.0,
    ) -> int:
        """Queue one run of a job, in so many seconds at the earliest, and return its number; of the
        same `lock` one runs at a time, and those behind one that waits for its time wait too.
        """
        text = msgspec.json.encode(arguments or {}).decode("utf-8")
        async with self._in_jobs() as connection:
            number: int = await connection.fetchval(_PUT, name, lock, text, float(after_s))
        return number

    async def put_unless_there(
        self, name: str, arguments: Mapping[str, Any] | None = None, *, after_s: float = 0.0
    ) -> None:
        """Queue a run of a job, unless one waits or is under way; one of it goes at a time."""
        standing = (await self.standings([name]))[name]
        if not (standing.queued or standing.running):
            await self.put(name, arguments, lock=name, after_s=after_s)

    async def succeeded(self, name: str, at: int) -> None:
        """Note that a run ended well."""
        await self._pool.execute(_SUCCEEDED, name, at)

    async def failed(self, name: str, at: int, error: str) -> None:
        """Note that a run failed, and why in one line of at most `ERROR_LENGTH` characters."""
        await self._pool.execute(_FAILED, name, at, _one_line(error))

    async def interrupted(self, number: int) -> None:
        """Give a run that is cut off its try back, before it is queued again."""
        async with self._in_jobs() as connection:
            await connection.execute(_INTERRUPTED, number)

    async def standings(self, names: Sequence[str]) -> dict[str, Standing]:
        """Return how these jobs stand, by name."""
        rows = await self._pool.fetch(_STANDINGS, list(names))
        return {row["name"]: Standing(*row) for row in rows}

    async def last_successes(self) -> dict[str, int]:
        """Return when each job ended well last, in whatever process."""
        rows = await self._pool.fetch(
            "SELECT name, last_success_at FROM job_outcomes WHERE last_success_at IS NOT NULL"
        )
        return {row["name"]: row["last_success_at"] for row in rows}

    async def is_superseded(self, name: str, number: int) -> bool:
        """Say whether a later run of the job waits already."""
        return bool(await self._pool.fetchval(_IS_SUPERSEDED, name, number))

    async def rescue(
        self, bounds: Sequence[Bounds], silent_s: float, ended: Sequence[tuple[int, int]] = ()
    ) -> list[Rescued]:
        """Queue again what was under way and nobody is at any more.

        That is what workers had which haven't been heard for `silent_s` seconds, what whoever asks
        knows to be over (`ended`: numbers, and which try each was), and what is overdue because its
        worker couldn't say that it ended. A run that takes its process with it each time ends as
        failed. Jobs of other names are left alone.
        """
        async with self._in_jobs() as connection:
            rows = await connection.fetch(
                _RESCUE,
                [one.name for one in bounds],
                [one.tries for one in bounds],
                [one.overdue_s for one in bounds],
                float(silent_s),
                [number for number, _ in ended],
                [tried for _, tried in ended],
            )
        return [Rescued(*row) for row in rows]

    async def prune(self, before: int, limit: int) -> int:
        """Delete at most `limit` jobs that were over before a time; return how many those were."""
        async with self._in_jobs() as connection:
            return affected(await connection.execute(_PRUNE, before, limit))

    @asynccontextmanager
    async def _in_jobs(self) -> "AsyncIterator[PoolConnectionProxy[Record]]":
        async with self._pool.transaction() as connection:
            await connection.execute("SET LOCAL search_path TO jobs")
            yield connection


def _one_line(text: str) -> str:
    """Return the text as PostgreSQL takes it and a person reads it: one line, not endless."""
    line = " ".join(text.replace("\x00", " ").split())
    return line.encode("utf-8", "replace").decode("utf-8")[:ERROR_LENGTH]
