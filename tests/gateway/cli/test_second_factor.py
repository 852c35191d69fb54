"""Whoever's second factors were taken away by the operator is told so, where that can be."""

import pytest

from gateway.accounts.mail.mailer import Mail, MailFailed, MailRefused
from gateway.cli.second_factor import tell_owner
from persistence.repositories.people.users import User


class Post:
    """Takes mail, or fails as it is told."""

    def __init__(self, failure: Exception | None = None) -> None:
        self.sent: list[Mail] = []
        self._failure = failure

    async def send(self, mail: Mail) -> None:
        if self._failure is not None:
            raise self._failure
        self.sent.append(mail)


def person(email: str | None = "ada@example.org", verified_at: int | None = 1) -> User:
    return User(7, email, "Ada", "USER", 1, None, None, verified_at)


async def test_the_owner_is_written_to() -> None:
    post = Post()
    assert await tell_owner(post, person()) is None
    assert [mail.to for mail in post.sent] == ["ada@example.org"]
    assert "all second factors were taken away" in post.sent[0].text


@pytest.mark.parametrize("nobody", [person(None), person(verified_at=None)])
async def test_nobody_is_written_to_at_an_address_that_was_never_confirmed(nobody: User) -> None:
    post = Post()
    assert await tell_owner(post, nobody) == "their address was never confirmed"
    assert post.sent == []


async def test_why_nobody_was_told_is_said() -> None:
    assert await tell_owner(None, person()) == "no mail is sent here"
    for failure in (MailFailed("SMTP 450"), MailRefused("SMTP 550")):
        assert await tell_owner(Post(failure), person()) == str(failure)
