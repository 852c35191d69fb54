"""What a market's life consists of, from the commands that moved it on: who did it, in which role,
and why.

    CREATED    it was listed
    STATUS     it got another status: by an admin, by its closing time, by a halt and its end, by
               the last payout of a resolution in slices
    RESOLVED   the question was decided: what was the outcome, what a share of YES pays, on what
               evidence
    LIMITS     it got other limits before the trade
    EDITED     it is about this now; only before its first trade

Laws: a command's events alone decide; of a person only the role is told. One command may do two
things (a resolution closes first): they keep its order.
"""

from typing import Final

import msgspec

from exchange.messages.commands import (
    CloseMarket,
    Command,
    PayHolders,
    ResolveMarket,
)
from exchange.messages.events import (
    MarketCreated,
    MarketEdited,
    MarketResolved,
    MarketStatusChanged,
)
from exchange.messages.execution import Execution
from exchange.messages.limit_commands import EndHalt, EndPostOnly, HaltMarket
from exchange.messages.limit_events import MarketLimitsSet, ReopeningSet
from exchange.messages.limits import MarketLimits
from exchange.messages.terms import MarketStatus, Resolution

CREATED: Final = "CREATED"
STATUS: Final = "STATUS"
RESOLVED: Final = "RESOLVED"
LIMITS: Final = "LIMITS"
EDITED: Final = "EDITED"
ADMIN: Final = "ADMIN"
ENGINE: Final = "ENGINE"

TOLD: Final = (MarketCreated, MarketEdited, MarketStatusChanged, MarketResolved, MarketLimitsSet)
"""The events that are told; a reopening's time belongs to the status that it follows."""
_TOLD: Final = frozenset(TOLD)


class MarketTerms(msgspec.Struct, frozen=True, array_like=True):
    """What a market is about, as far as it can be edited; units as of the rules."""

    question: str
    description: str
    category: str
    close_time: int
    min_quantity: int


class LifeChange(msgspec.Struct, frozen=True, array_like=True):
    """One thing that happened to a market, of the kinds above; `by` is ADMIN or ENGINE.

    `status` is the one it has since then, None where that didn't change; `resumes_at` when it goes
    on by itself. `reason` is why the engine did it, or of which larger step it is a part.
    """

    market_id: int
    kind: str
    by: str
    reason: str | None = None
    status: MarketStatus | None = None
    resumes_at: int | None = None
    outcome: Resolution | None = None
    yes_payout: int | None = None
    source: str = ""
    limits: MarketLimits | None = None
    terms: MarketTerms | None = None


def life_changes(execution: Execution) -> list[LifeChange]:
    """Return what a command did to the lives of markets, in order; mostly nothing."""
    for event in execution.events:
        if type(event) in _TOLD:
            return _told(execution)
    return []


def _told(execution: Execution) -> list[LifeChange]:
    found: list[LifeChange] = []
    by, reason = _cause(execution.command)
    resumes_at: int | None = None
    for event in execution.events:
        if isinstance(event, ReopeningSet):
            resumes_at = event.resumes_at
    for event in execution.events:
        if isinstance(event, MarketStatusChanged):
            found.append(LifeChange(event.market_id, STATUS, by, reason, event.status, resumes_at))
        elif isinstance(event, MarketResolved):
            found.append(_resolved(event, by))
        elif isinstance(event, MarketCreated):
            found.append(LifeChange(event.market_id, CREATED, by, None, event.status))
        elif isinstance(event, MarketEdited):
            terms = MarketTerms(
                event.question,
                event.description,
                event.category,
                event.close_time,
                event.min_quantity,
            )
            found.append(LifeChange(event.market_id, EDITED, by, terms=terms))
        elif isinstance(event, MarketLimitsSet):
            found.append(LifeChange(event.market_id, LIMITS, by, limits=event.limits))
    return found


def _resolved(event: MarketResolved, by: str) -> LifeChange:
    if event.paying_from is not None:
        status = MarketStatus.RESOLVING
    elif event.outcome is Resolution.VOID:
        status = MarketStatus.VOID
    else:
        status = MarketStatus.RESOLVED
    return LifeChange(
        event.market_id,
        RESOLVED,
        by,
        None,
        status,
        None,
        event.outcome,
        event.yes_payout,
        event.source,
    )


def _cause(command: Command) -> tuple[str, str | None]:
    """Return who did it, and why the status changed."""
    if isinstance(command, CloseMarket):
        return ENGINE, "CLOSING_TIME"
    if isinstance(command, HaltMarket):
        return ENGINE, "VOLATILITY"
    if isinstance(command, EndHalt):
        return ENGINE, "HALT_OVER"
    if isinstance(command, EndPostOnly):
        return ENGINE, "POST_ONLY_OVER"
    if isinstance(command, PayHolders):
        return ENGINE, "HOLDERS_PAID"
    if isinstance(command, ResolveMarket):
        return ADMIN, "RESOLUTION"
    return ADMIN, None
