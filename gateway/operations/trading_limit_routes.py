"""The rows about limits before the trade: those that admins set for a market or for an account.

A PUT sets all of them at once: what it leaves out is lifted. What binds one's own orders is part of
`GET /user/limits` (`limit_routes.py`).
"""

from collections.abc import Callable
from typing import Annotated, Final, TypedDict

import msgspec

from exchange.messages.bounds import HALT_S, HALT_WINDOW_S, OPEN_ORDERS_PER_ACCOUNT
from exchange.messages.limit_commands import SetAccountLimits, SetMarketLimits
from exchange.messages.limits import (
    AccountLimits,
    MarketLimits,
    VolatilityHalt,
    limit_of,
    limits_problem,
)
from exchange.messages.units import format_money, format_quantity
from exchange.model.accounts import Account
from exchange.model.market import Market
from exchange.model.state import State
from gateway.engine_side.audited import AuditedCommands
from gateway.http.request import Request
from gateway.http.routing import Access, Route
from gateway.markets.lookup import named_market
from gateway.wire import strict_json
from gateway.wire.errors import (
    Conflict,
    NotFound,
    Refused,
    Unavailable,
    UnknownOutcome,
    ValidationFailed,
)
from gateway.wire.scalars import price_text
from gateway.wire.strict_json import (
    AnswerStruct,
    BodyStruct,
    NotionalText,
    PriceText,
    QuantityText,
    is_given,
    not_given,
)

_ERRORS: Final = (NotFound, Conflict, Refused, Unavailable, UnknownOutcome)

WindowSeconds = Annotated[int, msgspec.Meta(ge=1, le=HALT_WINDOW_S)]
HaltSeconds = Annotated[int, msgspec.Meta(ge=1, le=HALT_S)]
PostOnlySeconds = Annotated[int, msgspec.Meta(ge=0, le=HALT_S)]
OrderCount = Annotated[int, msgspec.Meta(ge=1, le=OPEN_ORDERS_PER_ACCOUNT)]


class VolatilityHaltBody(BodyStruct, frozen=True):
    """A market whose trades of the last `windowSeconds` lie more than `move` apart is HALTED for
    `haltSeconds`, and then POST_ONLY for `postOnlySeconds`.
    """

    move: PriceText
    window_seconds: WindowSeconds
    halt_seconds: HaltSeconds
    post_only_seconds: PostOnlySeconds = 0


class VolatilityHaltView(AnswerStruct, frozen=True):
    """When a market halts by itself, and for how long."""

    move: str
    window_seconds: int
    halt_seconds: int
    post_only_seconds: int


class AccountLimitsBody(BodyStruct, frozen=True):
    """All limits of its own that an account gets; what is left out is its markets' to say."""

    order_quantity: QuantityText = not_given()
    order_notional: NotionalText = not_given()
    open_orders: OrderCount | None = None
    position: QuantityText = not_given()


class MarketLimitsBody(AccountLimitsBody, frozen=True):
    """All limits that a market gets; what is left out isn't limited."""

    price_band: PriceText = not_given()
    volatility_halt: VolatilityHaltBody | None = None


class TradingLimitsView(AnswerStruct, frozen=True):
    """What binds orders in a market; null: nothing does.

    `orderQuantity` (shares) and `orderNotional` (credits) bound one order, `openOrders` how many
    may be open in the market, `position` the shares of one outcome, held and wanted.
    """

    order_quantity: str | None
    order_notional: str | None
    open_orders: int | None
    position: str | None


class AccountLimitsView(TradingLimitsView, frozen=True):
    """An account's own limits, which take the place of its markets'."""

    user_id: str


class OwnLimitsView(TradingLimitsView, frozen=True):
    """What binds one's own orders; `priceBand` is how far from the last price they may reach,
    `volatilityHalt` when the market stops.
    """

    price_band: str | None
    volatility_halt: VolatilityHaltView | None


class MarketLimitsView(OwnLimitsView, frozen=True):
    """A market's limits, for who has none of his own, and what is everybody's: its band and
    its halts.
    """

    market_id: str
    slug: str


def limits_fields(
    limits: AccountLimits | None, below: AccountLimits | None = None
) -> tuple[str | None, str | None, int | None, str | None]:
    """Return the fields of a TradingLimitsView; what `limits` leave out is as `below` says."""

    def told(name: str, text: Callable[[int], str]) -> str | None:
        number = limit_of(limits, below, name)
        return None if number is None else text(number)

    return (
        told("order_quantity", format_quantity),
        told("order_notional", format_money),
        limit_of(limits, below, "open_orders"),
        told("position", format_quantity),
    )


def market_fields(
    limits: MarketLimits | None,
) -> tuple[str | None, VolatilityHaltView | None]:
    """Return a market's band and its halts, as views have them."""
    band = None if limits is None else limits.price_band
    halt = None if limits is None else limits.volatility_halt
    halt_view = None
    if halt is not None:
        times = halt.window, halt.halted, halt.post_only
        halt_view = VolatilityHaltView(price_text(halt.move), *times)
    return None if band is None else price_text(band), halt_view


class _Numbers(TypedDict):
    order_quantity: int | None
    order_notional: int | None
    open_orders: int | None
    position: int | None


class TradingLimitRoutes:
    """Sets and shows limits before the trade."""

    def __init__(self, view: State, commands: AuditedCommands) -> None:
        self._view = view
        self._commands = commands

    async def get_of_market(self, request: Request[None, None]) -> MarketLimitsView:
        """Return a market's limits."""
        return _of_market(named_market(self._view, request.path["slug"], drafts=True))

    async def set_of_market(self, request: Request[MarketLimitsBody, None]) -> MarketLimitsView:
        """Set all limits of a market."""
        market = named_market(self._view, request.path["slug"], drafts=True)
        body = request.body
        band = (
            strict_json.price(body.price_band, "priceBand") if is_given(body.price_band) else None
        )
        limits = MarketLimits(
            **_numbers(body), price_band=band, volatility_halt=_halt_of(body.volatility_halt)
        )
        _check(limits)
        command = SetMarketLimits(market.id, limits)
        await self._commands.run(
            request.actor, "market.limits", f"market:{market.id} {_words(limits)}", command
        )
        return _of_market(market)

    async def get_of_account(self, request: Request[None, None]) -> AccountLimitsView:
        """Return an account's own limits."""
        return _of_account(self._account(request.path_id("id")))

    async def set_of_account(self, request: Request[AccountLimitsBody, None]) -> AccountLimitsView:
        """Set all of an account's own limits."""
        user_id, limits = request.path_id("id"), AccountLimits(**_numbers(request.body))
        _check(limits)
        command = SetAccountLimits(user_id, limits)
        await self._commands.run(
            request.actor, "user.limits", f"user:{user_id} {_words(limits)}", command
        )
        return _of_account(self._account(user_id))

    def _account(self, user_id: int) -> Account:
        account = self._view.accounts.get(user_id)
        if account is None:
            raise NotFound("There is no such account")
        return account

    def routes(self) -> tuple[Route, ...]:
        """Return the rows."""
        of_market, of_account = "/admin/markets/{slug}/limits", "/admin/users/{id}/limits"
        return (
            Route(
                method="GET",
                path=of_market,
                handler=self.get_of_market,
                access=Access.ADMIN,
                answer=MarketLimitsView,
                errors=(NotFound,),
                summary="Show what binds orders in a market",
                tag="admin",
            ),
            Route(
                method="PUT",
                path=of_market,
                handler=self.set_of_market,
                access=Access.ADMIN,
                body=MarketLimitsBody,
                answer=MarketLimitsView,
                errors=_ERRORS,
                summary="Set all that binds orders in a market",
                tag="admin",
            ),
            Route(
                method="GET",
                path=of_account,
                handler=self.get_of_account,
                access=Access.ADMIN,
                answer=AccountLimitsView,
                errors=(NotFound,),
                summary="Show an account's own limits",
                tag="admin",
            ),
            Route(
                method="PUT",
                path=of_account,
                handler=self.set_of_account,
                access=Access.ADMIN,
                body=AccountLimitsBody,
                answer=AccountLimitsView,
                errors=_ERRORS,
                summary="Set all of an account's own limits",
                tag="admin",
            ),
        )


def _numbers(body: AccountLimitsBody) -> _Numbers:
    """Return the limits that a body gives; raises ValidationFailed."""
    size, notional, position = body.order_quantity, body.order_notional, body.position
    return _Numbers(
        order_quantity=strict_json.quantity(size, "orderQuantity") if is_given(size) else None,
        order_notional=strict_json.money(notional, "orderNotional") if is_given(notional) else None,
        open_orders=body.open_orders,
        position=strict_json.quantity(position, "position") if is_given(position) else None,
    )


def _halt_of(body: VolatilityHaltBody | None) -> VolatilityHalt | None:
    if body is None:
        return None
    return VolatilityHalt(
        move=strict_json.price(body.move, "volatilityHalt.move"),
        window=body.window_seconds,
        halted=body.halt_seconds,
        post_only=body.post_only_seconds,
    )


def _check(limits: AccountLimits) -> None:
    problem = limits_problem(limits)
    if problem is not None:
        raise ValidationFailed.of(*problem)


def _words(limits: AccountLimits) -> str:
    """Return what the audit log says of limits."""
    return msgspec.json.encode(limits).decode()


def _of_market(market: Market) -> MarketLimitsView:
    limits = market.limits
    return MarketLimitsView(
        *limits_fields(limits), *market_fields(limits), str(market.id), market.slug
    )


def _of_account(account: Account) -> AccountLimitsView:
    return AccountLimitsView(*limits_fields(account.limits), str(account.id))
