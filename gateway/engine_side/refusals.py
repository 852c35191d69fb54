"""The engine's refusals as answers: which status each has, and what the caller is told.

    400 VALIDATION_ERROR   the terms can't be, whatever the exchange's state (INVALID_*)
    403, 404, 409          its own code: somebody else's, not there, already there
    422                    its own code: everything else

The code is the reason's name, `transient` says whether the same may succeed later (under a new
client id), and the details name the field to blame, if there is one.
"""

from collections.abc import Sequence
from typing import Final

from exchange.messages.completeness import require_all
from exchange.messages.events import CommandRejected, Event
from exchange.messages.reasons import Reason
from gateway.wire.errors import Detail, Refused, ValidationFailed
from persistence.loop.ports import Answer

STATUS: Final[dict[Reason, int]] = {
    Reason.CONFLICT: 409,
    Reason.EXPIRED: 422,
    Reason.ACCOUNT_NOT_FOUND: 404,
    Reason.MARKET_NOT_FOUND: 404,
    Reason.ORDER_NOT_FOUND: 404,
    Reason.NOT_ORDER_OWNER: 403,
    Reason.ACCOUNT_SUSPENDED: 422,
    Reason.ACCOUNT_CLOSED: 422,
    Reason.GROUP_NOT_FOUND: 404,
    Reason.ORDER_NOT_OPEN: 422,
    Reason.EXCHANGE_HALTED: 422,
    Reason.EXCHANGE_CANCEL_ONLY: 422,
    Reason.EXCHANGE_POST_ONLY: 422,
    Reason.MARKET_NOT_OPEN: 422,
    Reason.MARKET_ALREADY_RESOLVED: 409,
    Reason.ILLEGAL_STATUS_CHANGE: 422,
    Reason.MARKET_POST_ONLY: 422,
    Reason.MARKET_TRADED: 409,
    Reason.MARKET_NOT_HALTED: 409,
    Reason.INVALID_ORDER: 400,
    Reason.OFF_TICK: 422,
    Reason.BELOW_MIN_QUANTITY: 422,
    Reason.SLUG_TAKEN: 409,
    Reason.CLOSE_TIME_PASSED: 422,
    Reason.INVALID_MARKET: 400,
    Reason.INVALID_PAYOUT: 400,
    Reason.INVALID_AMOUNT: 400,
    Reason.OUTSIDE_BAND: 422,
    Reason.ORDER_TOO_LARGE: 422,
    Reason.POSITION_LIMIT: 422,
    Reason.EXPIRY_PASSED: 422,
    Reason.VERSION_CHANGED: 422,
    Reason.INSUFFICIENT_BALANCE: 422,
    Reason.INSUFFICIENT_SHARES: 422,
    Reason.REDUCE_ONLY: 422,
    Reason.ACCOUNT_NOT_EMPTY: 422,
    Reason.FOK_NOT_FILLABLE: 422,
    Reason.MAX_COST_TOO_SMALL: 422,
    Reason.POST_ONLY_WOULD_CROSS: 422,
    Reason.TRIGGER_REACHED: 422,
    Reason.TOO_MANY_OPEN_ORDERS: 422,
    Reason.ISSUANCE_EXHAUSTED: 422,
    Reason.GROUP_LIMIT: 422,
    Reason.TOO_MANY_GROUPS: 422,
    Reason.NOT_STORED: 422,
}
"""Every reason's status."""
require_all(Reason, STATUS, "the table of refusals' statuses")

_MALFORMED: Final = 400


class EngineRefused(Refused):
    """The engine understood the command and refused it; nothing changed."""

    def __init__(
        self, reason: Reason, message: str = "", field: str = "", *, replayed: bool = False
    ) -> None:
        status = STATUS[reason]
        super().__init__(
            ValidationFailed.code if status == _MALFORMED else reason.name,
            f"{field}: {message}" if field else message,
            details=(Detail(field, message),) if field else (),
        )
        self.reason = reason
        self.status = status
        self.transient = reason.transient
        if replayed:
            self.replayed = True


def refused(event: CommandRejected, *, replayed: bool = False) -> EngineRefused:
    """Return the answer for a refusal; `replayed` if it is the first answer given again."""
    return EngineRefused(event.reason, event.message, event.field, replayed=replayed)


def accepted(answer: Answer) -> tuple[Sequence[Event], bool]:
    """Return (what happened, whether it is told again); raises EngineRefused for a refusal."""
    events = answer.events
    first = events[0]
    if type(first) is CommandRejected:
        raise refused(first, replayed=answer.replayed)
    return events, answer.replayed
