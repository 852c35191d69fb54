"""The rows of the route table under /backtests: asked for, looked at, cancelled, deleted.

Laws: a backtest is its owner's alone, somebody else's is a 404 like one that never was. Nothing is
run here: it waits in line for the process that it gets (`jobs.py`). What comes of it tells of the
run's own fills and of what everybody may see of a market, never who stood on the other side.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from typing import Final

import msgspec

from exchange.messages.bounds import STORED_MAX
from gateway.access.api_keys.standing import Scope
from gateway.feeds.known import MarketCatalogue, MarketRef, named_market, no_such_market
from gateway.http.paging import page_of
from gateway.http.request import Page, Request
from gateway.http.routing import Access, Route, Shape
from gateway.http.settings import PageLimits
from gateway.research.asked.bodies import (
    BacktestQuery,
    BacktestsQuery,
    NewBacktestBody,
    plan_of,
)
from gateway.research.asked.offered import OfferedView, offered, tapes_in
from gateway.research.asked.plan import tape_file
from gateway.research.asked.settings import BacktestSettings
from gateway.research.asked.views import (
    BacktestDetail,
    BacktestView,
    Known,
    backtest_detail,
    backtest_view,
    execution_views,
    played_by,
)
from gateway.research.playing import SAMPLE
from gateway.trading.order_bodies import check_client_id
from gateway.wire.errors import (
    Conflict,
    Detail,
    ExternalApiFailed,
    LimitReached,
    NotFound,
    Unavailable,
)
from persistence.clock import now_us
from persistence.errors import BoundReached
from persistence.repositories.research.backtests import Backtest, Backtests, QueueFull, TooManyWait

COST: Final = 2


class BacktestRoutes:
    """Keeps people's backtests."""

    def __init__(
        self,
        rows: Backtests,
        markets: MarketCatalogue,
        begin: Callable[[], Awaitable[object]],
        settings: BacktestSettings,
        pages: PageLimits,
    ) -> None:
        """`begin` has a worker look for what waits."""
        self._rows = rows
        self._markets = markets
        self._begin = begin
        self._settings = settings
        self._pages = pages

    async def create_backtest(self, request: Request[NewBacktestBody, None]) -> BacktestView:
        """Put a backtest in line."""
        settings, body = self._settings, request.body
        if settings.at_once == 0:
            raise Unavailable("no backtests are run here; BACKTESTS_AT_ONCE is 0")
        if body.request_id is not None:
            check_client_id(body.request_id, "requestId")
        plan = plan_of(body, await self._refs(body.markets or []))
        if plan.tape not in {None, SAMPLE}:
            path = await asyncio.to_thread(tape_file, settings.tapes, plan.tape or "")
            if path is None:
                raise _no_such_tape()
        text = msgspec.json.encode(plan).decode("utf-8")
        try:
            made = await self._rows.create(
                request.user_id,
                plan.strategy,
                text,
                now_us(),
                most=settings.most,
                waiting_most=settings.waiting_max,
                waiting_of_one=settings.waiting_of_one,
                request_id=body.request_id,
            )
        except BoundReached:
            raise LimitReached.of("backtests", settings.most) from None
        except TooManyWait:
            most = f"at most {settings.waiting_of_one} of your backtests wait at a time"
            raise LimitReached(f"{most}; wait for one, or cancel one") from None
        except QueueFull:
            raise Unavailable("too many backtests wait just now; try again later") from None
        if made.plan != text:
            raise Conflict("requestId: was used for another backtest")
        await self._begin()
        return backtest_view(made, await self._known([made]))

    async def list_strategies(self, _request: Request[None, None]) -> OfferedView:
        """Return what may be asked for."""
        tapes = await asyncio.to_thread(tapes_in, self._settings.tapes)
        return offered(available=self._settings.at_once > 0, tapes=tapes)

    async def list_backtests(self, request: Request[None, BacktestsQuery]) -> Page[BacktestView]:
        """Return one page of the caller's backtests, newest first."""
        query = request.query
        (limit, offset), before = query.bounds(self._pages), query.number()
        found, total = await self._rows.page(
            request.user_id,
            limit + 1,
            offset,
            STORED_MAX if before is None else before,
            strategy=query.strategy,
            status=query.status,
        )
        known = await self._known(found)
        return page_of(
            found,
            limit,
            offset,
            total,
            lambda one: backtest_view(one, known),
            lambda one: str(one.id),
        )

    async def get_backtest(self, request: Request[None, BacktestQuery]) -> BacktestDetail:
        """Return a backtest with what came of it."""
        number = request.path_id("id")
        found = await self._rows.get(request.user_id, number)
        if found is None:
            raise NotFound
        row, result = found
        fills = None
        if request.query.executions == "true":
            # Thousands of them, which the loop needn't wait for.
            stored = await self._rows.executions(number)
            fills = await asyncio.to_thread(execution_views, stored)
        return backtest_detail(row, await self._known([row]), result, fills)

    async def cancel_backtest(self, request: Request[None, None]) -> BacktestView:
        """End a backtest that waits or runs."""
        number = request.path_id("id")
        ended = await self._rows.cancel(request.user_id, number, now_us())
        if ended is not None:
            return backtest_view(ended, await self._known([ended]))
        if await self._rows.get(request.user_id, number) is None:
            raise NotFound
        raise Conflict("The backtest has ended")

    async def delete_backtest(self, request: Request[None, None]) -> None:
        """Delete a backtest with its fills; one that runs is ended."""
        if not await self._rows.delete(request.user_id, request.path_id("id")):
            raise NotFound

    async def _known(self, rows: Iterable[Backtest]) -> Known:
        """Return what is known of the markets that some are played on."""
        refs = {ref for row in rows for ref in played_by(row)}
        return await self._markets.known_many(refs) if refs else {}

    async def _refs(self, names: list[str]) -> list[MarketRef]:
        """Return the markets of these names; raises NotFound, or ValidationFailed."""
        refs = []
        for place, name in enumerate(names):
            field = f"markets[{place}]"
            ref, market = await named_market(self._markets, name, None, field)
            if market is None:
                raise no_such_market(field)
            refs.append(market.ref if market.ref.platform == ref.platform else ref)
        return refs

    def routes(self) -> tuple[Route, ...]:
        """Return the rows."""
        return (
            Route(
                method="GET",
                path="/backtests",
                handler=self.list_backtests,
                access=Access.USER,
                scope=Scope.READ,
                query=BacktestsQuery,
                answer=BacktestView,
                shape=Shape.PAGE,
                summary="List one's backtests, newest first",
                tag="backtests",
            ),
            Route(
                method="POST",
                path="/backtests",
                handler=self.create_backtest,
                access=Access.USER,
                scope=Scope.OWNER,
                body=NewBacktestBody,
                answer=BacktestView,
                status=201,
                errors=(NotFound, Conflict, LimitReached, ExternalApiFailed, Unavailable),
                summary="Test a strategy on a tape, or on what markets have gone through",
                tag="backtests",
            ),
            *self._one_routes(),
        )

    def _one_routes(self) -> tuple[Route, ...]:
        return (
            Route(
                method="GET",
                path="/backtests/strategies",
                handler=self.list_strategies,
                access=Access.USER,
                scope=Scope.READ,
                answer=OfferedView,
                summary="Show what a backtest may name: strategies with their parameters, tapes",
                tag="backtests",
            ),
            Route(
                method="GET",
                path="/backtests/{id}",
                handler=self.get_backtest,
                access=Access.USER,
                scope=Scope.READ,
                query=BacktestQuery,
                answer=BacktestDetail,
                errors=(NotFound,),
                cost=COST,
                summary="Show a backtest, how far it is and what came of it",
                tag="backtests",
            ),
            Route(
                method="POST",
                path="/backtests/{id}/cancel",
                handler=self.cancel_backtest,
                access=Access.USER,
                scope=Scope.OWNER,
                answer=BacktestView,
                errors=(NotFound, Conflict),
                summary="End a backtest that waits or runs",
                tag="backtests",
            ),
            Route(
                method="DELETE",
                path="/backtests/{id}",
                handler=self.delete_backtest,
                access=Access.USER,
                scope=Scope.OWNER,
                answer=None,
                errors=(NotFound,),
                summary="Delete a backtest with its fills",
                tag="backtests",
            ),
        )


def _no_such_tape() -> NotFound:
    message = "there is no such tape"
    return NotFound(f"tape: {message}", details=(Detail("tape", message),))
