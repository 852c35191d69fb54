"""From whatever failed to what its sender is told: one table for every transport.

ApiError                     itself
EngineElsewhere              503 READS_ONLY, with where to send it
CancelsOnly                  503 UNAVAILABLE, saying so
CommandNotTaken              503 UNAVAILABLE: nothing happened, try again
SegmentUnreadable            503 UNAVAILABLE, with the file that holds what was asked for
a database that is away      503 UNAVAILABLE
LastWayIn                    409 CONFLICT: an account keeps a way in
LastFactor                   409 CONFLICT: an admin keeps a second factor
OutcomeUnknown, a cancel     504 UNKNOWN_OUTCOME: only a retry under the same id tells
anything else                a fault of ours, which whoever serves logs and answers 500

Law: a failure that has an answer is an outcome like any other, and goes as one. A traceback holds
the frames it came through and with them the request, the task and the answer, which hold the
failure: a ring that only the collector frees, and that comes rarely (`bootstrap/garbage.py`). So
its traceback is taken off.
"""

import asyncio
from typing import Final

from gateway.wire.errors import (
    ApiError,
    Conflict,
    DatabaseAway,
    ReadsOnly,
    Unavailable,
    UnknownOutcome,
)
from persistence.errors import (
    CancelsOnly,
    CommandNotTaken,
    EngineElsewhere,
    LastFactor,
    LastWayIn,
    OutcomeUnknown,
    SegmentUnreadable,
)
from persistence.postgres.database import OUTAGES

_FILE_AWAY_S: Final = 60


def answer_of(error: BaseException) -> ApiError | None:
    """Return the answer that a failure has, None for a fault of ours.

    A failure that has one loses its traceback, and so do those that it came from.
    """
    answer = _answer_of(error)
    if answer is not None:
        failure: BaseException | None = error
        while failure is not None:
            failure.__traceback__ = None
            failure = failure.__context__
    return answer


def _answer_of(error: BaseException) -> ApiError | None:
    if isinstance(error, ApiError):
        return error
    if isinstance(error, EngineElsewhere):
        return ReadsOnly(str(error))
    if isinstance(error, CancelsOnly):
        return Unavailable(str(error))
    if isinstance(error, CommandNotTaken):
        return Unavailable()
    if isinstance(error, LastWayIn):
        return Conflict("Nobody could sign in to the account any more; add another way in first")
    if isinstance(error, LastFactor):
        return Conflict("An admin needs a second factor here; add another one first")
    if isinstance(error, SegmentUnreadable):
        return Unavailable(str(error), retry_after_seconds=_FILE_AWAY_S)
    if isinstance(error, OutcomeUnknown | asyncio.CancelledError):
        return UnknownOutcome()
    if isinstance(error, OUTAGES):
        return DatabaseAway()
    return None
