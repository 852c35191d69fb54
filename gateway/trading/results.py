"""What a command came to, told to its sender: pure functions from an answer's events to the wire.

Laws: the order in the answer to its placing is built from the events of that command alone. It may
be an old command's, told again because its client id came again, while the order itself has gone
on since; so the view must not be asked. A refusal is raised (`engine_side/refusals.py`).

A repeat has the seq, time, events and balance of the first command, and says so.
"""

from collections.abc import Sequence
from typing import Final

import msgspec

from exchange.messages.events import (
    Event,
    OrderAmended,
    OrderCancelled,
    OrderFilled,
    OrderPlaced,
    OrderRested,
    OrdersCancelled,
    TradeExecuted,
)
from exchange.messages.terms import OrderStatus
from exchange.messages.waiting_events import LockPassed, PendingAmended
from exchange.model.market import Market
from exchange.model.order_book import Order
from gateway.engine_side.refusals import accepted
from gateway.trading.views import (
    BalanceView,
    Fields,
    FillView,
    OrderView,
    balance_view,
    order_fields,
    order_view,
    taker_fill_view,
)
from gateway.wire.strict_json import AnswerStruct
from persistence.loop.ports import Answer

_FILLED: Final = OrderStatus.FILLED
_CANCELLED: Final = OrderStatus.CANCELLED
_KEPT: Final = 1_024
"""Orders that were told of and may be answered yet: more than one turn of the loop publishes."""


class PlacedView(AnswerStruct, frozen=True):
    """An order right after its placing, its trades so far, and the balance then."""

    order: OrderView
    trades: list[FillView]
    balance: BalanceView
    replayed: bool | msgspec.UnsetType = msgspec.UNSET
    """True if the client's id was used before and this is the first answer, given again."""


class AmendedView(AnswerStruct, frozen=True):
    """An order after its amend, what it traded by that, and the balance then."""

    order: OrderView
    trades: list[FillView]
    balance: BalanceView


class CancelledView(AnswerStruct, frozen=True):
    """A cancelled order and the balance after."""

    order: OrderView
    balance: BalanceView


class AllCancelledView(AnswerStruct, frozen=True):
    """What a cancel-all ended, and the balance after."""

    cancelled: int
    order_ids: list[str]
    balance: BalanceView


class JustPlaced:
    """What messages told of orders that were just placed, for the answers to their placings.

    A command's messages are made before its answer, and both tell the same of its order: how it was
    right after that command. What no answer here takes, the later ones push out. A command is known
    by its number and its time: numbers come again where a database was put back.
    """

    __slots__ = ("_told",)

    def __init__(self) -> None:
        self._told: dict[tuple[int, int], Fields] = {}

    def tell(self, seq: int, at: int, fields: Fields) -> None:
        """Keep what an `OrderView` says of the order that the command `seq` placed at `at`."""
        told = self._told
        if len(told) >= _KEPT:
            del told[next(iter(told))]
        told[seq, at] = fields

    def take(self, seq: int, at: int) -> Fields | None:
        """Return what was kept of that command, once."""
        return self._told.pop((seq, at), None)


def placed_view(answer: Answer, market: Market, told: JustPlaced | None = None) -> PlacedView:
    """Return the answer to a PlaceOrder; raises EngineRefused.

    What messages have `told` of its order is made no second time.
    """
    events, replayed = accepted(answer)
    fields = None if told is None else told.take(answer.seq, answer.at)
    if fields is None:
        fields = order_fields(placed_order(events, answer.seq, answer.at), market)
    return PlacedView(
        OrderView(*fields),
        fills_of(answer, events, market),
        balance_view(answer.available, answer.locked),
        True if replayed else msgspec.UNSET,
    )


def amended_view(answer: Answer, order: Order, market: Market) -> AmendedView:
    """Return the answer to an AmendOrder; raises EngineRefused.

    `order` is the view's, which may have gone on since: its `seq` says how far.
    """
    events, _ = accepted(answer)
    balance = balance_view(answer.available, answer.locked)
    return AmendedView(order_view(order, market), fills_of(answer, events, market), balance)


def fills_of(answer: Answer, events: Sequence[Event], market: Market) -> list[FillView]:
    """Return what the command's own order took."""
    if len(events) == 1:
        return []
    return [
        taker_fill_view(event, market, answer.at)
        for event in events
        if type(event) is TradeExecuted
    ]


def placed_order(events: Sequence[Event], seq: int, at: int) -> Order:
    """Return the order as it was right after the command `seq` at `at` that placed it.

    `events` are that command's, OrderPlaced first.
    """
    placed = events[0]
    if type(placed) is not OrderPlaced:
        raise TypeError(f"the events of a placing begin with {type(placed).__name__}")
    return followed_order(placed, events, seq, at)


def followed_order(placed: OrderPlaced, events: Sequence[Event], seq: int, at: int) -> Order:
    """Return the order that `placed` brought, as it was after all events of the same command."""
    order = Order(placed, seq, at)
    if len(events) > 1:
        for event in events:
            if event is not placed:
                follow(order, event)
    return order


def follow(order: Order, event: Event) -> None:
    """Bring `order` forward by an event of its own placing's; others' events leave it alone."""
    match event:
        case TradeExecuted(taker_order_id=order_id) if order_id == order.id:
            # Self-trade prevention keeps an order from trading in its own command as the maker.
            order.fill(
                event.quantity,
                event.price * event.quantity,
                event.taker_unlocked,
                event.taker_fee,
                event.taker_fee_carry,
            )
        case OrderRested(order_id=order_id) if order_id == order.id:
            order.rest(event.unlocked)
        case OrderFilled(order_id=order_id) if order_id == order.id:
            order.end(_FILLED)
        case OrderAmended() | PendingAmended():
            order.amend(event.price, event.quantity, event.reserved, event.conditions)
        case OrderCancelled(order_id=order_id) if order_id == order.id:
            # What ends by its time does so in a command of its own.
            order.end(_CANCELLED, event.reason, event.unlocked)
        case LockPassed(order_id=order_id) if order_id == order.id:
            order.locked += event.reserved
        case _:
            pass


def cancelled_view(answer: Answer, order: Order, market: Market) -> CancelledView:
    """Return the answer to a CancelOrder that was accepted; `order` is the one it ended."""
    return CancelledView(order_view(order, market), balance_view(answer.available, answer.locked))


def all_cancelled_view(answer: Answer) -> AllCancelledView:
    """Return the answer to a CancelAll; raises EngineRefused."""
    events, _ = accepted(answer)
    ids = [str(event.order_id) for event in events if type(event) is OrderCancelled]
    count = sum(event.count for event in events if type(event) is OrdersCancelled)
    return AllCancelledView(count, ids, balance_view(answer.available, answer.locked))
