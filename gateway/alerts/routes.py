"""The rows of the route table under /alerts: what one wants to be told of, and what was told.

Laws: an alert is its owner's alone, somebody else's is a 404 like one that never was. It looks from
the moment it is stored on: what is so already doesn't fire, but when it becomes so again; a close
that is near already does. A market that has ended has nothing to wait for.
"""

from typing import Annotated, Protocol

import msgspec

from exchange.messages.bounds import STORED_MAX
from exchange.model.order_book import Order
from gateway.access.api_keys.standing import Scope
from gateway.alerts.bodies import (
    AlertChangeBody,
    NewAlertBody,
    changed_terms,
    new_terms,
    number_of,
)
from gateway.alerts.rules import price_holds
from gateway.alerts.settings import AlertSettings
from gateway.alerts.views import AlertView, FiringView, alert_view, firing_view, ref_of
from gateway.feeds.known import (
    OURS,
    KnownMarket,
    MarketCatalogue,
    named_market,
    no_such_market,
)
from gateway.http.paging import PageQuery, SliceQuery, page_of, slice_of
from gateway.http.request import Page, Request, Slice
from gateway.http.routing import Access, Route, Shape
from gateway.http.settings import PageLimits
from gateway.markets.lookup import market_name
from gateway.wire.errors import (
    Conflict,
    Detail,
    ExternalApiFailed,
    LimitReached,
    NotFound,
    ValidationFailed,
)
from gateway.wire.scalars import NAME_LENGTH
from persistence.clock import now_us
from persistence.errors import BoundReached
from persistence.repositories.alerts.alerts import Alert, Alerts, AlertTerms, Holds
from persistence.repositories.alerts.firings import Firings
from persistence.repositories.alerts.webhooks import Webhooks

IdText = Annotated[
    str,
    msgspec.Meta(
        max_length=NAME_LENGTH,
        description="an alert's id",
        extra_json_schema={"pattern": "^[1-9][0-9]{0,18}$"},
    ),
]


class FiringQuery(SliceQuery, frozen=True):
    """Which lines are wanted; `alertId` of one alert alone."""

    alert_id: IdText | None = None


class KnowsOrders(Protocol):
    """Where orders are read, ended or not; `History` in production."""

    async def order(self, order_id: int) -> Order | None:
        """Return an order."""


class AlertRoutes:
    """Keeps people's alerts."""

    def __init__(
        self,
        rows: Alerts,
        firings: Firings,
        webhooks: Webhooks,
        markets: MarketCatalogue,
        orders: KnowsOrders,
        settings: AlertSettings,
        pages: PageLimits,
    ) -> None:
        self._rows = rows
        self._firings = firings
        self._webhooks = webhooks
        self._markets = markets
        self._orders = orders
        self._settings = settings
        self._pages = pages

    async def list_alerts(self, request: Request[None, PageQuery]) -> Page[AlertView]:
        """Return one page of the caller's alerts, oldest first."""
        query = request.query
        (limit, offset), after = query.bounds(self._pages), query.number() or 0
        found, total = await self._rows.page(request.user_id, limit + 1, offset, after)
        refs = {ref for ref in map(ref_of, found) if ref is not None}
        known = await self._markets.known_many(refs) if refs else {}

        def show(alert: Alert) -> AlertView:
            ref = ref_of(alert)
            return alert_view(alert, None if ref is None else known.get(ref))

        return page_of(found, limit, offset, total, show, lambda one: str(one.id))

    async def create_alert(self, request: Request[NewAlertBody, None]) -> AlertView:
        """Look out for something from now on."""
        body, market, ref = request.body, None, None
        name = market_name(body)
        field = "market" if body.market is not None else "slug" if body.slug else "marketId"
        if name is not None:
            ref, market = await named_market(self._markets, name, None, field)
        webhook_id = await self._webhook(request.user_id, body.webhook_id)
        terms = new_terms(body, ref, webhook_id, field)
        if ref is not None and market is None:
            raise no_such_market(field)
        await self._check_order(request.user_id, terms.order_id)
        if market is not None:
            _refuse_ended(market, field)
            terms = msgspec.structs.replace(terms, external_id=market.ref.external_id)
        most = self._settings.alerts_max
        try:
            made = await self._rows.create(
                request.user_id, terms, _holds(terms, market), now_us(), most
            )
        except BoundReached:
            raise LimitReached.of("alerts", most) from None
        return alert_view(made, market)

    async def get_alert(self, request: Request[None, None]) -> AlertView:
        """Return an alert."""
        found = await self._own(request)
        return alert_view(found, await self._market(found))

    async def change_alert(self, request: Request[AlertChangeBody, None]) -> AlertView:
        """Change what an alert looks for, or whether it does."""
        body, was = request.body, await self._own(request)
        webhook_id = await self._webhook(request.user_id, body.webhook_id)
        terms = changed_terms(_terms_of(was), body, webhook_id)
        is_active = was.is_active if body.active is None else body.active
        market = await self._market(was)
        if market is not None and is_active:
            _refuse_ended(market, "marketId")
        changed = await self._rows.change(
            was, terms, _holds(terms, market), now_us(), is_active=body.active
        )
        if changed is None:
            raise Conflict("The alert was changed meanwhile; look at it again")
        return alert_view(changed, market)

    async def delete_alert(self, request: Request[None, None]) -> None:
        """Delete an alert; what it has told stays in the history."""
        if not await self._rows.delete(request.user_id, request.path_id("id")):
            raise NotFound

    async def list_firings(self, request: Request[None, FiringQuery]) -> Slice[FiringView]:
        """Return what alerts have told, newest first."""
        query = request.query
        limit, before = query.size(self._pages), query.number()
        alert_id = number_of(query.alert_id, "alertId")
        found = await self._firings.page(
            request.user_id, limit + 1, STORED_MAX if before is None else before, alert_id
        )
        return slice_of(found, limit, firing_view, lambda one: str(one.id))

    async def _own(self, request: Request[AlertChangeBody, None] | Request[None, None]) -> Alert:
        found = await self._rows.get(request.user_id, request.path_id("id"))
        if found is None:
            raise NotFound
        return found

    async def _market(self, alert: Alert) -> KnownMarket | None:
        ref = ref_of(alert)
        return None if ref is None else (await self._markets.known_many([ref])).get(ref)

    async def _check_order(self, user_id: int, order_id: int | None) -> None:
        if order_id is None:
            return
        order = await self._orders.order(order_id)
        if order is None or order.account_id != user_id:
            raise ValidationFailed.of("orderId", "must be one of your orders")

    async def _webhook(self, user_id: int, text: str | None) -> int | None:
        number = number_of(text, "webhookId")
        if number is not None and await self._webhooks.get(user_id, number) is None:
            raise ValidationFailed.of("webhookId", "must be one of your webhooks")
        return number

    def routes(self) -> tuple[Route, ...]:
        """Return the rows."""
        return (
            Route(
                method="GET",
                path="/alerts",
                handler=self.list_alerts,
                access=Access.USER,
                scope=Scope.READ,
                query=PageQuery,
                answer=AlertView,
                shape=Shape.PAGE,
                summary="List one's alerts",
                tag="alerts",
            ),
            Route(
                method="POST",
                path="/alerts",
                handler=self.create_alert,
                access=Access.USER,
                scope=Scope.OWNER,
                body=NewAlertBody,
                answer=AlertView,
                status=201,
                errors=(NotFound, Conflict, LimitReached, ExternalApiFailed),
                summary="Be told of a price, a volume, a fill, a close or a result",
                tag="alerts",
            ),
            Route(
                method="GET",
                path="/alerts/firings",
                handler=self.list_firings,
                access=Access.USER,
                scope=Scope.READ,
                query=FiringQuery,
                answer=FiringView,
                shape=Shape.SLICE,
                summary="List what alerts have told, newest first",
                tag="alerts",
            ),
            *self._one_routes(),
        )

    def _one_routes(self) -> tuple[Route, ...]:
        return (
            Route(
                method="GET",
                path="/alerts/{id}",
                handler=self.get_alert,
                access=Access.USER,
                scope=Scope.READ,
                answer=AlertView,
                errors=(NotFound,),
                summary="Show an alert",
                tag="alerts",
            ),
            Route(
                method="PATCH",
                path="/alerts/{id}",
                handler=self.change_alert,
                access=Access.USER,
                scope=Scope.OWNER,
                body=AlertChangeBody,
                answer=AlertView,
                errors=(NotFound, Conflict),
                summary="Change an alert, or look out for it anew",
                tag="alerts",
            ),
            Route(
                method="DELETE",
                path="/alerts/{id}",
                handler=self.delete_alert,
                access=Access.USER,
                scope=Scope.OWNER,
                answer=None,
                errors=(NotFound,),
                summary="Delete an alert",
                tag="alerts",
            ),
        )


def _terms_of(alert: Alert) -> AlertTerms:
    return AlertTerms(
        kind=alert.kind,
        platform=alert.platform,
        external_id=alert.external_id,
        outcome=alert.outcome,
        threshold=alert.threshold,
        order_id=alert.order_id,
        note=alert.note,
        pause_s=alert.pause_s,
        webhook_id=alert.webhook_id,
    )


def _holds(terms: AlertTerms, market: KnownMarket | None) -> Holds:
    """Return what says whether it is so already; only a price is asked about, and a volume that is
    above already fires, as a close that is near does.
    """
    is_ours = terms.platform == OURS
    yes = None if market is None else market.yes_price

    def holds(last_price: int | None) -> bool:
        if terms.outcome is None:
            return False
        price = last_price if is_ours else yes
        return bool(price_holds(terms.kind, terms.outcome, terms.threshold, price))

    return holds


def _refuse_ended(market: KnownMarket, field: str) -> None:
    """Raise Conflict for a market of which nothing is to be expected."""
    if market.has_ended:
        message = "has ended"
        raise Conflict(f"{field}: {message}", details=(Detail(field, message),))
