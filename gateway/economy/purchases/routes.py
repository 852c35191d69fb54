"""The rows of the route table under /purchases: what is sold, buying it, and what one bought."""

from typing import Annotated, Final

import msgspec

from exchange.messages.bounds import STORED_MAX
from exchange.model.state import State
from gateway.access.api_keys.standing import Scope
from gateway.economy.purchases.buying import Buying
from gateway.economy.purchases.packages import CURRENCY, PACKAGES, Package, price_text
from gateway.economy.purchases.providers import ACCEPTED, DECLINED
from gateway.http.paging import PageQuery, SliceQuery, page_of, slice_of
from gateway.http.request import AsOf, Page, Request, Slice
from gateway.http.routing import Access, Route, Shape
from gateway.http.settings import PageLimits
from gateway.trading.order_bodies import ClientIdText, check_client_id
from gateway.trading.views import BalanceView, balance_view, read_mark
from gateway.wire.errors import Conflict, NotFound, Refused, Unavailable, UnknownOutcome
from gateway.wire.scalars import iso_millis, money_text
from gateway.wire.strict_json import AnswerStruct, BodyStruct
from persistence.repositories.economy.purchases import Purchase, Purchases

TEXT_LENGTH: Final = 64
PackageText = Annotated[
    str, msgspec.Meta(max_length=TEXT_LENGTH, description="of GET /purchases/packages")
]
MethodText = Annotated[
    str,
    msgspec.Meta(
        min_length=1,
        max_length=TEXT_LENGTH,
        description=f"how it is paid; simulated: {ACCEPTED}, or {DECLINED}",
    ),
]


class PurchaseBody(BodyStruct, frozen=True):
    """What is bought."""

    package_id: PackageText
    payment_method: MethodText = ACCEPTED
    request_id: ClientIdText | None = None


class PackageView(AnswerStruct, frozen=True):
    """So many credits for a price; `bonus` is how many of them more than the smallest package
    gives for it.
    """

    id: str
    credits: str
    bonus: str
    price: str
    currency: str


class PurchaseView(AnswerStruct, frozen=True):
    """One purchase. `status` is PENDING (not known yet, and seen through), DONE, DECLINED (nothing
    was charged), REFUSED (it is being refunded) or REFUNDED; `reference` is what /transactions/me
    names it by.
    """

    id: str
    package_id: str
    credits: str
    price: str
    currency: str
    status: str
    reference: str
    request_id: str | None
    created_at: str


class BoughtView(PurchaseView, frozen=True):
    """A purchase, and the account's cash right after it."""

    balance: BalanceView
    replayed: bool | msgspec.UnsetType = msgspec.UNSET


class PurchaseRoutes:
    """Sells credits."""

    def __init__(self, buying: Buying, rows: Purchases, view: State, pages: PageLimits) -> None:
        self._buying = buying
        self._rows = rows
        self._view = view
        self._pages = pages

    async def list_packages(self, request: Request[None, PageQuery]) -> Page[PackageView]:
        """Return what is sold; nothing where purchases are off."""
        limit, offset = request.query.bounds(self._pages)
        sold = PACKAGES if self._buying.is_open else ()
        start = offset + (request.query.number() or 0)
        return page_of(
            sold[start : start + limit + 1],
            limit,
            offset,
            len(sold),
            package_view,
            lambda package: str(PACKAGES.index(package) + 1),
        )

    async def buy(self, request: Request[PurchaseBody, None]) -> BoughtView:
        """Buy a package."""
        body = request.body
        if body.request_id is not None:
            check_client_id(body.request_id, "requestId")
        purchase, intent, is_repeat = await self._buying.buy(
            request.user_id,
            body.package_id,
            body.payment_method,
            body.request_id,
            request.request_id,
        )
        return BoughtView(
            **msgspec.structs.asdict(purchase_view(purchase)),
            balance=balance_view(intent.available or 0, intent.locked or 0),
            replayed=True if is_repeat else msgspec.UNSET,
        )

    async def list_purchases(self, request: Request[None, SliceQuery]) -> AsOf[Slice[PurchaseView]]:
        """Return a slice of what the caller bought, newest first."""
        query, mark = request.query, read_mark(self._view, request.user_id)
        limit, before = query.size(self._pages), query.number() or STORED_MAX
        found = await self._rows.page(request.user_id, before, limit + 1)
        return mark.on(slice_of(found, limit, purchase_view, lambda one: str(one.id)))

    def routes(self) -> tuple[Route, ...]:
        """Return the rows."""
        return (
            Route(
                method="GET",
                path="/purchases/packages",
                handler=self.list_packages,
                access=Access.PUBLIC,
                query=PageQuery,
                answer=PackageView,
                shape=Shape.PAGE,
                summary="List the packages of credits that are sold",
                tag="economy",
            ),
            Route(
                method="POST",
                path="/purchases",
                handler=self.buy,
                access=Access.USER,
                scope=Scope.OWNER,
                body=PurchaseBody,
                answer=BoughtView,
                errors=(NotFound, Conflict, Refused, Unavailable, UnknownOutcome),
                summary="Buy a package of credits",
                tag="economy",
            ),
            Route(
                method="GET",
                path="/purchases/me",
                handler=self.list_purchases,
                access=Access.USER,
                scope=Scope.READ,
                query=SliceQuery,
                answer=PurchaseView,
                shape=Shape.SLICE,
                summary="List what one bought, newest first",
                tag="economy",
                of_account=True,
            ),
        )


def package_view(package: Package) -> PackageView:
    """Return a package as it is told."""
    return PackageView(
        package.id,
        money_text(package.credits),
        money_text(package.bonus),
        price_text(package.price),
        CURRENCY,
    )


def purchase_view(purchase: Purchase) -> PurchaseView:
    """Return a purchase as it is told."""
    status = purchase.status
    if status in {"CHARGING", "PAID"}:
        status = "DONE" if purchase.intent_status == "DONE" else "PENDING"
    return PurchaseView(
        str(purchase.id),
        purchase.package,
        money_text(purchase.credits),
        price_text(purchase.price),
        purchase.currency,
        status,
        purchase.reference,
        purchase.request_id,
        iso_millis(purchase.created_at),
    )
