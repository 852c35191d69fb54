"""A mailer that keeps what it is given, and ways to read it."""

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from gateway.accounts.mail.mailer import Mail
from gateway.jobs.supervisor import Supervisor
from gateway.observability.metrics import Metrics
from tests.gateway.conftest import Web
from tests.gateway.waiting import eventually

_TOKEN = re.compile(r"(?:#token=|\n\n)([A-Za-z0-9_-]{43})\n")


@dataclass
class PostOffice:
    """Keeps mail; fails as often as it is told to."""

    mails: list[Mail] = field(default_factory=list)
    failures: list[Exception] = field(default_factory=list)
    tried: int = 0

    async def send(self, mail: Mail) -> None:
        self.tried += 1
        if self.failures:
            raise self.failures.pop(0)
        self.mails.append(mail)

    async def next(self, kind: str) -> Mail:
        """The next mail, which must be of a kind."""
        await eventually(lambda: self.mails)
        mail = self.mails.pop(0)
        assert mail.kind == kind, mail
        return mail

    async def token(self, kind: str, to: str) -> str:
        """The token in the next mail."""
        mail = await self.next(kind)
        assert mail.to == to
        return token_in(mail.text)


def token_in(text: str) -> str:
    found = _TOKEN.search(text + "\n")
    assert found is not None, text
    return found[1]


@asynccontextmanager
async def delivering(web: Web) -> AsyncIterator[None]:
    """Have the outbox emptied beside the block, as a process does."""
    outbox = web.accounts.outbox
    supervisor = Supervisor(Metrics().jobs, web.parts.logger)
    async with supervisor.running(outbox.NAME, outbox.run):
        yield
