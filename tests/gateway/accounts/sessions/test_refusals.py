"""Forged and expired tokens, and cookies from elsewhere, leave a line a minute in the audit log."""

import pytest

from gateway.accounts.sessions import refusals
from gateway.accounts.sessions.refusals import Refusal
from tests.gateway.accounts.second_factor.app import audited
from tests.gateway.accounts.sessions.test_tokens import FORGERIES
from tests.gateway.conftest import Person, Web
from tests.gateway.economy.stories import lose

ME = "/api/v1/auth/me"
REFRESH = "/api/v1/auth/refresh"


async def ask(web: Web, token: bytes) -> int:
    headers = [(b"authorization", b"Bearer " + token)]
    return (await web.client.get(ME, headers=headers)).status_code


async def renew(web: Web, person: Person, **headers: str) -> int:
    sent = {"cookie": f"probity_refresh={person.cookie}", **headers}
    return (await web.client.post(REFRESH, headers=sent)).status_code


async def test_forged_and_expired_tokens(web: Web) -> None:
    ada = await web.register()
    tokens = web.accounts.sessions._tokens
    session = tokens.verify(ada.token.encode()).session_id
    old = tokens.issue(ada.id, session, -1).encode()
    for token in (*FORGERIES.values(), old, old):
        assert await ask(web, token) == 401
    lines = [(None, None, "forged"), (None, None, "expired")]
    assert await audited(web, "auth.token") == lines
    assert await ask(web, ada.token.encode()) == 200


async def test_the_cookie_from_elsewhere(web: Web) -> None:
    ada = await web.register()
    for _ in range(3):
        assert await renew(web, ada, origin="https://evil.example") == 403
    assert await renew(web, ada, **{"x-requested-with": ""}) == 403
    lines = [(None, None, "foreign origin"), (None, None, "no header")]
    assert await audited(web, "auth.cookie") == lines
    # Without a cookie there is nothing to speak of.
    answer = await web.client.post(REFRESH, headers={"origin": "https://evil.example"})
    assert answer.status_code == 401
    assert await audited(web, "auth.cookie") == lines


async def test_a_line_that_could_not_be_written_silences_none(
    web: Web, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as away:
        away.setattr(web.accounts.refusals._audit, "write", lose)
        await web.accounts.refusals.note(Refusal.FORGED)
    await web.accounts.refusals.note(Refusal.FORGED)
    await web.accounts.refusals.note(Refusal.FORGED)
    assert await audited(web, "auth.token") == [(None, None, "forged")]


async def test_the_next_minute_has_a_line_of_its_own(
    web: Web, monkeypatch: pytest.MonkeyPatch
) -> None:
    for _ in range(2):
        await web.accounts.refusals.note(Refusal.FORGED)
    monkeypatch.setattr(refusals, "EACH_S", 0.0)
    await web.accounts.refusals.note(Refusal.FORGED)
    assert len(await audited(web, "auth.token")) == 2
