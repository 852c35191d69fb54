"""Names for what becomes of order groups (see `outcomes.py`)."""

from collections.abc import Iterator

from exchange.messages.events import Event, OrderCancelled, TradeExecuted
from exchange.messages.execution import Execution
from exchange.messages.group_events import GroupTriggered
from exchange.messages.reasons import Reason
from exchange.messages.terms import CancelReason

MID_WALK = "group triggered mid-walk"


def of_groups(execution: Execution, kind: str) -> Iterator[str]:
    """Yield how a command brought groups to their limits."""
    events = execution.events
    for number, event in enumerate(events):
        if not isinstance(event, GroupTriggered):
            continue
        before = [one for one in events[:number] if isinstance(one, TradeExecuted)]
        if not before:
            yield "group triggered by its limits"
            continue
        trade = before[-1]
        side = "taker" if event.account_id == trade.taker_account_id else "maker"
        yield f"{kind} triggers a group of the {side}"
        after = events[number + 1 :]
        if _goes_on(after) or _ends_taker(after, trade):
            yield MID_WALK
        if any(_left_elsewhere(one, trade) for one in after):
            yield "group ends orders of another market"


def _goes_on(after: list[Event]) -> bool:
    return any(isinstance(one, TradeExecuted) for one in after)


def _ends_taker(after: list[Event], trade: TradeExecuted) -> bool:
    return any(
        isinstance(one, OrderCancelled)
        and one.order_id == trade.taker_order_id
        and one.reason is CancelReason.GROUP_LIMIT
        for one in after
    )


def _left_elsewhere(one: Event, trade: TradeExecuted) -> bool:
    if not isinstance(one, OrderCancelled) or one.reason is not CancelReason.GROUP_LIMIT:
        return False
    return one.market_id != trade.market_id


def required_of_groups() -> Iterator[str]:
    """Yield what must have happened to groups."""
    yield from ("GroupSet", "GroupReset", MID_WALK, "group triggered by its limits")
    yield "group ends orders of another market"
    for kind in ("PlaceOrder", "AmendOrder", "TriggerOrder", "in a batch:"):
        yield from (f"{kind} triggers a group of the {side}" for side in ("taker", "maker"))
        yield f"{kind} cancels GROUP_LIMIT"
    yield "SetOrderGroup cancels GROUP_LIMIT"
    yield from (f"SetOrderGroup refused {reason.name}" for reason in _SETTING)
    for name in ("ACCOUNT_NOT_FOUND", "GROUP_NOT_FOUND"):
        yield f"ResetOrderGroup refused {name}"
    yield "CancelAll refused GROUP_NOT_FOUND"
    for kind in ("PlaceOrder", "PlaceOco", "in a batch:"):
        yield from (f"{kind} refused {reason.name}" for reason in _PLACING)


_SETTING = (Reason.ACCOUNT_NOT_FOUND, Reason.INVALID_AMOUNT, Reason.TOO_MANY_GROUPS)
_PLACING = (Reason.GROUP_NOT_FOUND, Reason.GROUP_LIMIT)
