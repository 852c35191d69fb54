"""Names for what a command can lead to, so that a test can ask whether it ever happened.

An outcome is a short text such as "PlaceOrder refused OFF_TICK" or "trade MINT BUY YES quadratic".
`REQUIRED` is built from the enumerations: whoever adds a reason, a status or a kind adds an outcome
that the random market day must reach.
"""

from collections.abc import Generator, Iterator
from itertools import product

from exchange.messages.commands import BatchOrders, PlaceOrder
from exchange.messages.events import (
    CommandRejected,
    CommandReplayed,
    Event,
    MarketResolved,
    MarketStatusChanged,
    OperationRun,
    OrderAmended,
    OrderCancelled,
    OrderFilled,
    OrderPlaced,
    OrderRested,
    PairsNetted,
    PositionSettled,
    TradeExecuted,
)
from exchange.messages.execution import Execution
from exchange.messages.reasons import Reason
from exchange.messages.terms import (
    CancelReason,
    FeeModel,
    MarketStatus,
    OrderType,
    Outcome,
    Resolution,
    SelfTradePrevention,
    Side,
    TimeInForce,
    TradeKind,
)
from exchange.messages.waiting_events import (
    LockPassed,
    OrdersReached,
    OrdersStoodDown,
    OrderTriggered,
    PendingAmended,
)
from exchange.model.state import State
from tests.properties.groups.outcomes_groups import of_groups, required_of_groups
from tests.properties.limits.outcomes_limits import required_of_limits
from tests.properties.twin_terms import is_system
from tests.properties.waiting.outcomes_waiting import of_waiting, required_of_waiting


def outcomes(execution: Execution, state: State) -> Iterator[str]:
    """Yield what happened, each thing by its name; `state` is the one after the command."""
    command, events = execution.command, execution.events
    kind = type(command).__name__
    if isinstance(command, BatchOrders):
        kind = yield from _of_batch(command, events)
    yield from _of_events(kind, execution, state)
    yield from of_groups(execution, kind)
    if isinstance(command, PlaceOrder) and is_system(command):
        yield f"under a system id: {_answer(events[0])}"
    if isinstance(command, PlaceOrder) and isinstance(events[0], OrderPlaced):
        yield from _of_order(command, events[0], execution)


def _answer(first: Event) -> str:
    return first.reason.name if isinstance(first, CommandRejected) else type(first).__name__


def _of_events(  # noqa: C901, PLR0912 - events
    kind: str, execution: Execution, state: State
) -> Iterator[str]:
    for event in execution.events:
        match event:
            case CommandRejected(reason=reason):
                yield f"{kind} refused {reason.name}"
            case CommandReplayed():
                yield f"{kind} replayed"
            case TradeExecuted():
                yield from _of_trade(event, state)
            case OrderCancelled(reason=reason):
                yield f"{kind} cancels {reason.name}"
            case PairsNetted():
                yield f"{kind} nets pairs"
            case MarketStatusChanged(status=status):
                yield f"{kind} makes {status.value}"
            case MarketResolved(outcome=outcome):
                yield f"resolved {outcome.value}"
            case PositionSettled(payout=payout):
                yield "settled for nothing" if payout == 0 else "settled for cash"
            case OrderAmended():
                yield from _of_amend(event, execution)
            case OrderTriggered() | PendingAmended() | LockPassed():
                yield from of_waiting(event, execution)
            case OrdersReached() | OrdersStoodDown():
                did = "reaches orders" if isinstance(event, OrdersReached) else "stands orders down"
                yield f"{kind} {did}"
            case _:
                yield type(event).__name__


def _of_batch(command: BatchOrders, events: list[Event]) -> Generator[str, None, str]:
    """Name what came of a batch as a whole; return what its operations are called."""
    first = events[0]
    how = "all or none" if command.all_or_none else "each"
    if isinstance(first, OperationRun):
        yield f"batch, {how}: ran"
        if any(isinstance(event, TradeExecuted) for event in events):
            yield f"batch, {how}: traded"
        return "in a batch:"
    if isinstance(first, CommandRejected) and "[" in first.field:
        yield f"batch, {how}: undone, {first.reason.name}"
    return "batch"


def _of_amend(amended: OrderAmended, execution: Execution) -> Iterator[str]:
    side = amended.side.value
    if amended.keeps_place:
        yield f"amend {side} keeps its place, {'less' if amended.reserved else 'the same'}"
        return
    if amended.resting:
        yield f"amend {side} goes to the back"
        if amended.price == amended.previous_price:
            yield f"amend {side} goes to the back at its price"
        return
    traded = any(isinstance(event, TradeExecuted) for event in execution.events)
    ends = [e for e in execution.events if isinstance(e, OrderRested | OrderCancelled)]
    mine = [type(event).__name__ for event in ends if event.order_id == amended.order_id]
    yield f"amend {side} takes: {'trades' if traded else 'no trade'}, {(mine or ['filled'])[0]}"


def _of_trade(trade: TradeExecuted, state: State) -> Iterator[str]:
    market = state.markets[trade.market_id]
    model = market.fee_model.value if market.taker_fee and market.maker_fee else "free"
    yield f"trade {trade.kind.value} {trade.side.value} {trade.outcome.value} {model}"
    if trade.taker_fee_carry or trade.maker_fee_carry:
        yield "fee rounded up"
    if market.taker_fee * trade.price and trade.taker_fee == 0:
        yield "fee already paid by rounding"
    returned = trade.taker_unlocked - trade.price * trade.quantity - trade.taker_fee
    if trade.side is Side.BUY and trade.taker_unlocked and returned > 0:
        yield "better price given back"


def _of_order(command: PlaceOrder, placed: OrderPlaced, execution: Execution) -> Iterator[str]:
    """Yield how an accepted order ended within its command."""
    trades = [event for event in execution.events if isinstance(event, TradeExecuted)]
    ends = [
        event
        for event in execution.events
        if isinstance(event, OrderCancelled | OrderRested | OrderFilled)
        and event.order_id == placed.order_id
    ]
    if placed.resting:
        end = "rests"
    elif placed.conditions is not None and placed.conditions.trigger_price is not None:
        end = f"waits {placed.side.value} {placed.outcome.value}"
    elif not ends:
        end = "filled"
    elif isinstance(ends[0], OrderCancelled):
        end = f"cancelled {ends[0].reason.name}"
    else:
        end = "rests" if isinstance(ends[0], OrderRested) else "filled"
    shape = f"{command.type.value} {command.time_in_force.value}"
    if command.max_cost is not None:
        shape = "MARKET maxCost"
    if command.conditions is not None and command.conditions.worst_price is not None:
        yield f"worst price {command.side.value} {end} {'after' if trades else 'without'} trades"
    if command.conditions is not None and command.conditions.reduce_only:
        yield f"reduce-only {shape} {command.side.value} {end}"
    if command.conditions is not None and command.conditions.post_only:
        yield f"post-only {command.time_in_force.value} {end}"
    yield f"{shape} {end} {'after' if trades else 'without'} trades"
    own = [
        event
        for event in execution.events
        if isinstance(event, OrderCancelled) and event.reason is CancelReason.SELF_TRADE
    ]
    if own:
        yield f"self-trade {command.self_trade_prevention.value} {end}"
        # The maker's outcome is the other one if a pair would have been made or given up.
        yield f"self-trade {command.side.value} {command.outcome.value}"


def _required() -> Iterator[str]:
    for kind, side, outcome in product(TradeKind, Side, Outcome):
        impossible = {TradeKind.MINT: Side.SELL, TradeKind.MERGE: Side.BUY}.get(kind)
        if side is not impossible:
            for model in ("free", *(model.value for model in FeeModel)):
                yield f"trade {kind.value} {side.value} {outcome.value} {model}"
    for mode, end in product(SelfTradePrevention, ("rests", "cancelled SELF_TRADE", "filled")):
        cancels_maker = mode is SelfTradePrevention.CANCEL_MAKER
        if cancels_maker is (end != "cancelled SELF_TRADE"):
            yield f"self-trade {mode.value} {end}"
    for side, outcome in product(Side, Outcome):
        yield f"self-trade {side.value} {outcome.value}"
    for side in Side:
        yield from (f"amend {side.value} keeps its place, {what}" for what in ("less", "the same"))
        yield from (f"amend {side.value} goes to the back{at}" for at in ("", " at its price"))
        for end in ("filled", "OrderRested"):
            yield f"amend {side.value} takes: trades, {end}"
        yield f"amend {side.value} takes: no trade, OrderCancelled"
    yield from (f"AmendOrder refused {reason.name}" for reason in _AMENDING)
    yield from ("AmendOrder nets pairs", "AmendOrder cancels SELF_TRADE")
    yield from required_of_waiting()
    yield from required_of_groups()
    yield from required_of_limits()
    yield "ExpireOrder cancels EXPIRED"
    yield from _BATCHES
    yield from _REDUCING
    yield from (f"worst price {one.value} cancelled WORST_PRICE after trades" for one in Side)
    yield from (f"LIMIT GTD rests {when} trades" for when in ("after", "without"))
    yield from (f"post-only {limit.value} rests" for limit in (TimeInForce.GTC, TimeInForce.GTD))
    for limit in TimeInForce:
        shape = f"{OrderType.LIMIT.value} {limit.value}"
        yield f"{shape} filled after trades"
    yield from (f"LIMIT GTC rests {when} trades" for when in ("after", "without"))
    yield from (f"LIMIT IOC cancelled NO_LIQUIDITY {when} trades" for when in ("after", "without"))
    yield from (f"LIMIT GTC cancelled SELF_TRADE {when} trades" for when in ("after", "without"))
    yield from (f"MARKET IOC cancelled NO_LIQUIDITY {when} trades" for when in ("after", "without"))
    yield "MARKET IOC cancelled INSUFFICIENT_BALANCE after trades"
    yield from (f"MARKET {kind} filled after trades" for kind in ("IOC", "FOK", "maxCost"))
    for reason in ("NO_LIQUIDITY", "SELF_TRADE"):
        yield f"MARKET maxCost cancelled {reason} after trades"
    yield from (f"resolved {resolution.value}" for resolution in Resolution)
    yield from ("settled for nothing", "settled for cash")
    yield from _SWITCHES
    yield from _MONEY
    yield from ("HoldersPaid", "PayHolders refused ILLEGAL_STATUS_CHANGE")
    yield from (f"PayHolders makes {end}" for end in ("RESOLVED", "VOID"))
    yield from ("fee rounded up", "fee already paid by rounding", "better price given back")
    yield from (f"SetMarketStatus makes {s.value}" for s in MarketStatus if s.value in _SETTABLE)
    yield from ("CloseMarket makes CLOSED", "ResolveMarket makes CLOSED")
    for name in ("CloseMarket", "ResolveMarket", "SetMarketStatus"):
        yield f"{name} cancels MARKET_CLOSED"
    yield from (f"{name} nets pairs" for name in ("PlaceOrder", "CancelOrder", "CancelAll"))
    yield from ("ForceCancel cancels ADMIN", "MarketEdited", "EditMarket cancels ADMIN")
    yield from (
        "EditMarket refused MARKET_TRADED",
        "EditMarket refused MARKET_NOT_HALTED",
        "ForceCancel refused ORDER_NOT_FOUND",
    )
    yield from ("CancelOrder cancels USER", "CancelAll cancels USER", "OrdersCancelled")
    yield from _BY_SYSTEM
    yield from (f"{name} replayed" for name in ("PlaceOrder", "CreditAccount", "OpenAccount"))
    yield from (f"PlaceOrder refused {reason.name}" for reason in _PLACING)
    yield from (f"CancelOrder refused {reason.name}" for reason in _CANCELLING)
    yield from (f"{refusal}" for refusal in _OTHERS)


_BY_SYSTEM = tuple(
    f"under a system id: {answer}"
    for answer in ("OrderPlaced", "CommandReplayed", "CONFLICT", "INVALID_ORDER")
)
_REDUCING = (
    *(f"reduce-only LIMIT FOK {side.value} filled" for side in Side),
    *(
        f"reduce-only {shape} {side.value} cancelled REDUCE_ONLY"
        for shape in ("LIMIT IOC", "MARKET IOC")
        for side in Side
    ),
    "reduce-only MARKET maxCost BUY cancelled REDUCE_ONLY",
)
_MONEY = (
    *("FundsDebited", "CashTransferred", "StandingChanged", "SuspendAccount cancels SUSPENDED"),
    *(f"{kind} replayed" for kind in ("DebitAccount", "TransferCash")),
    *(f"DebitAccount refused {name}" for name in ("ACCOUNT_NOT_FOUND", "INSUFFICIENT_BALANCE")),
    *(f"CreditAccount refused {name}" for name in ("EXPIRED", "INVALID_AMOUNT")),
    *(
        f"TransferCash refused {name}"
        for name in (
            *("CONFLICT", "EXPIRED", "ACCOUNT_NOT_FOUND", "ACCOUNT_SUSPENDED"),
            *("INVALID_AMOUNT", "INSUFFICIENT_BALANCE"),
        )
    ),
    *("PlaceOrder refused ACCOUNT_SUSPENDED", "SuspendAccount refused ACCOUNT_CLOSED"),
    *(f"CloseAccount refused {name}" for name in ("ACCOUNT_CLOSED", "ACCOUNT_NOT_EMPTY")),
)
_SWITCHES = (
    *("DeadManSet", "DeadManFired", "LeaseRenewed", "SessionEnded", "LeaseEnded"),
    *("SetDeadMan refused ACCOUNT_NOT_FOUND", "SetDeadMan refused INVALID_AMOUNT"),
    *("FireDeadMan cancels DEAD_MAN",),
    *("FireDeadMan refused INVALID_AMOUNT", "FireDeadMan refused ACCOUNT_NOT_FOUND"),
    *("EndSession cancels DISCONNECTED",),
    *("EndSession refused ACCOUNT_NOT_FOUND",),
    *("EndLease cancels DISCONNECTED", "EndLease refused INVALID_AMOUNT"),
)


_SETTABLE = ("OPEN", "POST_ONLY", "HALTED", "FULL_HALT", "CLOSED")
_PLACING = (
    Reason.CONFLICT,
    Reason.ACCOUNT_NOT_FOUND,
    Reason.MARKET_NOT_FOUND,
    Reason.EXCHANGE_HALTED,
    Reason.EXCHANGE_CANCEL_ONLY,
    Reason.EXCHANGE_POST_ONLY,
    Reason.MARKET_NOT_OPEN,
    Reason.MARKET_POST_ONLY,
    Reason.INVALID_ORDER,
    Reason.OFF_TICK,
    Reason.BELOW_MIN_QUANTITY,
    Reason.EXPIRY_PASSED,
    Reason.INSUFFICIENT_BALANCE,
    Reason.INSUFFICIENT_SHARES,
    Reason.REDUCE_ONLY,
    Reason.FOK_NOT_FILLABLE,
    Reason.MAX_COST_TOO_SMALL,
    Reason.POST_ONLY_WOULD_CROSS,
    Reason.TRIGGER_REACHED,
    Reason.TOO_MANY_OPEN_ORDERS,
)
_CANCELLING = (
    Reason.ACCOUNT_NOT_FOUND,
    Reason.ORDER_NOT_FOUND,
    Reason.NOT_ORDER_OWNER,
    Reason.ORDER_NOT_OPEN,
    Reason.EXCHANGE_HALTED,
    Reason.MARKET_NOT_OPEN,
)
_AMENDING = (
    Reason.ORDER_NOT_FOUND,
    Reason.NOT_ORDER_OWNER,
    Reason.ORDER_NOT_OPEN,
    Reason.INVALID_ORDER,
    Reason.OFF_TICK,
    Reason.BELOW_MIN_QUANTITY,
    Reason.EXPIRY_PASSED,
    Reason.VERSION_CHANGED,
    Reason.INSUFFICIENT_BALANCE,
    Reason.INSUFFICIENT_SHARES,
    Reason.POST_ONLY_WOULD_CROSS,
    Reason.TRIGGER_REACHED,
)
_HOW = ("each", "all or none")
_UNDOING = (
    Reason.ORDER_NOT_FOUND,
    Reason.ORDER_NOT_OPEN,
    Reason.INVALID_ORDER,
    Reason.EXPIRY_PASSED,
    Reason.INSUFFICIENT_BALANCE,
    Reason.INSUFFICIENT_SHARES,
    Reason.REDUCE_ONLY,
    Reason.FOK_NOT_FILLABLE,
    Reason.POST_ONLY_WOULD_CROSS,
    Reason.TOO_MANY_OPEN_ORDERS,
)
_BATCHES = (
    *(f"batch, {how}: {what}" for how in _HOW for what in ("ran", "traded")),
    *(f"batch, all or none: undone, {reason.name}" for reason in _UNDOING),
    *(f"in a batch: refused {reason.name}" for reason in (*_UNDOING, Reason.CONFLICT)),
    *("in a batch: replayed", "batch replayed", "in a batch: nets pairs"),
    *(f"batch refused {reason}" for reason in ("CONFLICT", "INVALID_ORDER")),
)
_OTHERS = (
    "CreateMarket refused SLUG_TAKEN",
    "CreateMarket refused CLOSE_TIME_PASSED",
    "CreateMarket refused INVALID_MARKET",
    "ResolveMarket refused MARKET_ALREADY_RESOLVED",
    "ResolveMarket refused INVALID_PAYOUT",
    "SetMarketStatus refused ILLEGAL_STATUS_CHANGE",
    "CreditAccount refused CONFLICT",
    "CreditAccount refused INVALID_AMOUNT",
    "CreditAccount refused ISSUANCE_EXHAUSTED",
    "ExpireOrder refused ORDER_NOT_OPEN",
    "ExpireOrder refused INVALID_ORDER",
    "TriggerOrder refused ORDER_NOT_OPEN",
    "TriggerOrder refused INVALID_ORDER",
    "RefuseUnstorable refused NOT_STORED",
)
REQUIRED = frozenset(_required())
