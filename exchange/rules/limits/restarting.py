"""The post-only period after a restart or a takeover (RULEBOOK 16): makers come back before takers.

The shell asks for it once, when it has recovered. It is there only if the exchange was open, or in
such a period already, which then begins anew: an admin's mode is never loosened. An admin who sets
a mode ends the period.
"""

from typing import Final

from exchange.messages.bounds import HALT_S
from exchange.messages.events import CommandRejected, Event
from exchange.messages.limit_commands import BeginPostOnly
from exchange.messages.limit_events import PostOnlySet
from exchange.messages.reasons import Reason
from exchange.messages.terms import ExchangeMode
from exchange.model.slices import MICROSECONDS
from exchange.model.state import State
from exchange.rules.market_admin import enter_mode
from exchange.transitions import limit_transitions

_OPEN: Final = ExchangeMode.OPEN
_POST_ONLY: Final = ExchangeMode.POST_ONLY


def begin_post_only(state: State, command: BeginPostOnly) -> list[Event]:
    """Run a BeginPostOnly and return its events, already applied."""
    if not 1 <= command.seconds <= HALT_S:
        problem = "seconds", f"must be 1 to {HALT_S}"
        return [CommandRejected(Reason.INVALID_AMOUNT, *problem)]
    if state.mode is not _OPEN and state.post_only_until is None:
        message = f"the exchange is {state.mode.value} by an admin's word"
        return [CommandRejected(Reason.ILLEGAL_STATUS_CHANGE, "mode", message)]
    events: list[Event] = []
    enter_mode(state, _POST_ONLY, events)
    timed = PostOnlySet(state.now + command.seconds * MICROSECONDS)
    events.append(timed)
    limit_transitions.post_only_set(state, timed)
    return events


def end_post_only(state: State) -> list[Event]:
    """Run the timer at which the exchange opens; return its events, already applied."""
    due = state.post_only_until
    if due is None or due > state.now:
        message = "the exchange isn't to open by itself"
        return [CommandRejected(Reason.ILLEGAL_STATUS_CHANGE, "mode", message)]
    events: list[Event] = []
    enter_mode(state, _OPEN, events)
    return events
