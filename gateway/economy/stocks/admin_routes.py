"""The rows of the route table under /admin/stocks: listing a stock, and letting nobody buy it."""

import contextlib

from exchange.messages.units import format_money
from gateway.economy.stocks.bodies import NewStockBody, StockStatusBody, check_symbol, new_stock
from gateway.economy.stocks.desk import StockDesk
from gateway.economy.stocks.interest import interest_today
from gateway.economy.stocks.views import StockView, hours_before, stock_view
from gateway.http.request import Request
from gateway.http.routing import Access, Route
from gateway.wire.errors import Conflict, LimitReached, NotFound, Unavailable, UnknownOutcome
from persistence.clock import now_us
from persistence.errors import CommandNotTaken, OutcomeUnknown
from persistence.postgres.database import Queryable
from persistence.repositories.audit import AuditLog, AuditTrail
from persistence.repositories.economy.stocks.reading import StockReading
from persistence.repositories.economy.stocks.stocks import STOCKS_MAX, Stocks


class StockAdminRoutes:
    """Looks after stocks."""

    def __init__(
        self,
        desk: StockDesk,
        rows: Stocks,
        reading: StockReading,
        audit: AuditLog,
        clock: Queryable,
    ) -> None:
        """`clock` is asked which day it is."""
        self._reading = reading
        self._desk = desk
        self._rows = rows
        self._audit = audit
        self._clock = clock

    async def create(self, request: Request[NewStockBody, None]) -> StockView:
        """List a stock, of which there are no shares yet, and open its reserve."""
        new, now = new_stock(request.body), now_us()
        self._desk.require_engine()
        row = await self._rows.add(new, now, await interest_today(self._clock))
        trail = AuditTrail(self._audit, request.request_id)
        what = f"stock:{new.symbol} {format_money(new.base)} {format_money(new.slope)}"
        if row is None:
            is_taken = await self._rows.by_symbol(new.symbol) is not None
            await trail.note(
                request.user_id, "stock.create", what, "taken" if is_taken else "too many"
            )
            if is_taken:
                raise Conflict(f"symbol: {new.symbol} is another stock's")
            raise LimitReached.of("symbol", STOCKS_MAX)
        await trail.note(request.user_id, "stock.create", what, "ok")
        # It is listed, whatever the engine says now: else whoever trades first opens the reserve.
        with contextlib.suppress(CommandNotTaken, OutcomeUnknown):
            await self._desk.open_reserve(row.id)
        return stock_view(row, [(now, 0)])

    async def halt(self, request: Request[StockStatusBody, None]) -> StockView:
        """Let nobody buy a stock, or everybody again."""
        symbol = check_symbol(request.path["symbol"])
        is_halted = request.body.halted
        if not await self._rows.halt(symbol, is_halted=is_halted):
            raise NotFound("There is no such stock")
        trail = AuditTrail(self._audit, request.request_id)
        action = "stock.halt" if is_halted else "stock.open"
        await trail.note(request.user_id, action, f"stock:{symbol}", "ok")
        row = await self._rows.by_symbol(symbol)
        if row is None:
            raise NotFound("There is no such stock")
        supplies = await self._reading.supplies([row.id], hours_before(now_us()))
        return stock_view(row, supplies.get(row.id, ()))

    def routes(self) -> tuple[Route, ...]:
        """Return the rows."""
        return (
            Route(
                method="POST",
                path="/admin/stocks",
                handler=self.create,
                access=Access.ADMIN,
                body=NewStockBody,
                answer=StockView,
                status=201,
                errors=(Conflict, LimitReached, Unavailable, UnknownOutcome),
                summary="List a stock",
                tag="admin",
            ),
            Route(
                method="PATCH",
                path="/admin/stocks/{symbol}",
                handler=self.halt,
                access=Access.ADMIN,
                body=StockStatusBody,
                answer=StockView,
                errors=(NotFound,),
                summary="Let nobody buy a stock, or everybody again",
                tag="admin",
            ),
        )
