"""Delivering what alerts tell to the webhooks of their owners.

    due ── taken, its try counted ──> signed, posted ── 2xx ──> delivered
                                             └── else ──> again after growing waits, then failed

Laws: a receiver may hear something twice (by its `probity-delivery` it knows), never not at all
within the tries. Each webhook is sent to on its own, so that none waits for another's slow one:
so many at a time in all and so many of one owner, in time and in place
(`gateway/outbound/public.py`); what falls due meanwhile gets the places that are free. Of one
webhook one is under way at a time, so that what it hears is in order unless it failed, and a slow
one goes on when others had their turn. What goes wrong with one ends no other's. A webhook that
says that it is gone (410), or to which nothing gets through, is disabled, and its owner is told.
Nothing is sent for somebody whose account is suspended.
"""

from collections.abc import Callable, Collection, Sequence
from typing import Final, Literal

import msgspec

from gateway.alerts.rules import AlertKind
from gateway.alerts.settings import AlertSettings
from gateway.alerts.tallies import AlertMetrics
from gateway.alerts.views import FiringView, SawView, firing_view, saw_text
from gateway.alerts.webhooks.signing import WebhookSecrets, signature
from gateway.jobs.turns import take_turns
from gateway.observability.logs import Logger
from gateway.outbound.asking import Answer, OutboundFailed
from gateway.outbound.public import AT_ONCE, PublicOutbound
from gateway.sealing.seal import NotOpened
from gateway.wire.strict_json import AnswerStruct
from persistence.clock import MICROSECONDS, now_us
from persistence.repositories.alerts.firings import NewFiring
from persistence.repositories.alerts.webhooks import Due, Webhook, Webhooks
from persistence.repositories.audit import AuditLog

TIMEOUT_S: Final = 5.0
TURN_S: Final = 2.0
"""After so long nothing more is begun of one webhook; what was taken of it is put back."""
SPAN_S: Final = 60.0
"""After so long what is under way is waited for and nothing else is begun: the next run does."""
WAITS_S: Final = (10, 60, 300, 1_800, 7_200)
"""Between tries; after the last one it has failed."""
LEAST_FAILURES: Final = 5
"""However long nothing got through, so many must have failed before a webhook is disabled."""
LEASE_S: Final = 120
"""A delivery whose sender died is tried again after so long."""
_GONE: Final = 410
_REQUEST: Final = "alerts"
"""What the audit log has for a request where there is none."""


class WebhookMessage(AnswerStruct, frozen=True):
    """What a webhook is posted."""

    type: str
    delivery_id: str
    alert: FiringView


class AlertSending:
    """Sends what is due."""

    def __init__(
        self,
        rows: Webhooks,
        secrets: WebhookSecrets,
        outbound: PublicOutbound,
        audit: AuditLog,
        settings: AlertSettings,
        metrics: AlertMetrics,
        logger: Logger,
        clock: Callable[[], int] = now_us,
    ) -> None:
        self._rows = rows
        self._secrets = secrets
        self._outbound = outbound
        self._audit = audit
        self._settings = settings
        self._metrics = metrics
        self._logger = logger
        self._clock = clock

    async def send_due(self) -> int:
        """Send what is due and falls due meanwhile, for some time; return how many got through.
        Nothing, if webhooks are turned off: what waits goes on waiting.

        Raises the first of what went wrong on our side, after all others had their turn.
        """
        if self._settings.webhooks_max == 0:
            return 0
        return await take_turns(self._take, self._send_in_turn, self._went_wrong, span_s=SPAN_S)

    async def _take(self, under_way: Collection[Sequence[Due]]) -> list[list[Due]]:
        free, now = AT_ONCE - len(under_way), self._clock()
        if free == 0:
            return []
        busy = {of_one[0].webhook_id: of_one[0].user_id for of_one in under_way}
        return await self._rows.take(now, now + LEASE_S * MICROSECONDS, free, busy)

    def _went_wrong(self, of_one: Sequence[Due], error: Exception) -> None:
        """Tell of what went wrong on our side: what it leaves undone is due when its lease ends."""
        number = of_one[0].webhook_id
        self._logger.error("a webhook's turn went wrong", webhook=number, exc_info=error)

    async def _send_in_turn(self, of_one: Sequence[Due]) -> int:
        began, done = self._clock(), 0
        for place, due in enumerate(of_one):
            if self._clock() - began > TURN_S * MICROSECONDS:
                await self._rows.put_back(of_one[place:], self._clock())
                break
            is_through = await self._send(due)
            if is_through is None:
                break
            done += is_through
        return done

    async def _send(self, due: Due) -> bool | None:
        """Send one; say whether it got through, None if its webhook is disabled now."""
        try:
            secret = self._secrets.opened(due.user_id, due.url, due.secret)
        except NotOpened:
            # Ours to mend (ENCRYPTION_KEY): it is tried again, and costs its owner nothing.
            self._logger.warning("an alert can't be signed", webhook=due.webhook_id)
            await self._rows.put_back([due], self._clock() + LEASE_S * MICROSECONDS)
            return False
        try:
            answer = await self._post(due, secret)
        except OutboundFailed as failure:
            return await self._failed(due, None, str(failure))
        if not answer.is_good:
            return await self._failed(due, answer.status, f"it answered {answer.status}")
        await self._rows.delivered(due, answer.status, self._clock())
        self._metrics.sent(is_delivered=True)
        return True

    async def _post(self, due: Due, secret: str) -> Answer:
        shown = WebhookMessage("alert", str(due.id), firing_view(due.firing))
        body, timestamp = msgspec.json.encode(shown), self._clock() // MICROSECONDS
        headers = {
            "content-type": "application/json",
            "user-agent": "Probity",
            "probity-delivery": str(due.id),
            "probity-timestamp": str(timestamp),
            "probity-signature": signature(secret, timestamp, body),
        }
        return await self._outbound.post(due.url, body, headers)

    async def _failed(self, due: Due, answered: int | None, error: str) -> Literal[False] | None:
        self._metrics.sent(is_delivered=False)
        now, next_at = self._clock(), None
        if due.tries <= len(WAITS_S):
            next_at = now + WAITS_S[due.tries - 1] * MICROSECONDS
        webhook = await self._rows.not_delivered(due, answered, error, next_at, now)
        if webhook is not None and (answered == _GONE or self._is_hopeless(webhook, now)):
            await self._disable(webhook, now)
            return None
        return False

    def _is_hopeless(self, webhook: Webhook, now: int) -> bool:
        if webhook.failures >= self._settings.failures_max:
            return True
        since = webhook.failing_since
        if since is None or webhook.failures < LEAST_FAILURES:
            return False
        return now - since >= self._settings.failing_max * MICROSECONDS

    async def _disable(self, webhook: Webhook, now: int) -> None:
        saw = SawView(webhook_id=str(webhook.id), failures=webhook.failures)
        notice = NewFiring(
            user_id=webhook.user_id,
            alert_id=None,
            kind=AlertKind.WEBHOOK_DISABLED.value,
            platform=None,
            external_id=None,
            note="",
            at=now,
            saw=saw_text(saw),
        )
        user, number = webhook.user_id, webhook.id
        if await self._rows.disable(user, number, now, "its webhook was disabled", notice):
            self._logger.warning("a webhook of alerts is disabled", webhook=number)
            target = f"user:{user} webhook:{number}"
            await self._audit.write(now, None, "alert-webhook.disable", target, "ok", _REQUEST)
