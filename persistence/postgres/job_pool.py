"""The job queue's connections: Procrastinate speaks through psycopg, the rest through asyncpg.

Laws: the schema `jobs` comes first in the search path, as the library's own functions expect it;
every wait has an end, as in `database.py`; how many connections there can be is known, since they
count in DATABASE_POOL_SIZE. They need a server of their own to listen and to set the path: past a
pooler, by DIRECT_URL.
"""

from typing import Final

from procrastinate import PsycopgConnector
from psycopg import ProgrammingError
from psycopg.conninfo import conninfo_to_dict

from persistence.errors import DatabaseUnavailable
from persistence.postgres.database import ACQUIRE_TIMEOUT_S, CONNECT_TIMEOUT_S

_POOLED: Final = 2
JOB_CONNECTIONS: Final = _POOLED + 1
"""At most so many are open: the pool's, and the one that hears of new jobs."""
_STATEMENT_TIMEOUT_MS: Final = 10_000


def job_connector(url: str) -> PsycopgConnector:
    """Return what Procrastinate reaches the database with; nothing is opened yet.

    Raises:
        DatabaseUnavailable: psycopg can't read the URL; it takes fewer settings in it than asyncpg.
    """
    try:
        conninfo_to_dict(url)
    except ProgrammingError:
        raise DatabaseUnavailable(
            "the job queue can't use DATABASE_URL or DIRECT_URL: a setting in it isn't libpq's"
        ) from None
    return PsycopgConnector(
        conninfo=url,
        min_size=1,
        max_size=_POOLED,
        timeout=ACQUIRE_TIMEOUT_S,
        kwargs={
            "application_name": "probity jobs",
            "connect_timeout": int(CONNECT_TIMEOUT_S),
            "keepalives_idle": 10,
            "keepalives_interval": 5,
            "keepalives_count": 3,
            "options": f"-c search_path=jobs -c statement_timeout={_STATEMENT_TIMEOUT_MS}",
        },
    )
