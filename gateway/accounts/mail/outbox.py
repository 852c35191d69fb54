"""Mail that waits to be sent: bounded, in memory, tried again with growing pauses.

Laws: a request puts an *errand* here and goes on; whether there is anybody to write to is found out
when the errand is run, so that no answer, and not the time it takes, tells who exists. Full is an
answer (503) before anything about anybody is looked at. What waits is lost with the process:
whoever misses a mail asks for it again. A mail that the server refuses for good, or that failed too
often, is given up with a line in the log that names nobody.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final

from gateway.accounts.mail.mailer import Mail, Mailer, MailFailed, MailRefused
from gateway.jobs.supervisor import CheckIn
from gateway.observability.logs import Logger
from gateway.wire.errors import Unavailable
from persistence.postgres.database import OUTAGES

AT_ONCE: Final = 4
"""Mails that are under way at the same time."""
FIRST_PAUSE_S: Final = 1.0
"""After a mail's first failure; doubled with each further one."""
NO_MAIL: Final = "This exchange sends no mail: its operator would have to set SMTP_URL"
FULL: Final = "Too much mail waits to be sent; try again in a minute"
_SET_UP_S: Final = 3_600
_ROOM_S: Final = 60

Errand = Callable[[], Awaitable[Mail | None]]
"""Finds out what to write, None for nothing; may be run again if it fails."""


class Outbox:
    """Sends mail beside requests; `mailer` is None where none can be sent."""

    NAME: Final = "mail"

    def __init__(self, mailer: Mailer | None, logger: Logger, *, size: int, tries: int) -> None:
        self._mailer = mailer
        self._logger = logger
        self._tries = tries
        self._waiting: asyncio.Queue[Errand] = asyncio.Queue(size)

    @property
    def is_on(self) -> bool:
        """Say whether mail can be sent at all."""
        return self._mailer is not None

    def require_room(self, count: int = 1) -> None:
        """Raise Unavailable where mail can't be sent, or not now."""
        if self._mailer is None:
            raise Unavailable(NO_MAIL, retry_after_seconds=_SET_UP_S)
        if self._waiting.qsize() + count > self._waiting.maxsize:
            raise Unavailable(FULL, retry_after_seconds=_ROOM_S)

    def put(self, errand: Errand) -> None:
        """Have something sent; raises Unavailable."""
        self.require_room()
        self._waiting.put_nowait(errand)

    def put_if_room(self, errand: Errand) -> None:
        """Have something sent, or let it be where that can't be now."""
        if self._mailer is not None and not self._waiting.full():
            self._waiting.put_nowait(errand)

    async def run(self, check_in: CheckIn) -> None:
        """Send what waits until cancelled; each mail that was sent checks in."""
        async with asyncio.TaskGroup() as group:
            for _ in range(AT_ONCE):
                group.create_task(self._work(check_in))

    async def _work(self, check_in: CheckIn) -> None:
        while True:
            errand = await self._waiting.get()
            await self._do(errand, check_in)

    async def _do(self, errand: Errand, check_in: CheckIn) -> None:
        """Run one errand to its end."""
        mailer, mail, pause = self._mailer, None, FIRST_PAUSE_S
        if mailer is None:
            return
        for number in range(1, self._tries + 1):
            try:
                mail = mail or await errand()
                if mail is not None:
                    await mailer.send(mail)
                    check_in()
            except MailRefused as error:
                self._given_up(mail, number, error)
            except (MailFailed, *OUTAGES) as error:
                if number < self._tries:
                    await asyncio.sleep(pause)
                    pause *= 2
                    continue
                self._given_up(mail, number, error)
            except Exception:
                self._logger.exception("mail failed", kind=None if mail is None else mail.kind)
            return

    def _given_up(self, mail: Mail | None, tries: int, error: Exception) -> None:
        kind = None if mail is None else mail.kind
        reason = str(error) if isinstance(error, MailFailed | MailRefused) else "database away"
        self._logger.warning("mail given up", kind=kind, tries=tries, reason=reason)
