"""The rows of the route table under /alerts/webhooks: where one's alerts are sent, and how it went.

Laws: a webhook is its owner's alone. Its URL is https and on the public internet, which is looked
at again whenever it is connected to. Its secret is shown once. Making, enabling and deleting one is
in the audit log, without the URL.
"""

from typing import Annotated

import msgspec

from exchange.messages.bounds import STORED_MAX
from gateway.access.api_keys.standing import Scope
from gateway.access.budgets import WEBHOOK_TESTS
from gateway.access.rate_limits import Limit
from gateway.access.settings import LimitSettings
from gateway.alerts.rules import AlertKind
from gateway.alerts.settings import AlertSettings
from gateway.alerts.views import SawView, saw_text
from gateway.alerts.webhooks.signing import WebhookSecrets, new_secret
from gateway.http.paging import PageQuery, SliceQuery, page_of, slice_of
from gateway.http.request import Page, Request, Slice
from gateway.http.routing import Access, Route, Shape
from gateway.http.settings import PageLimits
from gateway.outbound.public import URL_LENGTH, check_url
from gateway.wire.errors import Conflict, LimitReached, NotFound, ValidationFailed
from gateway.wire.scalars import iso_millis, time_if_known
from gateway.wire.strict_json import AnswerStruct, BodyStruct
from persistence.clock import MICROSECONDS, now_us
from persistence.errors import BoundReached
from persistence.repositories.alerts.firings import NewFiring
from persistence.repositories.alerts.webhooks import Delivery, Webhook, Webhooks
from persistence.repositories.audit import AuditLog, AuditTrail

UrlText = Annotated[
    str,
    msgspec.Meta(
        min_length=1,
        max_length=URL_LENGTH,
        description="https, at a host of the public internet",
        examples=["https://hooks.example.com/probity"],
        extra_json_schema={"pattern": "^https://[!-~]+$"},
    ),
]


class WebhookBody(BodyStruct, frozen=True):
    """Where to send alerts."""

    url: UrlText


class WebhookChangeBody(BodyStruct, frozen=True):
    """`active` true lets it be sent to again, its failures forgotten; false stops that."""

    active: bool


class WebhookView(AnswerStruct, frozen=True):
    """A webhook; `failures` are those in a row. `disabledAt` is null while it is sent to."""

    id: str
    url: str
    active: bool
    disabled_at: str | None
    failures: int
    failing_since: str | None
    last_success_at: str | None
    created_at: str


class NewWebhookView(AnswerStruct, frozen=True):
    """A webhook that was made; its secret is shown here and never again."""

    webhook: WebhookView
    secret: str


class DeliveryView(AnswerStruct, frozen=True):
    """One sending. `status` is PENDING, DELIVERED or FAILED; `answered` the last answer's status.

    `error` says in our words why it didn't get through, `nextTryAt` when it is tried again.
    """

    id: str
    firing_id: str
    kind: AlertKind
    status: str
    tries: int
    answered: int | None
    error: str | None
    created_at: str
    ended_at: str | None
    next_try_at: str | None


class WebhookRoutes:
    """Looks after one's webhooks."""

    def __init__(
        self,
        rows: Webhooks,
        secrets: WebhookSecrets,
        audit: AuditLog,
        settings: AlertSettings,
        limits: LimitSettings,
        pages: PageLimits,
    ) -> None:
        self._rows = rows
        self._secrets = secrets
        self._audit = audit
        self._settings = settings
        self._tests = Limit[int](WEBHOOK_TESTS, limits)
        self._pages = pages

    async def list_webhooks(self, request: Request[None, PageQuery]) -> Page[WebhookView]:
        """Return one page of the caller's webhooks, oldest first."""
        limit, offset = request.query.bounds(self._pages)
        after = request.query.number() or 0
        rows = await self._rows.of_user(request.user_id)
        found = [row for row in rows if row.id > after][offset : offset + limit + 1]
        return page_of(found, limit, offset, len(rows), _view, lambda row: str(row.id))

    async def create_webhook(self, request: Request[WebhookBody, None]) -> NewWebhookView:
        """Have alerts sent somewhere."""
        user_id, url, most = request.user_id, request.body.url, self._settings.webhooks_max
        try:
            check_url(url)
        except ValueError as error:
            raise ValidationFailed.of("url", str(error)) from None
        secret = new_secret()
        sealed = self._secrets.sealed(user_id, url, secret)
        try:
            made = await self._rows.create(user_id, url, sealed, now_us(), most)
        except BoundReached:
            raise LimitReached.of("webhooks", most) from None
        await self._note(user_id, request.request_id, "alert-webhook.create", made.id)
        return NewWebhookView(_view(made), secret)

    async def change_webhook(self, request: Request[WebhookChangeBody, None]) -> WebhookView:
        """Stop sending to a webhook, or begin anew."""
        user_id, number = request.user_id, request.path_id("id")
        if request.body.active:
            await self._rows.enable(user_id, number)
        else:
            await self._rows.disable(user_id, number, now_us(), "its owner stopped it")
        found = await self._rows.get(user_id, number)
        if found is None:
            raise NotFound
        action = "alert-webhook.enable" if request.body.active else "alert-webhook.disable"
        await self._note(user_id, request.request_id, action, number)
        return _view(found)

    async def delete_webhook(self, request: Request[None, None]) -> None:
        """Delete a webhook with its log; alerts that were sent there are told on the page."""
        user_id, number = request.user_id, request.path_id("id")
        if not await self._rows.delete(user_id, number):
            raise NotFound
        await self._note(user_id, request.request_id, "alert-webhook.delete", number)

    async def try_webhook(self, request: Request[None, None]) -> None:
        """Send a webhook something to see whether it hears."""
        user_id, number = request.user_id, request.path_id("id")
        found = await self._rows.get(user_id, number)
        if found is None:
            raise NotFound
        if found.disabled_at is not None:
            raise Conflict("The webhook is disabled; enable it first")
        now = now_us()
        firing = NewFiring(
            user_id=user_id,
            alert_id=None,
            kind=AlertKind.TEST.value,
            platform=None,
            external_id=None,
            note="",
            at=now,
            saw=saw_text(SawView(webhook_id=str(number))),
            webhook_id=number,
        )
        window_us = self._tests.window_s * MICROSECONDS
        try:
            full = await self._rows.try_out(firing, now, self._tests.limit, now - window_us)
        except BoundReached:
            raise Conflict("As many deliveries wait for it as may") from None
        if full is not None:
            raise self._tests.refusal((full + window_us - now) / MICROSECONDS, moves=True)

    async def list_deliveries(self, request: Request[None, SliceQuery]) -> Slice[DeliveryView]:
        """Return what was sent to a webhook, newest first."""
        query, number = request.query, request.path_id("id")
        limit, before = query.size(self._pages), query.number()
        if await self._rows.get(request.user_id, number) is None:
            raise NotFound
        last = STORED_MAX if before is None else before
        found = await self._rows.log(request.user_id, number, last, limit + 1)
        return slice_of(found, limit, _delivery_view, lambda one: str(one.id))

    async def _note(self, user_id: int, request_id: str, action: str, number: int) -> None:
        trail = AuditTrail(self._audit, request_id)
        await trail.note(user_id, action, f"user:{user_id} webhook:{number}", "ok")

    def routes(self) -> tuple[Route, ...]:
        """Return the rows."""
        return (
            Route(
                method="GET",
                path="/alerts/webhooks",
                handler=self.list_webhooks,
                access=Access.USER,
                scope=Scope.OWNER,
                query=PageQuery,
                answer=WebhookView,
                shape=Shape.PAGE,
                summary="List where one's alerts are sent",
                tag="alerts",
            ),
            Route(
                method="POST",
                path="/alerts/webhooks",
                handler=self.create_webhook,
                access=Access.USER,
                scope=Scope.OWNER,
                body=WebhookBody,
                answer=NewWebhookView,
                status=201,
                errors=(LimitReached,),
                summary="Have alerts sent to an https address; its secret is shown this once",
                tag="alerts",
            ),
            Route(
                method="PATCH",
                path="/alerts/webhooks/{id}",
                handler=self.change_webhook,
                access=Access.USER,
                scope=Scope.OWNER,
                body=WebhookChangeBody,
                answer=WebhookView,
                errors=(NotFound,),
                summary="Stop sending to a webhook, or begin anew",
                tag="alerts",
            ),
            Route(
                method="DELETE",
                path="/alerts/webhooks/{id}",
                handler=self.delete_webhook,
                access=Access.USER,
                scope=Scope.OWNER,
                answer=None,
                errors=(NotFound,),
                summary="Delete a webhook with its log",
                tag="alerts",
            ),
            *self._log_routes(),
        )

    def _log_routes(self) -> tuple[Route, ...]:
        return (
            Route(
                method="POST",
                path="/alerts/webhooks/{id}/test",
                handler=self.try_webhook,
                access=Access.USER,
                scope=Scope.OWNER,
                answer=None,
                status=202,
                errors=(NotFound, Conflict),
                summary="Send a webhook something to see whether it hears",
                tag="alerts",
            ),
            Route(
                method="GET",
                path="/alerts/webhooks/{id}/deliveries",
                handler=self.list_deliveries,
                access=Access.USER,
                scope=Scope.OWNER,
                query=SliceQuery,
                answer=DeliveryView,
                shape=Shape.SLICE,
                errors=(NotFound,),
                summary="List what was sent to a webhook, newest first",
                tag="alerts",
            ),
        )


def _view(webhook: Webhook) -> WebhookView:
    return WebhookView(
        str(webhook.id),
        webhook.url,
        webhook.disabled_at is None,
        time_if_known(webhook.disabled_at),
        webhook.failures,
        time_if_known(webhook.failing_since),
        time_if_known(webhook.last_success_at),
        iso_millis(webhook.created_at),
    )


def _delivery_view(delivery: Delivery) -> DeliveryView:
    return DeliveryView(
        str(delivery.id),
        str(delivery.firing_id),
        AlertKind(delivery.kind),
        delivery.status,
        delivery.tries,
        delivery.answered,
        delivery.error,
        iso_millis(delivery.created_at),
        time_if_known(delivery.ended_at),
        time_if_known(delivery.next_at),
    )
