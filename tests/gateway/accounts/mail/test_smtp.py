"""Mail to a real SMTP server: what arrives, and what becomes of a server that won't or can't."""

import asyncio
import email
import email.policy
import io
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
from aiosmtpd.smtp import SMTP, AuthResult

from gateway.accounts.mail import outbox as outbox_module
from gateway.accounts.mail.mailer import (
    LoggedMailer,
    Mail,
    MailFailed,
    MailRefused,
    SmtpMailer,
)
from gateway.accounts.mail.outbox import AT_ONCE, Outbox
from gateway.accounts.mail.settings import LOG, SmtpServer, sender, smtp_server
from gateway.bootstrap.settings import load_settings
from gateway.observability.logs import configure_logs
from gateway.settings.reader import SettingsError
from gateway.wire.errors import Unavailable
from tests.gateway.accounts.mail.post_office import PostOffice
from tests.gateway.waiting import eventually

MAIL = Mail("test", "ada@example.org", "Grüße", "Hello,\n\n.a line that begins with a dot\nö\n")
FROM = "Probity <no-reply@exchange.example>"


class Inbox:
    """What the server does with mail; `answer` is its word about each."""

    def __init__(self, answer: str = "250 OK", recipient: str = "250 OK") -> None:
        self.answer = answer
        self.recipient = recipient
        self.kept: list[Any] = []

    async def handle_RCPT(  # noqa: N802 - the library's name
        self, _server: Any, _session: Any, envelope: Any, address: str, _options: Any
    ) -> str:
        if self.recipient.startswith("250"):
            envelope.rcpt_tos.append(address)
        return self.recipient

    async def handle_DATA(self, _server: Any, _session: Any, envelope: Any) -> str:  # noqa: N802
        self.kept.append(envelope)
        return self.answer


@asynccontextmanager
async def serving(make: Callable[[], asyncio.Protocol]) -> AsyncIterator[int]:
    server = await asyncio.get_running_loop().create_server(make, "127.0.0.1", 0)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()


def mailer(port: int, timeout_s: float = 5.0, **more: Any) -> SmtpMailer:
    server = SmtpServer("127.0.0.1", port, **({"starttls": False} | more))
    return SmtpMailer(server, FROM, timeout_s)


async def test_a_mail_arrives_as_it_was_written() -> None:
    inbox = Inbox()
    async with serving(lambda: SMTP(inbox)) as port:
        await mailer(port).send(MAIL)
    [envelope] = inbox.kept
    assert (envelope.mail_from, envelope.rcpt_tos) == (
        "no-reply@exchange.example",
        ["ada@example.org"],
    )
    message = email.message_from_bytes(envelope.content, policy=email.policy.default)
    assert message["From"] == FROM
    assert (message["To"], message["Subject"]) == (MAIL.to, MAIL.subject)
    assert message["Message-ID"].endswith("@exchange.example>")
    assert message["Auto-Submitted"] == "auto-generated"
    assert message.get_content().replace("\r\n", "\n") == MAIL.text


@pytest.mark.filterwarnings("ignore:Requiring AUTH while not requiring TLS")
async def test_whoever_must_sign_in_does() -> None:
    seen: list[bytes] = []

    def authenticate(_s: Any, _session: Any, _e: Any, _mechanism: str, data: Any) -> AuthResult:
        seen.append(data.password)
        return AuthResult(success=data.password == b"right", handled=False)

    def make() -> SMTP:
        return SMTP(Inbox(), authenticator=authenticate, auth_required=True, auth_require_tls=False)

    async with serving(make) as port:
        await mailer(port, user="probity", password="right").send(MAIL)
        # The operator can mend this, so it is worth another try.
        with pytest.raises(MailFailed, match="535"):
            await mailer(port, user="probity", password="wrong").send(MAIL)
        with pytest.raises(MailFailed, match="530"):
            await mailer(port).send(MAIL)
    assert (seen[0], set(seen[1:])) == (b"right", {b"wrong"})


@pytest.mark.parametrize(
    ("inbox", "error"),
    [
        (Inbox(recipient="550 no such mailbox"), MailRefused),
        (Inbox(recipient="451 come again"), MailFailed),
        (Inbox(answer="554 spam"), MailRefused),
        (Inbox(answer="452 disk full"), MailFailed),
    ],
)
async def test_a_refusal_says_whether_another_try_is_of_use(
    inbox: Inbox, error: type[Exception]
) -> None:
    async with serving(lambda: SMTP(inbox)) as port:
        with pytest.raises(error) as caught:
            await mailer(port).send(MAIL)
    assert MAIL.to not in str(caught.value)


async def test_tls_is_not_done_without_unless_it_is_allowed() -> None:
    async with serving(lambda: SMTP(Inbox())) as port:
        with pytest.raises(MailFailed):
            await mailer(port, starttls=True).send(MAIL)
        with pytest.raises(MailFailed):
            await mailer(port, is_tls=True, starttls=False, timeout_s=1.0).send(MAIL)
        await mailer(port, starttls=None).send(MAIL)


async def test_a_server_that_is_silent_or_away_keeps_nobody() -> None:
    async with serving(asyncio.Protocol) as port:
        started = asyncio.get_running_loop().time()
        with pytest.raises(MailFailed):
            await mailer(port, timeout_s=0.2).send(MAIL)
        assert asyncio.get_running_loop().time() - started < 2
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        with pytest.raises(MailFailed):
            await mailer(closed.getsockname()[1]).send(MAIL)


# -- the outbox ------------------------------------------------------------------------------------


@pytest.fixture
def log(monkeypatch: pytest.MonkeyPatch) -> io.StringIO:
    monkeypatch.setattr(outbox_module, "FIRST_PAUSE_S", 0.01)
    return io.StringIO()


def outbox_of(office: PostOffice | None, log: io.StringIO, size: int = 10) -> Outbox:
    return Outbox(office, configure_logs("debug", log), size=size, tries=3)


async def write() -> Mail:
    return MAIL


@asynccontextmanager
async def working(outbox: Outbox) -> AsyncIterator[list[int]]:
    done: list[int] = []
    task = asyncio.create_task(outbox.run(lambda: done.append(1)))
    try:
        yield done
    finally:
        task.cancel()
        await asyncio.wait([task])


async def test_a_failure_is_tried_again_and_one_for_good_is_not(log: io.StringIO) -> None:
    office = PostOffice(failures=[MailFailed("SMTP 451"), OSError(), MailRefused("SMTP 550")])
    outbox = outbox_of(office, log)
    async with working(outbox) as done:
        outbox.put(write)
        await eventually(lambda: "given up" in log.getvalue())
        assert (office.tried, office.mails, done) == (3, [], [])
        outbox.put(write)
        await eventually(lambda: office.mails)
    assert done == [1]
    office.failures = [MailFailed("SMTP 451")] * 3
    async with working(outbox):
        outbox.put(write)
        await eventually(lambda: log.getvalue().count("given up") == 2)
    assert MAIL.to not in log.getvalue()
    assert '"kind":"test"' in log.getvalue()


async def test_a_fault_of_ours_costs_one_mail_alone(log: io.StringIO) -> None:
    office = PostOffice()
    outbox = outbox_of(office, log)

    async def broken() -> Mail:
        raise KeyError("fault")

    async with working(outbox):
        for errand in (*[broken] * AT_ONCE, write):
            outbox.put(errand)
        await eventually(lambda: office.mails)
    assert "mail failed" in log.getvalue()


async def test_what_waits_is_bounded(log: io.StringIO) -> None:
    outbox = outbox_of(PostOffice(), log, size=2)
    for _ in range(2):
        outbox.put(write)
    with pytest.raises(Unavailable, match="Too much mail"):
        outbox.put(write)
    outbox.put_if_room(write)
    with pytest.raises(Unavailable, match="sends no mail"):
        outbox_of(None, log).put(write)
    outbox_of(None, log).put_if_room(write)


async def test_for_development_mail_goes_into_the_log(log: io.StringIO) -> None:
    await LoggedMailer(configure_logs("info", log)).send(MAIL)
    assert MAIL.to in log.getvalue()


# -- settings --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("url", "server"),
    [
        ("log", LOG),
        ("smtp://mail.example.org", SmtpServer("mail.example.org", 587)),
        ("smtps://u:p%40%3A@h", SmtpServer("h", 465, "u", "p@:", True, False)),
        ("smtp://[::1]:2525/?starttls=off", SmtpServer("::1", 2525, starttls=False)),
        ("smtp://h?starttls=optional", SmtpServer("h", 587, starttls=None)),
    ],
)
def test_servers_that_may_be_named(url: str, server: SmtpServer | str) -> None:
    assert smtp_server(url) == server


@pytest.mark.parametrize(
    "url",
    [
        "mail.example.org",
        "http://mail.example.org",
        "smtp://",
        "smtp://h:99999",
        "smtp://h:x",
        "smtp://secret@h",
        "smtp://u:secret@h/path",
        "smtp://h?starttls=never",
        "smtp://h?tls=off",
        "smtp://h?starttls=off&starttls=off",
        "smtps://h?starttls=off",
        "smtp://h#x",
        "smtp://[h",
        "LOG",
    ],
)
def test_servers_that_may_not_be_named(url: str) -> None:
    with pytest.raises(ValueError, match="must be smtps") as caught:
        smtp_server(url)
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize("text", ["", "Probity", "a@b\r\nBcc: x@y.z", "Ä <a@b.c>", "<@>"])
def test_senders_that_may_not_be(text: str) -> None:
    with pytest.raises(ValueError, match="must be an address"):
        sender(text)


def test_a_server_needs_a_sender() -> None:
    with pytest.raises(SettingsError, match="MAIL_FROM: is missing"):
        load_settings({"SMTP_URL": "smtp://h"})
    assert load_settings({"SMTP_URL": "log"}).mail.server == LOG
    with pytest.raises(SettingsError, match="SMTP_URL: must be"):
        load_settings({"SMTP_URL": "ftp://secret"})
