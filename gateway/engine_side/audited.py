"""Commands that admins give: each leaves a line in the audit log, whatever comes of it.

The line is written after the outcome is known and before it is told; its outcome is "ok",
"replayed", the engine's reason, "unavailable" (never taken) or "unknown". Nothing is written of a
request that the edge refused as malformed, since nothing was tried. If the line can't be written
the admin is told 504, not that nothing happened: a repeat under the same `requestId` tells.
"""

from collections.abc import Sequence
from typing import Final

from exchange.messages.commands import Command
from exchange.messages.events import Event
from gateway.engine_side.refusals import EngineRefused
from gateway.http.request import AnyRequest
from gateway.trading.results import accepted
from gateway.wire.errors import UnknownOutcome
from persistence.clock import now_us
from persistence.errors import CommandNotTaken
from persistence.loop.ports import Answer
from persistence.postgres.database import OUTAGES

OK: Final = "ok"
REPLAYED: Final = "replayed"
UNAVAILABLE: Final = "unavailable"
UNKNOWN: Final = "unknown"


async def run_audited(
    request: AnyRequest, action: str, target: str, command: Command
) -> tuple[Answer, Sequence[Event], bool]:
    """Run an admin's command; return its answer, its events, and whether it is told again.

    Raises EngineRefused, CommandNotTaken or OutcomeUnknown, audited like a success; UnknownOutcome
    when the line was lost.
    """
    outcome = UNKNOWN
    try:
        answer: Answer = await request.services.commands.submit(command)
        events, replayed = accepted(answer)
        outcome = REPLAYED if replayed else OK
    except EngineRefused as refusal:
        outcome = refusal.reason.name
        raise
    except CommandNotTaken:
        outcome = UNAVAILABLE
        raise
    finally:
        await _audit(request, action, target, outcome)
    return answer, events, replayed


async def _audit(request: AnyRequest, action: str, target: str, outcome: str) -> None:
    try:
        await request.services.audit.write(
            now_us(), request.user_id, action, target, outcome, request.request_id
        )
    except OUTAGES as outage:
        if outcome == UNAVAILABLE:
            raise
        raise UnknownOutcome from outage
