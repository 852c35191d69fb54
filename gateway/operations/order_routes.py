"""The row `DELETE /admin/orders/{id}`: an admin ends somebody's open order.

The order's end says that it was an admin (`cancelReason` ADMIN), in its message and its `/events`;
who it was is told by the audit log alone, in a line about the order's owner.
"""

from typing import Final

from exchange.messages.admin.commands import ForceCancel
from exchange.messages.events import OrderCancelled
from exchange.messages.terms import CancelReason
from exchange.model.state import State
from gateway.engine_side.audited import AuditedCommands
from gateway.http.request import Request
from gateway.http.routing import Access, Route
from gateway.wire.errors import NotFound, Refused, Unavailable, UnknownOutcome
from gateway.wire.strict_json import AnswerStruct

ACTION: Final = "order.cancel"


class EndedOrderView(AnswerStruct, frozen=True):
    """The order that was ended, and whose it was."""

    order_id: str
    user_id: str
    market_id: str
    slug: str
    cancel_reason: CancelReason


class OrderAdminRoutes:
    """Ends orders."""

    def __init__(self, view: State, commands: AuditedCommands) -> None:
        self._view = view
        self._commands = commands

    async def cancel(self, request: Request[None, None]) -> EndedOrderView:
        """End an open order, whosever it is, in every status of its market and every mode."""
        order_id = request.path_id("id")
        order = self._view.orders.get(order_id)
        whose = "" if order is None else f"user:{order.account_id} "
        target = f"{whose}order:{order_id}"
        command = ForceCancel(order_id)
        _, events, _ = await self._commands.run(request.actor, ACTION, target, command)
        ended = events[0]
        if type(ended) is not OrderCancelled:
            raise TypeError(f"the end of an order begins with {type(ended).__name__}")
        return EndedOrderView(
            str(ended.order_id),
            str(ended.account_id),
            str(ended.market_id),
            self._view.markets[ended.market_id].slug,
            ended.reason,
        )

    def routes(self) -> tuple[Route, ...]:
        """Return the row."""
        return (
            Route(
                method="DELETE",
                path="/admin/orders/{id}",
                handler=self.cancel,
                access=Access.ADMIN,
                answer=EndedOrderView,
                errors=(NotFound, Refused, Unavailable, UnknownOutcome),
                summary="End an open order, whosever it is",
                tag="admin",
            ),
        )
