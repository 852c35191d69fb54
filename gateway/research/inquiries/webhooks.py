"""What the service says by itself: that a run has ended.

    webhook-signature: v1,<base64 HMAC-SHA-256 of webhook-id "." webhook-timestamp "." body> ...

(https://docs.parallel.ai/resources/webhook-setup, https://www.standardwebhooks.com.)

Laws: a message that isn't signed by the shared secret, or is from another time, is refused before
anything of it is believed; one that came before changes nothing. What it says is taken for one
thing alone: whose run it is, and that it is worth asking how that stands. So one that is forged by
whoever has the secret, or comes late, twice or never, puts no answer into anybody's mouth.
"""

import base64
import binascii
import hashlib
import hmac
from collections.abc import Callable
from contextlib import suppress
from typing import Final

from gateway.http.request import Request
from gateway.http.routing import Access, Route
from gateway.research.inquiries.bodies import ServiceMessage
from gateway.research.inquiries.outputs import Malformed, run_of
from gateway.research.inquiries.settings import SECRET_PREFIX
from gateway.wire.errors import Unauthorized, Unavailable, ValidationFailed
from persistence.clock import MICROSECONDS, now_us
from persistence.repositories.research.steps import InquirySteps

TOLERANCE_S: Final = 300
_ID_LENGTH: Final = 255
_SIGNATURES_MAX: Final = 5
_STATUS: Final = "task_run.status"


def keys_of(secret: str) -> list[bytes]:
    """Return what a secret may sign with: its characters, and what they stand for where they are
    base64 behind `whsec_`, as Standard Webhooks has it.
    """
    keys = [secret.encode()]
    if secret.startswith(SECRET_PREFIX):
        with suppress(binascii.Error, ValueError):
            keys.append(base64.b64decode(secret.removeprefix(SECRET_PREFIX), validate=True))
    # By an empty key anybody signs.
    return [key for key in keys if key]


def is_signed(keys: list[bytes], message_id: str, timestamp: str, body: bytes, said: str) -> bool:
    """Say whether one of the signatures of a header is of this message."""
    text = f"{message_id}.{timestamp}.".encode() + body
    right = [base64.b64encode(hmac.digest(key, text, hashlib.sha256)).decode() for key in keys]
    given = [one.removeprefix("v1,") for one in said.split(" ")[:_SIGNATURES_MAX]]
    return any(hmac.compare_digest(one.encode(), each.encode()) for one in given for each in right)


class ServiceMessages:
    """Has the row that the service calls."""

    def __init__(
        self, steps: InquirySteps, secret: str | None, clock: Callable[[], int] = now_us
    ) -> None:
        """Without a secret nothing is believed."""
        self._steps = steps
        self._keys = None if secret is None else keys_of(secret)
        self._clock = clock

    async def hear(self, request: Request[ServiceMessage, None]) -> None:
        """Look after the run that a message is about."""
        now, message_id = self._clock(), self._verified(request)
        if request.body.type != _STATUS:
            return
        try:
            run_id, _, token, _ = run_of(request.body.data)
        except Malformed:
            raise ValidationFailed.of("data", "must be a task run") from None
        # Noted after it was heeded: one that fails on the way is sent again, and heeding is
        # harmless the second time.
        if await self._steps.was_heard(message_id):
            return
        await self._steps.told(run_id, token, now)
        await self._steps.note_message(message_id, now)

    def _verified(self, request: Request[ServiceMessage, None]) -> str:
        if self._keys is None:
            reason = "Messages of Parallel aren't set up here: PARALLEL_WEBHOOK_SECRET is unset"
            raise Unavailable(reason, retry_after_seconds=3_600)
        try:
            message_id = request.header(b"webhook-id").decode("ascii")
            timestamp = request.header(b"webhook-timestamp").decode("ascii")
            said = request.header(b"webhook-signature").decode("ascii")
        except UnicodeDecodeError:
            raise Unauthorized("The message isn't signed") from None
        if not 0 < len(message_id) <= _ID_LENGTH or not timestamp.isdigit() or len(timestamp) > 12:  # noqa: PLR2004
            raise Unauthorized("The message isn't signed")
        if not is_signed(self._keys, message_id, timestamp, request.raw, said):
            raise Unauthorized("The signature isn't this message's")
        if abs(self._clock() // MICROSECONDS - int(timestamp)) > TOLERANCE_S:
            raise Unauthorized("The message is from another time")
        return message_id

    def routes(self) -> tuple[Route, ...]:
        """Return the row."""
        return (
            Route(
                method="POST",
                path="/research/webhook",
                handler=self.hear,
                access=Access.PUBLIC,
                body=ServiceMessage,
                answer=None,
                errors=(Unauthorized,),
                summary="Be told by Parallel that a run has ended (signed)",
                tag="research",
            ),
        )
