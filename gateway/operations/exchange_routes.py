"""The public rows about the exchange as a whole: what it takes now, and its time."""

from typing import Final

from exchange.messages.terms import ExchangeMode
from exchange.model.state import State
from gateway.engine_side.readiness import ViewFeed
from gateway.http.request import Request
from gateway.http.routing import Access, Route
from gateway.wire.scalars import iso_millis
from gateway.wire.strict_json import AnswerStruct
from persistence.clock import now_us
from persistence.loop.ports import CommandPort

_TAKING_ORDERS: Final = (ExchangeMode.OPEN, ExchangeMode.POST_ONLY)


class ExchangeStatusView(AnswerStruct, frozen=True):
    """What the exchange takes now. `takesOrders` says whether this address takes any at all.

    `seq` is the last command that this process has seen committed, `updatedAt` its time; `stale`
    is true where the engine isn't heard, or doesn't hear its database.
    """

    mode: ExchangeMode
    takes_orders: bool
    stale: bool
    epoch: int
    seq: int
    updated_at: str


class TimeView(AnswerStruct, frozen=True):
    """The time here, and the same in milliseconds since the Unix epoch."""

    time: str
    milliseconds: int


class ExchangeRoutes:
    """Tells everybody how the exchange is."""

    def __init__(self, view: State, feed: ViewFeed, commands: CommandPort) -> None:
        self._view = view
        self._feed = feed
        self._commands = commands

    async def get_status(self, _request: Request[None, None]) -> ExchangeStatusView:
        """Return what the exchange takes now."""
        view, feed = self._view, self._feed
        takes_orders = self._commands.is_open and view.mode in _TAKING_ORDERS
        return ExchangeStatusView(
            view.mode, takes_orders, feed.is_stale, feed.epoch, view.seq, iso_millis(view.now)
        )

    async def get_time(self, _request: Request[None, None]) -> TimeView:
        """Return the time."""
        now = now_us()
        return TimeView(iso_millis(now), now // 1_000)

    def routes(self) -> tuple[Route, ...]:
        """Return the rows."""
        return (
            Route(
                method="GET",
                path="/exchange/status",
                handler=self.get_status,
                access=Access.PUBLIC,
                answer=ExchangeStatusView,
                summary="Show what the exchange takes now",
                tag="system",
            ),
            Route(
                method="GET",
                path="/time",
                handler=self.get_time,
                access=Access.PUBLIC,
                answer=TimeView,
                summary="Show the time of the process that answers",
                tag="system",
            ),
        )
