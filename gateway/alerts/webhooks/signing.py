"""What shows a receiver that a message is ours, and new: HMAC-SHA-256 over its time and its body.

    probity-signature = hex( HMAC-SHA-256( secret, "<probity-timestamp>" + "." + body ) )

The secret is shown once, when the webhook is made, and kept sealed for the row it belongs to.
`docs/alerts.md` shows how a receiver verifies; a test runs that program.
"""

import hashlib
import hmac
import secrets
from collections.abc import Callable
from typing import Final

from gateway.sealing.seal import NotOpened, Seal
from persistence.repositories.alerts.webhooks import Webhooks

SECRET_BYTES: Final = 32
_AT_ONCE: Final = 100


def new_secret() -> str:
    """Return a secret of 256 bits, which no other is like."""
    return f"whsec_{secrets.token_urlsafe(SECRET_BYTES)}"


def signature(secret: str, timestamp: int, body: bytes) -> str:
    """Return the signature of a body that is sent at a time (seconds since the epoch)."""
    text = f"{timestamp}.".encode("ascii") + body
    return hmac.new(secret.encode("ascii"), text, hashlib.sha256).hexdigest()


class WebhookSecrets:
    """Seals and opens the secrets of webhooks."""

    NAME = "secrets of webhooks"

    def __init__(self, rows: Webhooks, seal: Callable[[], Seal]) -> None:
        """Ask for the seal when there is something to open: a worker may have nothing."""
        self._rows = rows
        self._seal = seal

    def sealed(self, user_id: int, url: str, secret: str) -> bytes:
        """Return a secret as it is stored."""
        return self._seal().seal(secret.encode("ascii"), _place(user_id, url))

    def opened(self, user_id: int, url: str, sealed: bytes) -> str:
        """Return the secret of a row; raises NotOpened, SettingsError for a wrong key."""
        return self._seal().open(sealed, _place(user_id, url)).decode("ascii")

    async def reseal(self) -> tuple[int, int]:
        """Seal anew what an older key of ENCRYPTION_KEY has sealed; return how many were, and how
        many no key opens.
        """
        seal, after, done, lost = self._seal(), 0, 0, 0
        while rows := await self._rows.sealed(after, _AT_ONCE):
            for row in rows:
                after = row.id
                if seal.is_current(row.secret):
                    continue
                try:
                    secret = self.opened(row.user_id, row.url, row.secret)
                except NotOpened:
                    lost += 1
                    continue
                again = self.sealed(row.user_id, row.url, secret)
                await self._rows.reseal(row.id, row.secret, again)
                done += 1
        return done, lost


def _place(user_id: int, url: str) -> str:
    return f"alert_webhooks.secret:{user_id}:{url}"
