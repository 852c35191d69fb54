"""The rows of the route table for several orders at once: running a batch, and previewing one.

As with a single order, the command is on the engine's queue before the handler first waits. A
preview sends nothing.
"""

from gateway.access.api_keys.standing import Scope
from gateway.http.request import Request
from gateway.http.routing import Access, Route
from gateway.trading.batches import BatchBody, BatchView
from gateway.trading.desk import Desk
from gateway.trading.previews import PreviewBody, PreviewView
from gateway.trading.routes import COMMAND_ERRORS
from gateway.wire.errors import Conflict, Forbidden, NotFound, Refused, Unavailable


class BatchRoutes:
    """Takes batches of orders."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    async def batch(self, request: Request[BatchBody, None]) -> BatchView:
        """Run several operations as one command."""
        return await self._desk.batch(request.user_id, request.body).result()

    async def preview(self, request: Request[PreviewBody, None]) -> PreviewView:
        """Tell what an order or a batch would do."""
        preview = self._desk.preview(request.user_id, request.body)
        return preview.tell() if preview.is_small else await self._desk.large_previews.tell(preview)

    def routes(self) -> tuple[Route, ...]:
        """Return the rows."""
        return (
            Route(
                method="POST",
                path="/orders/batch",
                handler=self.batch,
                access=Access.USER,
                scope=Scope.TRADE,
                body=BatchBody,
                answer=BatchView,
                errors=COMMAND_ERRORS,
                cost_each="operation",
                summary="Run up to 50 placings, amends and cancels as one command",
                tag="orders",
            ),
            Route(
                method="POST",
                path="/orders/preview",
                handler=self.preview,
                access=Access.USER,
                scope=Scope.READ,
                body=PreviewBody,
                answer=PreviewView,
                errors=(Forbidden, NotFound, Conflict, Refused, Unavailable),
                cost_each="operation, and 100 resting orders that it would reach",
                summary="Tell what an order or a batch would do now; changes nothing",
                tag="orders",
            ),
        )
