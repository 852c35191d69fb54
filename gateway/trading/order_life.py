"""The row of the route table that tells an order's whole life: `GET /orders/{id}/events`.

Made from the engine's own events, as the journal has them: nothing is told of an order that didn't
happen, and each thing once.
"""

from typing import Literal

from exchange.messages.events import (
    OrderAmended,
    OrderCancelled,
    OrderFilled,
    OrderPlaced,
    TradeExecuted,
)
from exchange.messages.terms import CancelReason, OrderStatus
from exchange.messages.waiting_events import OrderTriggered, PendingAmended
from exchange.model.market import Market
from exchange.model.order_book import Order
from exchange.model.state import State
from gateway.access.api_keys.standing import Scope
from gateway.engine_side.ports import OrderHistory
from gateway.http.paging import SliceQuery
from gateway.http.request import AsOf, Request, Slice
from gateway.http.routing import Access, Route, Shape
from gateway.http.settings import PageLimits
from gateway.trading.routes import own_order
from gateway.trading.views import OwnFillView, own_fill_view, read_mark
from gateway.wire.errors import Forbidden, NotFound
from gateway.wire.scalars import iso_millis, money_text, parse_id, price_text, quantity_text
from gateway.wire.strict_json import AnswerStruct
from persistence.repositories.order_life import Moment

OrderEventType = Literal["PLACED", "AMENDED", "TRIGGERED", "FILL", "FILLED", "CANCELLED", "EXPIRED"]
LIFE_COST = 5
"""It is looked for in the journal."""


class OrderEventView(AnswerStruct, frozen=True, gc=False):
    """One thing that happened to an order, by the command `seq`.

    `price`, `quantity`, `maxCost` and `triggerPrice` are the terms as it was placed, or amended to;
    of a fill `fill` tells. TRIGGERED: the price that it waited for came, and it takes part from
    there. FILLED and what comes in its place (CANCELLED and EXPIRED, with `reason`) is the last of
    all.
    """

    seq: int
    type: OrderEventType
    price: str | None
    quantity: str | None
    max_cost: str | None
    trigger_price: str | None
    keeps_place: bool | None
    fill: OwnFillView | None
    reason: CancelReason | None
    created_at: str


def _view(
    seq: int,
    at: int,
    kind: OrderEventType,
    *,
    price: int | None = None,
    quantity: int | None = None,
    max_cost: int | None = None,
    trigger_price: int | None = None,
    keeps_place: bool | None = None,
    fill: OwnFillView | None = None,
    reason: CancelReason | None = None,
) -> OrderEventView:
    return OrderEventView(
        seq,
        kind,
        None if price is None else price_text(price),
        None if quantity is None else quantity_text(quantity),
        None if max_cost is None else money_text(max_cost),
        None if trigger_price is None else price_text(trigger_price),
        keeps_place,
        fill,
        reason,
        iso_millis(at),
    )


def order_event_view(moment: Moment, order: Order, market: Market) -> OrderEventView | None:
    """Return what a moment of an order's life looks like; None for one that isn't told."""
    seq, at, event = moment.seq, moment.at, moment.event
    match event:
        case OrderPlaced():
            terms = event.conditions
            return _view(
                seq,
                at,
                "PLACED",
                price=event.price,
                quantity=event.quantity,
                max_cost=event.max_cost,
                trigger_price=None if terms is None else terms.trigger_price,
            )
        case OrderAmended():
            keeps = event.keeps_place
            return _view(
                seq, at, "AMENDED", price=event.price, quantity=event.quantity, keeps_place=keeps
            )
        case PendingAmended():
            return _view(
                seq,
                at,
                "AMENDED",
                price=event.price,
                quantity=event.quantity,
                trigger_price=event.conditions.trigger_price,
            )
        case OrderTriggered():
            return _view(seq, at, "TRIGGERED")
        case TradeExecuted():
            is_taker = event.taker_order_id == order.id
            fee = event.taker_fee if is_taker else event.maker_fee
            fill = own_fill_view(
                event, market, at, order.id, order.client_order_id, fee, is_taker=is_taker
            )
            return _view(seq, at, "FILL", fill=fill)
        case OrderFilled():
            return _view(seq, at, "FILLED")
        case OrderCancelled():
            is_expiry = event.reason is CancelReason.EXPIRED
            return _view(seq, at, "EXPIRED" if is_expiry else "CANCELLED", reason=event.reason)
        case _:
            return None


class OrderLifeRoutes:
    """Tells what became of one's orders."""

    def __init__(self, view: State, history: OrderHistory, pages: PageLimits) -> None:
        self._view = view
        self._history = history
        self._pages = pages

    async def list_events(self, request: Request[None, SliceQuery]) -> AsOf[Slice[OrderEventView]]:
        """Return a slice of an order's life, oldest first."""
        query, mark = request.query, read_mark(self._view, request.user_id)
        limit, after = query.size(self._pages), query.number() or 0
        order = await own_order(
            self._view, self._history, request.user_id, parse_id(request.path["id"])
        )
        market = self._view.markets[order.market_id]
        seq, status, ended_at = order.seq, order.status, order.updated_at
        moments, further = await self._history.order_life(order, after, limit)
        found = [order_event_view(moment, order, market) for moment in moments]
        views = [view for view in found if view is not None]
        # The last fill of an order by quantity is its end without a word of its own.
        is_told = any(view.type == "FILLED" for view in views)
        if status is OrderStatus.FILLED and further is None and after < seq and not is_told:
            views.append(_view(seq, ended_at, "FILLED"))
        return mark.on(Slice(views, None if further is None else str(further)))

    def routes(self) -> tuple[Route, ...]:
        """Return the rows."""
        return (
            Route(
                method="GET",
                path="/orders/{id}/events",
                handler=self.list_events,
                access=Access.USER,
                scope=Scope.READ,
                query=SliceQuery,
                answer=OrderEventView,
                shape=Shape.SLICE,
                errors=(Forbidden, NotFound),
                cost=LIFE_COST,
                summary="Tell the whole life of one of one's orders, oldest first",
                tag="orders",
                of_account=True,
            ),
        )
