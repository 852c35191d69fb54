"""The rows of the route table under /orders: placing, cancelling, and reading one's own orders.

Open orders are read from the committed view, ended ones from the store; both stand at or behind
nothing the caller was told. An order of somebody else is answered 403 NOT_ORDER_OWNER, by a read
as by a cancel: ids are consecutive, so that there is one tells nobody anything. An ended order
can't be cancelled, whoever's it was: 422 ORDER_NOT_OPEN.

A command is on the engine's queue before a handler first waits, and waiting is all that ends with
the client's connection: the command takes effect, once.
"""

from collections.abc import Sequence
from typing import Annotated, Final

from exchange.messages.reasons import Reason
from exchange.messages.terms import OrderStatus, Outcome, Side
from exchange.model.accounts import Account
from exchange.model.idempotency import ORDER_ID
from exchange.model.order_book import Order
from exchange.model.state import State
from gateway.access.api_keys.standing import Scope
from gateway.access.budgets import Budget
from gateway.engine_side.ports import OrderHistory
from gateway.engine_side.refusals import EngineRefused
from gateway.http.paging import SliceQuery
from gateway.http.reading.query_strings import parse_words, words_text
from gateway.http.request import AnyRequest, AsOf, Request, Slice
from gateway.http.routing import Access, Route, Shape
from gateway.http.settings import PageLimits
from gateway.markets.lookup import MarketText, asked_market, market_name
from gateway.trading.desk import Desk, no_such_order
from gateway.trading.order_bodies import AmendBody, GroupIdText, OrderBody, check_client_id
from gateway.trading.pairs import OcoBody, OcoView
from gateway.trading.results import AllCancelledView, AmendedView, CancelledView, PlacedView
from gateway.trading.views import (
    OrderView,
    OwnOrderView,
    ReadMark,
    order_view,
    own_order_view,
    read_mark,
)
from gateway.wire.errors import (
    Conflict,
    Forbidden,
    NotFound,
    Refused,
    Unavailable,
    UnknownOutcome,
)
from gateway.wire.scalars import parse_id
from gateway.wire.strict_json import QueryStruct

_OPEN: Final = (OrderStatus.OPEN, OrderStatus.PARTIAL, OrderStatus.PENDING)
_IN_MEMORY: Final = frozenset(_OPEN)
_GROUPS: Final = {"open": _OPEN}
"""What a word of its own stands for, beside the statuses themselves."""
StatusesText = Annotated[
    str, words_text(OrderStatus, "OPEN,PARTIAL or open, which is both and PENDING", _GROUPS)
]
COMMAND_ERRORS: Final = (Forbidden, NotFound, Conflict, Refused, Unavailable, UnknownOutcome)


class CancelAllQuery(QueryStruct, frozen=True):
    """What to cancel; unset: in every market, of both sides, of both outcomes, whatever group."""

    market: MarketText | None = None
    market_id: MarketText | None = None
    slug: MarketText | None = None
    side: Side | None = None
    outcome: Outcome | None = None
    group_id: GroupIdText | None = None


class OrdersQuery(SliceQuery, frozen=True):
    """Which of one's orders."""

    status: StatusesText | None = None
    market: MarketText | None = None
    market_id: MarketText | None = None
    slug: MarketText | None = None


def open_orders(
    account: Account | None,
    statuses: Sequence[OrderStatus],
    market_id: int | None,
    before: int | None,
    limit: int,
) -> list[Order]:
    """Return an account's open orders below the id `before`, newest first.

    O(its open orders), which are bounded.
    """
    found: list[Order] = []
    if account is None:
        return found
    for order in reversed(account.orders.values()):
        if len(found) == limit:
            break
        if (
            (before is None or order.id < before)
            and order.status in statuses
            and market_id in (None, order.market_id)
        ):
            found.append(order)
    return found


async def own_order(
    view: State, history: OrderHistory, account_id: int, order_id: int | None
) -> Order:
    """Return an order of the account, open or ended; None names none.

    Raises EngineRefused if there is no such order, or it is somebody else's.
    """
    order = None
    if order_id is not None:
        order = view.orders.get(order_id) or await history.order(order_id)
    # What the store has already and a view elsewhere hasn't yet isn't there yet.
    if order is None or order.market_id not in view.markets:
        raise no_such_order()
    if order.account_id != account_id:
        raise EngineRefused(Reason.NOT_ORDER_OWNER, "the order is not yours", "orderId")
    return order


def _order_id(request: AnyRequest) -> int:
    number = parse_id(request.path["id"])
    if number is None:
        raise no_such_order()
    return number


class OrderRoutes:
    """Takes orders and shows one's own."""

    def __init__(self, desk: Desk, view: State, history: OrderHistory, pages: PageLimits) -> None:
        self._desk = desk
        self._view = view
        self._history = history
        self._pages = pages

    async def place(self, request: Request[OrderBody, None]) -> PlacedView:
        """Place an order."""
        sent = self._desk.place(request.user_id, request.path["id"], request.body)
        return await sent.result()

    async def place_pair(self, request: Request[OcoBody, None]) -> OcoView:
        """Place two orders of which one cancels the other."""
        return await self._desk.place_pair(request.user_id, request.body).result()

    async def amend(self, request: Request[AmendBody, None]) -> AmendedView:
        """Change an open order of the caller."""
        return await self._desk.amend(request.user_id, _order_id(request), request.body).result()

    async def cancel(self, request: Request[None, None]) -> CancelledView:
        """Cancel an open order of the caller."""
        return await self._desk.cancel(request.user_id, _order_id(request)).result()

    async def cancel_by_client_id(self, request: Request[None, None]) -> CancelledView:
        """Cancel the open order that the caller placed under an id of its own."""
        client_id = check_client_id(request.path["clientOrderId"], "clientOrderId")
        return await self._desk.cancel_by_client_id(request.user_id, client_id).result()

    async def cancel_all(self, request: Request[None, CancelAllQuery]) -> AllCancelledView:
        """Cancel the caller's open orders, or those of a market, a side, an outcome, a group."""
        query = request.query
        group = None if query.group_id is None else check_client_id(query.group_id, "groupId")
        name = market_name(query)
        sent = self._desk.cancel_all(request.user_id, name, query.side, query.outcome, group)
        return await sent.result()

    async def get_order(self, request: Request[None, None]) -> AsOf[OwnOrderView]:
        """Return one of the caller's orders."""
        mark = self._mark(request)
        order = await own_order(
            self._view, self._history, request.user_id, parse_id(request.path["id"])
        )
        return mark.on(own_order_view(order, self._view.markets[order.market_id]))

    async def get_order_by_client_id(self, request: Request[None, None]) -> AsOf[OwnOrderView]:
        """Return the order that the caller placed under an id of its own."""
        user_id, mark = request.user_id, self._mark(request)
        client_id = check_client_id(request.path["clientOrderId"], "clientOrderId")
        order = None
        order_id = self._view.open_client_ids.get((user_id, ORDER_ID, client_id))
        if order_id is not None:
            order = self._view.orders[order_id]
        else:
            order = await self._history.order_by_client_id(user_id, client_id)
        if order is None or order.market_id not in self._view.markets:
            raise no_such_order("clientOrderId")
        return mark.on(own_order_view(order, self._view.markets[order.market_id]))

    async def list_orders(self, request: Request[None, OrdersQuery]) -> AsOf[Slice[OrderView]]:
        """Return a slice of the caller's orders, newest first."""
        query, mark = request.query, self._mark(request)
        view = self._view
        limit, before = query.size(self._pages), query.number()
        statuses = parse_words(query.status, OrderStatus, "status", _GROUPS)
        market = asked_market(view, query)
        market_id = None if market is None else market.id
        found: Sequence[Order]
        if statuses and _IN_MEMORY.issuperset(statuses):
            account = view.accounts.get(request.user_id)
            found = open_orders(account, statuses, market_id, before, limit + 1)
        else:
            found = await self._history.orders(
                request.user_id, statuses, market_id, before, limit + 1
            )
        further = str(found[limit - 1].id) if len(found) > limit else None
        # The store may be ahead of the view, and know a market more.
        shown = [
            order_view(order, view.markets[order.market_id])
            for order in found[:limit]
            if order.market_id in view.markets
        ]
        return mark.on(Slice(shown, further))

    def _mark(self, request: AnyRequest) -> ReadMark:
        return read_mark(self._view, request.user_id)

    def routes(self) -> tuple[Route, ...]:
        """Return the rows."""
        return (*self._placing_routes(), *self._command_routes(), *self._read_routes())

    def _placing_routes(self) -> tuple[Route, ...]:
        # The path's parameter is {id} here as well as where it is an order's, since OpenAPI takes
        # paths that differ by a parameter's name alone for the same.
        return (
            Route(
                method="POST",
                path="/orders/{id}",
                handler=self.place,
                access=Access.USER,
                scope=Scope.TRADE,
                body=OrderBody,
                answer=PlacedView,
                status=201,
                errors=COMMAND_ERRORS,
                summary="Place an order in the market of that slug or id",
                tag="orders",
            ),
            Route(
                method="POST",
                path="/orders/oco",
                handler=self.place_pair,
                access=Access.USER,
                scope=Scope.TRADE,
                body=OcoBody,
                answer=OcoView,
                status=201,
                errors=COMMAND_ERRORS,
                cost_each="order",
                summary="Place two orders of which one cancels the other",
                tag="orders",
            ),
        )

    def _command_routes(self) -> tuple[Route, ...]:
        return (
            Route(
                method="PATCH",
                path="/orders/{id}",
                handler=self.amend,
                access=Access.USER,
                scope=Scope.TRADE,
                body=AmendBody,
                answer=AmendedView,
                errors=COMMAND_ERRORS,
                summary="Change price, quantity, expiry or trigger of an open order",
                tag="orders",
            ),
            Route(
                method="DELETE",
                path="/orders/{id}",
                handler=self.cancel,
                access=Access.USER,
                scope=Scope.TRADE,
                answer=CancelledView,
                errors=COMMAND_ERRORS,
                budget=Budget.CANCEL,
                summary="Cancel an open order",
                tag="orders",
            ),
            Route(
                method="DELETE",
                path="/orders/by-client-id/{clientOrderId}",
                handler=self.cancel_by_client_id,
                access=Access.USER,
                scope=Scope.TRADE,
                answer=CancelledView,
                errors=COMMAND_ERRORS,
                budget=Budget.CANCEL,
                summary="Cancel the open order placed under an id of one's own",
                tag="orders",
            ),
            Route(
                method="DELETE",
                path="/orders",
                handler=self.cancel_all,
                access=Access.USER,
                scope=Scope.TRADE,
                query=CancelAllQuery,
                answer=AllCancelledView,
                errors=COMMAND_ERRORS,
                budget=Budget.CANCEL_ALL,
                summary="Cancel all open orders, or those of a market, a side, an outcome, a group",
                tag="orders",
            ),
        )

    def _read_routes(self) -> tuple[Route, ...]:
        return (
            *(
                Route(
                    method="GET",
                    path=path,
                    handler=self.list_orders,
                    access=Access.USER,
                    scope=Scope.READ,
                    query=OrdersQuery,
                    answer=OrderView,
                    shape=Shape.SLICE,
                    errors=(NotFound,),
                    summary="List one's orders, newest first",
                    tag="orders",
                    of_account=True,
                )
                for path in ("/orders", "/orders/user/orders")
            ),
            Route(
                method="GET",
                path="/orders/{id}",
                handler=self.get_order,
                access=Access.USER,
                scope=Scope.READ,
                answer=OwnOrderView,
                errors=(Forbidden, NotFound),
                summary="Show one of one's orders",
                tag="orders",
                of_account=True,
            ),
            Route(
                method="GET",
                path="/orders/by-client-id/{clientOrderId}",
                handler=self.get_order_by_client_id,
                access=Access.USER,
                scope=Scope.READ,
                answer=OwnOrderView,
                errors=(NotFound,),
                summary="Show the order placed under an id of one's own",
                tag="orders",
                of_account=True,
            ),
        )
