"""Sending one mail: what a mail is, and the ways one goes.

    SmtpMailer     to a server, by `aiosmtplib`; certificates are always checked
    LoggedMailer   into the log, for development: the one place where it holds what is personal

Laws: each try has an end. `MailRefused` says that another try is of no use; any other failure is
`MailFailed`. Neither holds an address or a token, so both may be logged.
"""

import asyncio
from datetime import UTC, datetime
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime, make_msgid, parseaddr
from typing import Final, Protocol

import aiosmtplib
import msgspec

from gateway.accounts.mail.settings import SmtpServer
from gateway.observability.logs import Logger

_PERMANENT: Final = range(500, 600)
_NOT_ABOUT_THE_MAIL: Final = (530, 534, 535, 538)
"""Of signing in: the operator can mend it meanwhile."""


class Mail(msgspec.Struct, frozen=True):
    """One mail of plain text; `kind` is our own word for it, fit for a log."""

    kind: str
    to: str
    subject: str
    text: str


class MailFailed(Exception):
    """It couldn't be sent this time."""


class MailRefused(Exception):
    """The server doesn't take this mail, now or later."""


class Mailer(Protocol):
    """Whoever sends mail."""

    async def send(self, mail: Mail) -> None:
        """Send it; raises MailFailed or MailRefused."""


class SmtpMailer:
    """Sends by a server, a connection a mail."""

    def __init__(self, server: SmtpServer, sender: str, timeout_s: float) -> None:
        self._server = server
        self._sender = sender
        self._timeout_s = timeout_s

    async def send(self, mail: Mail) -> None:
        """Send it; raises MailFailed or MailRefused."""
        server = self._server
        try:
            async with asyncio.timeout(self._timeout_s):
                await aiosmtplib.send(
                    self._message(mail),
                    hostname=server.host,
                    port=server.port,
                    username=server.user,
                    password=server.password,
                    timeout=self._timeout_s,
                    use_tls=server.is_tls,
                    start_tls=server.starttls,
                )
        except aiosmtplib.SMTPRecipientsRefused as error:
            raise _failure(error.recipients[0].code) from None
        except aiosmtplib.SMTPResponseException as error:
            raise _failure(error.code) from None
        except (aiosmtplib.SMTPException, OSError, ValueError) as error:
            raise MailFailed(type(error).__name__) from None

    def _message(self, mail: Mail) -> EmailMessage:
        message = EmailMessage(policy=SMTP)
        message["From"] = self._sender
        message["To"] = mail.to
        message["Subject"] = mail.subject
        message["Date"] = format_datetime(datetime.now(UTC))
        domain = parseaddr(self._sender)[1].rpartition("@")[2]
        message["Message-ID"] = make_msgid(domain=domain)
        message["Auto-Submitted"] = "auto-generated"
        message.set_content(mail.text)
        return message


class LoggedMailer:
    """Writes mail into the log, tokens and all."""

    def __init__(self, logger: Logger) -> None:
        self._logger = logger

    async def send(self, mail: Mail) -> None:
        """Write it."""
        self._logger.info("mail", kind=mail.kind, to=mail.to, subject=mail.subject, text=mail.text)


def _failure(code: int) -> MailFailed | MailRefused:
    if code in _PERMANENT and code not in _NOT_ABOUT_THE_MAIL:
        return MailRefused(f"SMTP {code}")
    return MailFailed(f"SMTP {code}")
