"""Batches of orders on the wire: from a body to the engine's command, and from its answer back.

    operations[i] -> results[i]

Laws: an operation's body is a single order's, amend's or cancel's, with `op` and what else it is
about; what can be known wrong beforehand refuses the whole batch with a 400 that names the
operation and the field, and nothing of it happened. What the engine says of an operation is told in
its place, as the single one would be told it. The order of a placing is as its own operation left
it, by the batch's events alone; that of an amend or cancel as it is by now.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Annotated, Final

import msgspec

from exchange.messages.bounds import BATCH_OPERATIONS
from exchange.messages.commands import (
    AmendOrder,
    BatchOrders,
    CancelOrder,
    NamedOrder,
    Operation,
    PlaceOrder,
)
from exchange.messages.conditions import SessionKey
from exchange.messages.events import (
    CommandRejected,
    CommandReplayed,
    Event,
    OrderAmended,
    OrderCancelled,
    OrderFilled,
    OrderPlaced,
    OrderRested,
    TradeExecuted,
)
from exchange.messages.operations import sections
from exchange.messages.waiting_events import PendingAmended
from exchange.model.market import Market
from exchange.model.order_book import Order
from exchange.rules.batching import operation_field
from gateway.engine_side.refusals import EngineRefused, accepted, refused
from gateway.markets.lookup import MarketText, market_name
from gateway.trading.order_bodies import (
    AmendBody,
    ClientIdText,
    OrderBody,
    amend_command,
    check_client_id,
    place_command,
    tied,
)
from gateway.trading.results import follow, placed_view
from gateway.trading.views import (
    BalanceView,
    FillView,
    OrderView,
    balance_view,
    order_view,
    taker_fill_view,
)
from gateway.wire.errors import ApiError, Detail, ErrorBody, ValidationFailed
from gateway.wire.scalars import parse_id
from gateway.wire.strict_json import AnswerStruct, BodyStruct
from persistence.loop.ports import Answer

_CHANGES: Final = OrderAmended | PendingAmended | OrderCancelled
"""What an amend's or a cancel's events begin with."""
_UNNAMED: Final = 0
"""The order's id where its client's own names it."""

OrderIdText = Annotated[str, msgspec.Meta(max_length=20, description="an order's id")]


class PlaceOperation(OrderBody, frozen=True, kw_only=True, tag_field="op", tag="place"):
    """Place an order, in `market` (or `marketId`, or `slug`) or in the batch's."""

    market: MarketText | None = None
    market_id: MarketText | None = None
    slug: MarketText | None = None


class AmendOperation(AmendBody, frozen=True, kw_only=True, tag_field="op", tag="amend"):
    """Change an open order, named by its id or by its sender's own."""

    order_id: OrderIdText | None = None
    client_order_id: ClientIdText | None = None


class CancelOperation(BodyStruct, frozen=True, kw_only=True, tag_field="op", tag="cancel"):
    """Cancel an open order, named by its id or by its sender's own."""

    order_id: OrderIdText | None = None
    client_order_id: ClientIdText | None = None


AnyOperation = PlaceOperation | AmendOperation | CancelOperation


OperationList = Annotated[
    list[AnyOperation], msgspec.Meta(min_length=1, max_length=BATCH_OPERATIONS)
]


class BatchBody(BodyStruct, frozen=True):
    """1 to 50 operations that run as one command, in their order.

    `market` (or `marketId`, or `slug`) is that of placings that name none. With `allOrNone` the
    first refusal undoes all. Under a `requestId` the batch takes effect once, for ever.
    """

    operations: OperationList
    market: MarketText | None = None
    market_id: MarketText | None = None
    slug: MarketText | None = None
    all_or_none: bool | None = None
    request_id: ClientIdText | None = None


class OperationView(AnswerStruct, frozen=True):
    """The order that an operation was about, and what it took by that."""

    order: OrderView
    trades: list[FillView]
    replayed: bool | msgspec.UnsetType = msgspec.UNSET
    """True if the client's id was used before and this is the first answer, given again."""


class ResultView(AnswerStruct, frozen=True):
    """What came of one operation: `data` if `ok`, else `error`."""

    ok: bool
    data: OperationView | msgspec.UnsetType = msgspec.UNSET
    error: ErrorBody | msgspec.UnsetType = msgspec.UNSET


class BatchView(AnswerStruct, frozen=True):
    """What came of each operation, in their order, and the balance after all of them."""

    results: list[ResultView]
    balance: BalanceView
    replayed: bool | msgspec.UnsetType = msgspec.UNSET
    """True if the `requestId` was used before and this is the first answer, given again."""


def batch_command(
    body: BatchBody, account_id: int, market_id_of: Callable[[str], int]
) -> BatchOrders:
    """Return the command that a batch's body stands for.

    `market_id_of` finds a market by slug or id. Raises ApiError naming the operation's field.
    """
    request_id = body.request_id
    if request_id is not None:
        check_client_id(request_id, "requestId")
    whole = market_name(body)
    operations = []
    for number, one in enumerate(body.operations):
        try:
            operations.append(_operation(one, account_id, whole, market_id_of))
        except ApiError as error:
            raise _within(error, number) from None
    return BatchOrders(account_id, tuple(operations), bool(body.all_or_none), request_id)


def tied_batch(command: BatchOrders, session: SessionKey) -> BatchOrders:
    """Return the batch with the orders it places ending with their session."""
    operations = tuple(
        tied(one, session) if isinstance(one, PlaceOrder) else one for one in command.operations
    )
    return msgspec.structs.replace(command, operations=operations)


def _operation(
    body: AnyOperation, account_id: int, market: str | None, market_id_of: Callable[[str], int]
) -> Operation:
    if isinstance(body, PlaceOperation):
        name = market_name(body) or market
        if name is None:
            raise ValidationFailed.of("market", "is required: a market's slug or id")
        return place_command(body, account_id, market_id_of(name))
    order_id, client_id = body.order_id, body.client_order_id
    if (order_id is None) == (client_id is None):
        raise ValidationFailed.of("orderId", "give either orderId or clientOrderId")
    number = _UNNAMED if order_id is None else parse_id(order_id)
    if number is None:
        raise ValidationFailed.of("orderId", "must be an order's id")
    operation: AmendOrder | CancelOrder = CancelOrder(account_id, number)
    if isinstance(body, AmendOperation):
        operation = amend_command(body, account_id, number)
    if client_id is None:
        return operation
    return NamedOrder(account_id, check_client_id(client_id, "clientOrderId"), operation)


def _within(error: ApiError, number: int) -> ApiError:
    """Return the error of an operation as one of its batch: its fields are named from there."""
    where = operation_field(number)
    fields = error.details or (Detail("", error.message),)
    details = tuple(Detail(_field(number, one.field), one.message) for one in fields)
    message = f"{details[0].field}: {details[0].message}" if error.details else error.message
    if isinstance(error, EngineRefused):
        field = details[0].field if error.details else where
        return EngineRefused(error.reason, details[0].message, field)
    return ValidationFailed(message, details=details)


def _field(number: int, field: str) -> str:
    return operation_field(number, "" if field == "body" else field)


def shown_orders(answer: Answer) -> list[int]:
    """Return the ids of orders of before the batch that an answer to it shows.

    Raises EngineRefused for a batch that was refused.
    """
    events, _ = accepted(answer)
    placed = {event.order_id for event in events if isinstance(event, OrderPlaced)}
    firsts = [section[0] for section in sections(events)]
    changed = [e.order_id for e in firsts if isinstance(e, _CHANGES)]
    return [order_id for order_id in changed if order_id not in placed]


def batch_view(
    answer: Answer, command: BatchOrders, markets: Mapping[int, Market], orders: Mapping[int, Order]
) -> BatchView:
    """Return the answer to a batch; raises EngineRefused.

    `orders` are those of `shown_orders`, as they are by now.
    """
    events, replayed = accepted(answer)
    placed: dict[int, Order] = {}
    repeats = iter(answer.repeats)
    results = []
    for operation, section in zip(command.operations, sections(events), strict=True):
        first = section[0]
        _follow(placed, section, answer)
        if isinstance(first, CommandRejected):
            results.append(ResultView(ok=False, error=refused(first).body()))
        elif isinstance(first, CommandReplayed):
            results.append(_repeated(next(repeats), operation, markets))
        elif isinstance(first, OrderPlaced | _CHANGES):
            order_id = first.order_id
            order = placed[order_id] if order_id in placed else orders[order_id]
            market = markets[order.market_id]
            fills = _fills(section, market, answer.at)
            data = OperationView(order_view(order, market), fills)
            results.append(ResultView(ok=True, data=data))
        else:
            raise TypeError(f"an operation's events begin with {type(first).__name__}")
    balance = balance_view(answer.available, answer.locked)
    return BatchView(results, balance, True if replayed else msgspec.UNSET)


def _follow(placed: dict[int, Order], events: Iterable[Event], answer: Answer) -> None:
    """Bring the orders that the batch placed forward by an operation's events."""
    for event in events:
        if isinstance(event, OrderPlaced):
            placed[event.order_id] = Order(event, answer.seq, answer.at)
            continue
        order = None
        if isinstance(event, TradeExecuted):
            # Self-trade prevention keeps them from being the makers of one another.
            order = placed.get(event.taker_order_id)
        elif isinstance(event, OrderRested | OrderFilled | _CHANGES):
            order = placed.get(event.order_id)
        if order is not None:
            follow(order, event)


def _fills(events: Sequence[Event], market: Market, at: int) -> list[FillView]:
    return [taker_fill_view(one, market, at) for one in events if isinstance(one, TradeExecuted)]


def _repeated(first: Answer, operation: Operation, markets: Mapping[int, Market]) -> ResultView:
    """Return the first answer to a placing, given again."""
    if not isinstance(operation, PlaceOrder):
        raise TypeError(f"{type(operation).__name__} has no id that comes again")
    try:
        view = placed_view(first, markets[operation.market_id])
    except EngineRefused as refusal:
        return ResultView(ok=False, error=refusal.body())
    return ResultView(ok=True, data=OperationView(view.order, view.trades, replayed=True))
