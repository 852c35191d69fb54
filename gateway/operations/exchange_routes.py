"""The public rows about the exchange as a whole: what it takes now, its time, and all that a client
needs to begin.
"""

from importlib.metadata import version
from typing import Final

from exchange.engine import RULES_VERSION
from exchange.messages.bounds import (
    CLIENT_ID_LENGTH,
    OPEN_ORDERS_PER_ACCOUNT,
    PRICE_MAX,
    PRICE_MIN,
    QUANTITY_MAX,
)
from exchange.messages.terms import (
    ExchangeMode,
    OrderType,
    SelfTradePrevention,
    TimeInForce,
)
from exchange.model.state import State
from gateway.access.budgets import ANONYMOUS, CANCEL, READ, WRITE, Policy
from gateway.access.settings import LimitSettings
from gateway.engine_side.readiness import ViewFeed
from gateway.http.openapi import API_VERSION
from gateway.http.request import Request
from gateway.http.routing import Access, Route
from gateway.http.settings import HttpSettings, PageLimits
from gateway.sockets.framing.frames import NAMESPACES
from gateway.sockets.settings import SocketSettings
from gateway.trading.order_bodies import OrderBody
from gateway.wire.scalars import iso_millis, money_text, price_text, quantity_text, time_if_known
from gateway.wire.strict_json import AnswerStruct
from persistence.clock import now_us
from persistence.loop.ports import CommandPort

_TAKING_ORDERS: Final = (ExchangeMode.OPEN, ExchangeMode.POST_ONLY)


class RateView(AnswerStruct, frozen=True):
    """One limit of calls, in the standard tier: `size` at once, as many more in `windowSeconds`."""

    name: str
    size: int
    window_seconds: float


class BoundsView(AnswerStruct, frozen=True):
    """What binds everybody alike; `betMin` and `betMax` are the credits of one bet."""

    price_min: str
    price_max: str
    quantity_max: str
    open_orders_max: int
    bet_min: str
    bet_max: str
    client_order_id_length_max: int
    page_size_max: int
    request_body_bytes_max: int
    socket_frame_bytes_max: int
    socket_in_flight_max: int
    rates: list[RateView]


class VersionsView(AnswerStruct, frozen=True):
    """Of the program, of what it understands over REST and sockets, and of the engine's rules."""

    program: str
    api: str
    rules: int


class CapabilitiesView(AnswerStruct, frozen=True):
    """What an order may say."""

    order_types: list[OrderType]
    times_in_force: list[TimeInForce]
    self_trade_preventions: list[SelfTradePrevention]
    order_fields: list[str]


class AddressesView(AnswerStruct, frozen=True):
    """Where what is, as paths at the address that answers."""

    api: str
    docs: str
    openapi: str
    sockets: list[str]
    socket_namespaces: list[str]


class ExchangeStatusView(AnswerStruct, frozen=True):
    """What the exchange takes now. `takesOrders` says whether this address takes any at all.

    `modeSince` is null if the mode was never changed, or before that was kept; `postOnlyUntil` is
    there after a restart, until the exchange opens by itself. `seq` is the last
    command that this process has seen committed, `updatedAt` its time; `stale` is true where the
    engine isn't heard, or doesn't hear its database. `limits` bind everybody.
    """

    mode: ExchangeMode
    mode_since: str | None
    post_only_until: str | None
    takes_orders: bool
    stale: bool
    epoch: int
    seq: int
    updated_at: str
    versions: VersionsView
    limits: BoundsView


class TimeView(AnswerStruct, frozen=True):
    """The time here, and the same in milliseconds since the Unix epoch."""

    time: str
    milliseconds: int


class HelloView(AnswerStruct, frozen=True):
    """What a client needs to begin: read it once, and again after a new version."""

    name: str
    time: str
    milliseconds: int
    addresses: AddressesView
    capabilities: CapabilitiesView
    status: ExchangeStatusView


_PROGRAM: Final = version("probity")
_ADDRESSES: Final = AddressesView(
    "/api/v1",
    "/api/v1/docs",
    "/api/v1/openapi.json",
    ["/ws", "/socket.io"],
    list(NAMESPACES),
)
_CAPABILITIES: Final = CapabilitiesView(
    list(OrderType),
    list(TimeInForce),
    list(SelfTradePrevention),
    list(OrderBody.__struct_encode_fields__),
)


def bounds_view(
    limits: LimitSettings,
    http: HttpSettings,
    pages: PageLimits,
    sockets: SocketSettings,
    bets: tuple[int, int],
) -> BoundsView:
    """Return what binds everybody under these settings; `bets` are the least and the most money of
    one.
    """

    def rate(policy: Policy) -> RateView:
        return RateView(policy.name, policy.limit(limits), policy.window_ms(limits) / 1_000)

    return BoundsView(
        price_text(PRICE_MIN),
        price_text(PRICE_MAX),
        quantity_text(QUANTITY_MAX),
        OPEN_ORDERS_PER_ACCOUNT,
        money_text(bets[0]),
        money_text(bets[1]),
        CLIENT_ID_LENGTH,
        pages.size_max,
        http.body_max_bytes,
        sockets.frame_max_bytes,
        sockets.in_flight_max,
        [rate(policy) for policy in (ANONYMOUS, READ, WRITE, CANCEL)],
    )


class ExchangeRoutes:
    """Tells everybody how the exchange is."""

    def __init__(
        self, view: State, feed: ViewFeed, commands: CommandPort, bounds: BoundsView
    ) -> None:
        self._view = view
        self._feed = feed
        self._commands = commands
        self._bounds = bounds
        self._versions = VersionsView(_PROGRAM, API_VERSION, RULES_VERSION)

    async def get_status(self, _request: Request[None, None]) -> ExchangeStatusView:
        """Return what the exchange takes now."""
        return self._status()

    def _status(self) -> ExchangeStatusView:
        view, feed = self._view, self._feed
        return ExchangeStatusView(
            view.mode,
            time_if_known(view.mode_since),
            time_if_known(view.post_only_until),
            self._commands.is_open and view.mode in _TAKING_ORDERS,
            feed.is_stale,
            feed.epoch,
            view.seq,
            iso_millis(view.now),
            self._versions,
            self._bounds,
        )

    async def get_hello(self, _request: Request[None, None]) -> HelloView:
        """Return what a client needs to begin."""
        now = now_us()
        return HelloView(
            "Probity",
            iso_millis(now),
            now // 1_000,
            _ADDRESSES,
            _CAPABILITIES,
            self._status(),
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
                path="/hello",
                handler=self.get_hello,
                access=Access.PUBLIC,
                answer=HelloView,
                summary="Show what a client needs to begin",
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
