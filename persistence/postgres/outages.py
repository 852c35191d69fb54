"""What a query raises while the database is away or too slow: an outage, no fault of ours.

For reads only. A writer on which money depends must not carry on after any of these (the outcome
of its COMMIT may be unknown).
"""

from typing import Final

import asyncpg

from persistence.errors import DatabaseUnavailable

OUTAGES: Final = (
    DatabaseUnavailable,
    asyncpg.PostgresConnectionError,
    asyncpg.OperatorInterventionError,
    asyncpg.TooManyConnectionsError,
    # Refused and reset connections; TimeoutError is one of these too.
    OSError,
)
