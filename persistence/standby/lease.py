"""Who leads, and when the database heard of it last: the lease that a standby waits for.

::

    the lock is free          nobody leads
    its session is at work    the database is, for the engine that leads: it is alive
    ... waits for its engine  the lease runs: so long it has said nothing

Laws: the lease is the leader's own session, which holds the lock and says something once a second
at least (`sequencer`, `Journal.ping`): PostgreSQL notes when, so that renewing it costs no write,
no sync and no row, and no two machines' clocks are compared. A session that PostgreSQL works for is
never silent, however long it takes: another engine would wait just as long. One that is `starting`
reads the tables and says nothing meanwhile; it has more time. Where sessions can't be seen (another
role, `track_activities` off) only the lock tells. Nothing here is a fence: whoever is ended by
mistake commits nothing more, and that is all.
"""

from datetime import datetime
from typing import Final

import msgspec

from persistence.loop.recovery import LEADER_LOCK, STARTING
from persistence.postgres.database import Fetching

STARTING_S: Final = 120.0
"""So long an engine may read the tables without a word."""
_END_MS: Final = 2_000
"""So long an ended session is waited for."""
_HELD: Final = """
    l.locktype = 'advisory' AND l.granted AND l.objsubid = 1
    AND l.classid = $1::bigint::oid AND l.objid = $2::bigint::oid
    AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())
"""
_LOOK: Final = f"""
    SELECT e.epoch, e.last_seq, e.chain_hash, h.pid, h.backend_start,
           coalesce(h.application_name = $3, false) AS starting,
           CASE WHEN h.state = 'active' AND h.wait_event_type IS DISTINCT FROM 'Client' THEN 0
                ELSE extract(epoch FROM clock_timestamp()
                             - greatest(h.state_change, h.query_start))::float8 END AS silent_s
      FROM engine_state e
      LEFT JOIN (SELECT l.pid, a.backend_start, a.application_name, a.state, a.wait_event_type,
                        a.state_change, a.query_start
                   FROM pg_locks l LEFT JOIN pg_stat_activity a ON a.pid = l.pid
                  WHERE {_HELD}) AS h ON true
"""  # noqa: S608 - constants
_END: Final = f"""
    SELECT pg_terminate_backend(l.pid, {_END_MS})
      FROM pg_locks l JOIN pg_stat_activity a ON a.pid = l.pid
     WHERE {_HELD} AND l.pid = $3 AND a.backend_start = $4
"""  # noqa: S608 - constants
_KEY: Final = (LEADER_LOCK >> 32, LEADER_LOCK & 0xFFFF_FFFF)


class Leader(msgspec.Struct, frozen=True):
    """The session that holds the lead."""

    pid: int
    since: datetime | None
    """When it began; None if the role may not see it."""
    silent_s: float | None
    """How long it has said nothing, by the database's clock; None if that can't be seen."""
    is_starting: bool

    def has_lost(self, lease_s: float) -> bool:
        """Say whether its lease of so many seconds has run out."""
        left = max(lease_s, STARTING_S) if self.is_starting else lease_s
        return self.silent_s is not None and self.silent_s > left


class Standing(msgspec.Struct, frozen=True):
    """Where the exchange stands, and who leads it."""

    epoch: int
    last_seq: int
    chain_hash: bytes
    leader: Leader | None


async def look(source: Fetching) -> Standing | None:
    """Ask where the exchange stands and who leads; None if its row is missing."""
    row = await source.fetchrow(_LOOK, *_KEY, STARTING)
    if row is None:
        return None
    epoch, last_seq, chain_hash, pid, since, is_starting, silent_s = row.values()
    leader = None if pid is None else Leader(pid, since, silent_s, is_starting)
    return Standing(epoch, last_seq, chain_hash, leader)


async def end(source: Fetching, leader: Leader) -> None:
    """End the session of a leader whose lease ran out, if it still is the one that leads."""
    if leader.since is not None:
        await source.fetch(_END, *_KEY, leader.pid, leader.since)
