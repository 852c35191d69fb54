"""Somebody with a webhook, and what sends to it."""

import io

from prometheus_client import CollectorRegistry

from gateway.alerts.settings import AlertSettings
from gateway.alerts.tallies import AlertMetrics
from gateway.alerts.webhooks.sending import AlertSending
from gateway.alerts.webhooks.signing import WebhookSecrets, new_secret
from gateway.observability.logs import configure_logs
from gateway.sealing.seal import Seal
from persistence.clock import MICROSECONDS, now_us
from persistence.postgres.database import DeadlinePool
from persistence.repositories.alerts.firings import NewFiring
from persistence.repositories.alerts.webhooks import Webhook, Webhooks
from persistence.repositories.audit import AuditLog
from tests.gateway.outbound.receiver import Receiver

USER = 7
DAY = 86_400


class Sent:
    """Somebody with a webhook, and what sends to it."""

    def __init__(self, pool: DeadlinePool, receiver: Receiver, **settings: int) -> None:
        self.pool, self.receiver = pool, receiver
        self.rows = Webhooks(pool)
        self.secrets = WebhookSecrets(self.rows, lambda: Seal([bytes(32)]))
        self.secret = new_secret()
        self.now = now_us()
        bounds = {"alerts_max": 9, "webhooks_max": 9, "failures_max": 50, "failing_max": 3 * DAY}
        self.registry = CollectorRegistry()
        self.log = io.StringIO()
        self.sending = AlertSending(
            self.rows,
            self.secrets,
            receiver.outbound(),
            AuditLog(pool),
            AlertSettings(**(bounds | {"history_kept": DAY} | settings)),
            AlertMetrics(self.registry),
            configure_logs("debug", self.log),
            lambda: self.now,
        )

    async def begin(self, user: int = USER) -> Webhook:
        await self.pool.execute(
            "INSERT INTO users (id, role, created_at) OVERRIDING SYSTEM VALUE"
            " VALUES ($1, 'USER', 1) ON CONFLICT DO NOTHING",
            user,
        )
        url = self.receiver.url
        sealed = self.secrets.sealed(user, url, self.secret)
        return await self.rows.create(user, url, sealed, self.now, 99)

    async def fire(self, webhook: Webhook, note: str = "") -> None:
        firing = NewFiring(
            user_id=webhook.user_id, alert_id=None, kind="TEST", platform="exchange",
            external_id="1", note=note, at=self.now, saw='{"price":"0.5000"}',
            webhook_id=webhook.id,
        )  # fmt: skip
        assert await self.rows.try_out(firing, self.now) is None

    def later(self, seconds: int) -> None:
        self.now += seconds * MICROSECONDS
