"""Tokens go back to their provider when a link ends or somebody leaves; nobody waits for that."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from gateway.accounts.linked import revoking
from gateway.accounts.linked.revoking import Revoking
from gateway.jobs.supervisor import Supervisor
from gateway.observability.metrics import Metrics
from gateway.sealing.seal import Seal
from persistence.repositories.people.linked_accounts import SealedTokens
from tests.gateway.accounts.linked.conftest import Browser, Linked
from tests.gateway.waiting import eventually
from tests.venues.stand_in import Fault

BOTH = pytest.mark.parametrize("provider", ["x", "google"])
PLACES = {"x": "/2/oauth2/revoke", "google": "/revoke"}


@asynccontextmanager
async def giving_back(desk: Linked) -> AsyncIterator[Revoking]:
    """Have tokens given back beside the block, as a process does."""
    service = desk.web.parts.revoking
    supervisor = Supervisor(Metrics().jobs, desk.web.parts.logger)
    async with supervisor.running(service.NAME, service.run):
        yield service


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(revoking, "FIRST_PAUSE_S", 0.01)


async def told(desk: Linked, count: int = 1) -> list[tuple[int | None, str | None, str]]:
    """The lines of the audit log, when there are so many."""
    async with asyncio.timeout(60):
        while len(found := await desk.outcomes("link.revoke")) < count:  # noqa: ASYNC110 - another task writes them
            await asyncio.sleep(0.01)
    return found


@BOTH
async def test_a_link_that_ends_gives_its_tokens_back(
    desk: Linked, browser: Browser, provider: str
) -> None:
    ann = await desk.web.register()
    await browser.link(provider, ann)
    async with giving_back(desk):
        assert (await browser.call("DELETE", f"/users/me/links/{provider}", ann)).is_success
        line = (None, f"user:{ann.id} {provider}", "ok")
        assert await told(desk) == [line]
    assert desk.elsewhere.revoked == [(PLACES[provider], "secret-access", "access_token")]
    assert "secret-access" not in desk.web.log.getvalue()


@BOTH
async def test_whoever_leaves_gives_them_back(
    desk: Linked, browser: Browser, provider: str
) -> None:
    desk.elsewhere.told = {"refresh_token": "secret-refresh"}
    ann = await browser.sign_in(provider)
    async with giving_back(desk):
        gone = await browser.call("DELETE", "/users/me", ann, {"forfeitCredits": True})
        assert gone.is_success, gone.text
        assert [line[2] for line in await told(desk)] == ["ok"]
    # Of which those of access are a part.
    assert desk.elsewhere.revoked == [(PLACES[provider], "secret-refresh", "refresh_token")]


async def test_who_stays_gives_nothing_back(desk: Linked, browser: Browser) -> None:
    ann = await browser.sign_in("x")
    async with giving_back(desk) as service:
        assert (await browser.call("DELETE", "/users/me/links/x", ann)).status_code == 409
        kept = await browser.call("DELETE", "/users/me", ann, {})
        assert kept.json()["error"]["code"] == "ACCOUNT_NOT_EMPTY"
        await eventually(service._waiting.empty)
    assert desk.elsewhere.revoked == []


@pytest.mark.parametrize(
    ("fault", "times", "outcome"),
    [
        (Fault.SERVER_ERROR, 3, "ok"),
        (Fault.SERVER_ERROR, 4, "provider_unavailable"),
        (Fault.REDIRECT, 4, "provider_unavailable"),
    ],
)
async def test_it_is_tried_again_and_given_up(
    desk: Linked, browser: Browser, fault: Fault, times: int, outcome: str
) -> None:
    ann = await desk.web.register()
    await browser.link("x", ann)
    desk.served.fail(fault, times=times)
    async with giving_back(desk):
        assert (await browser.call("DELETE", "/users/me/links/x", ann)).is_success
        assert [line[2] for line in await told(desk)] == [outcome]
    assert len(desk.elsewhere.revoked) == (outcome == "ok")
    assert ("tokens not revoked" in desk.web.log.getvalue()) is (outcome != "ok")
    # It is as gone as it would be otherwise.
    assert (await browser.call("DELETE", "/users/me/links/x", ann)).status_code == 404


async def test_what_a_provider_refuses_is_not_tried_again(desk: Linked, browser: Browser) -> None:
    ann = await desk.web.register()
    await browser.link("x", ann)
    desk.served.fail(Fault.REFUSED)
    async with giving_back(desk):
        await browser.call("DELETE", "/users/me/links/x", ann)
        assert [line[2] for line in await told(desk)] == ["provider_refused"]


async def test_full_unknown_and_unreadable_is_let_run_out(desk: Linked) -> None:
    service, parts = desk.web.parts.revoking, desk.web.parts
    link = SealedTokens(1, "x", "1001", b"sealed by nobody")
    await service.put(link, "a")
    tokens = service._tokens
    seal = Seal([bytes(32)])
    good = seal.seal(b'{"access_token":"a"}', "linked_accounts.tokens:x:1001")
    await service.put(SealedTokens(1, "myspace", "1001", good), "a")
    assert service._waiting.empty()
    small = Revoking(
        service._providers, service._rows, tokens, parts.people.audit, parts.logger, size=1
    )
    for _ in range(3):
        await small.put(SealedTokens(1, "x", "1001", good), "a")
    assert small._waiting.qsize() == 1
    assert await desk.outcomes("link.revoke") == [
        (None, "user:1 x", "unreadable"),
        (None, "user:1 myspace", "not set up"),
        (None, "user:1 x", "no room"),
        (None, "user:1 x", "no room"),
    ]
