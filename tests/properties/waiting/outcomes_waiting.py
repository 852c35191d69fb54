"""Names for what becomes of orders that wait for a price, and of pairs (see `outcomes.py`)."""

from collections.abc import Iterator
from itertools import product

from exchange.messages.events import OrderCancelled, OrderFilled, OrderRested
from exchange.messages.execution import Execution
from exchange.messages.reasons import Reason
from exchange.messages.terms import CancelReason, Outcome, Side
from exchange.messages.waiting_events import LockPassed, OrderTriggered, PendingAmended

_CAPPED = CancelReason.REDUCE_ONLY


def of_waiting(
    event: OrderTriggered | PendingAmended | LockPassed, execution: Execution
) -> Iterator[str]:
    """Yield what an event of an order that waits is called."""
    match event:
        case OrderTriggered(unlocked=unlocked):
            yield _of_trigger(event, execution)
            if any(isinstance(e, OrderCancelled) and e.reason is _CAPPED for e in execution.events):
                yield "triggered, and cut by its cap"
            if unlocked < 0:
                yield f"triggered {event.side.value} locks what it needs only then"
        case PendingAmended(reserved=reserved):
            change = "the same" if reserved == 0 else "more" if reserved > 0 else "less"
            yield f"amend pending {event.side.value} locks {change}"
        case LockPassed(reserved=reserved):
            yield f"lock passed {event.side.value} {'more' if reserved > 0 else 'less'}"


def _of_trigger(triggered: OrderTriggered, execution: Execution) -> str:
    """Return how an order went on within the command that triggered it."""
    ends = [
        event
        for event in execution.events
        if isinstance(event, OrderCancelled | OrderRested | OrderFilled)
        and event.order_id == triggered.order_id
    ]
    end = "rests" if triggered.resting else "filled"
    if ends:
        end = "rests after taking" if isinstance(ends[0], OrderRested) else "filled"
        if isinstance(ends[0], OrderCancelled):
            end = f"cancelled {ends[0].reason.name}"
    return f"triggered {triggered.side.value} {end}"


def required_of_waiting() -> Iterator[str]:
    """Yield what must have happened to orders that wait and to pairs."""
    for side, outcome in product(Side, Outcome):
        for shape in ("STOP IOC", "STOP_LIMIT GTC", "STOP_LIMIT GTD", "TAKE_PROFIT IOC"):
            yield f"{shape} waits {side.value} {outcome.value} without trades"
    for side in Side:
        yield from (f"triggered {side.value} {end}" for end in _TRIGGERED)
        yield from (f"lock passed {side.value} {change}" for change in ("more", "less"))
        yield from (f"amend pending {side.value} locks {how}" for how in ("more", "less"))
    yield from ("amend pending SELL locks the same", "amend pending BUY locks the same")
    yield from ("triggered, and cut by its cap", "triggered BUY locks what it needs only then")
    yield from (f"TriggerOrder cancels {reason.name}" for reason in _AT_THE_TRIGGER)
    commands = ("PlaceOrder", "PlaceOco", "AmendOrder", "CancelOrder", "ExpireOrder")
    yield from (f"{name} reaches orders" for name in (*commands, "TriggerOrder", "CancelAll"))
    yield from (f"{name} stands orders down" for name in ("SetMarketStatus", "SetExchangeMode"))
    yield from (f"{name} reaches orders" for name in ("SetMarketStatus", "SetExchangeMode"))
    yield from (f"{name} cancels OCO" for name in ("PlaceOrder", "PlaceOco", "TriggerOrder"))
    yield from ("in a batch: reaches orders", "in a batch: cancels OCO")
    yield "PlaceOco replayed"
    yield from (f"PlaceOco refused {reason.name}" for reason in _PAIRING)


_TRIGGERED = (
    *("rests", "rests after taking", "filled"),
    *("cancelled NO_LIQUIDITY", "cancelled SELF_TRADE", "cancelled WORST_PRICE"),
)
_AT_THE_TRIGGER = (
    CancelReason.INSUFFICIENT_BALANCE,
    CancelReason.REDUCE_ONLY,
    CancelReason.FOK_NOT_FILLABLE,
    CancelReason.MAX_COST_TOO_SMALL,
    CancelReason.POST_ONLY_WOULD_CROSS,
)
_PAIRING = (
    Reason.CONFLICT,
    Reason.EXCHANGE_HALTED,
    Reason.EXCHANGE_CANCEL_ONLY,
    Reason.MARKET_NOT_OPEN,
    Reason.INVALID_ORDER,
    Reason.OFF_TICK,
    Reason.BELOW_MIN_QUANTITY,
    Reason.EXPIRY_PASSED,
    Reason.INSUFFICIENT_BALANCE,
    Reason.INSUFFICIENT_SHARES,
    Reason.POST_ONLY_WOULD_CROSS,
    Reason.TRIGGER_REACHED,
    Reason.TOO_MANY_OPEN_ORDERS,
)
