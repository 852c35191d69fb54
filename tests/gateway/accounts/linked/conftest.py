"""An exchange that knows X and Google, which stand in for the real ones, and browsers."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import httpx
import pytest

from tests.gateway.accounts.linked.elsewhere import CLIENT_ID, CLIENT_SECRET, Elsewhere, Key
from tests.gateway.conftest import MakeWeb, Person, Web, person_of
from tests.venues.stand_in import StandIn, patience_s

API = "/api/v1"
PAGES = "https://pages.example/app"
HERE = "https://exchange.example"


@dataclass
class Browser:
    """A browser with its cookies."""

    desk: "Linked"
    client: httpx.AsyncClient

    async def begin(self, provider: str) -> str:
        """Go to a provider; return where that is."""
        answer = await self.client.get(f"{API}/auth/{provider}")
        assert answer.status_code == 302, answer.text
        return answer.headers["location"]

    async def back(self, provider: str, told: dict[str, str]) -> dict[str, str]:
        """Come back from a provider; return what the page is told."""
        answer = await self.client.get(f"{API}/auth/{provider}/callback", params=told)
        assert answer.status_code == 302, answer.text
        return page(answer.headers["location"])

    async def exchange(self, code: str) -> httpx.Response:
        return await self.client.post(f"{API}/auth/code", json={"code": code})

    async def sign_in(self, provider: str) -> Person:
        """Sign in at a provider, as whoever is there."""
        told = await self.back(provider, self.desk.elsewhere.approve(await self.begin(provider)))
        answer = await self.exchange(told["code"])
        assert answer.status_code == 200, answer.text
        return person_of(answer)

    async def link(self, provider: str, who: Person) -> dict[str, str]:
        """Link whoever is at a provider to somebody's account; return what the page is told."""
        asked = await self.call("POST", f"/users/me/links/{provider}", who)
        assert asked.status_code == 200, asked.text
        return await self.back(provider, self.desk.elsewhere.approve(asked.json()["data"]["url"]))

    async def call(self, method: str, path: str, who: Person, body: Any = None) -> httpx.Response:
        return await self.client.request(method, f"{API}{path}", headers=who.bearer, json=body)


@dataclass
class Linked:
    """The exchange, and what is elsewhere."""

    web: Web
    elsewhere: Elsewhere
    served: StandIn

    @asynccontextmanager
    async def browser(self) -> AsyncIterator[Browser]:
        async with self.web.from_address("192.0.2.1") as client:
            yield Browser(self, client)

    async def outcomes(self, action: str) -> list[tuple[int | None, str | None, str]]:
        entries, _ = await self.web.accounts.audit.page(100)
        found = [entry for entry in reversed(entries) if entry.action == action]
        return [(entry.actor_id, entry.target, entry.outcome) for entry in found]


def page(url: str) -> dict[str, str]:
    """What a page is told behind "#", and which one it is."""
    parts = urlsplit(url)
    assert not parts.query
    told = dict(parse_qsl(parts.fragment))
    return {"page": url.partition("#")[0].removeprefix(PAGES), **told}


@pytest.fixture(scope="session")
def key() -> Key:
    """One that takes a while to make."""
    return Key()


@pytest.fixture
async def desk(
    make_web: MakeWeb, key: Key, request: pytest.FixtureRequest
) -> AsyncIterator[Linked]:
    elsewhere = Elsewhere(key=key)
    async with elsewhere.stand_in().running() as served:
        elsewhere.url = served.url
        settings = settings_of(served.url, patience_s(request))
        yield Linked(await make_web(**settings), elsewhere, served)


def settings_of(url: str, timeout_s: int = 60) -> dict[str, object]:
    return {
        "FRONTEND_URL": PAGES,
        "PUBLIC_URL": HERE,
        "X_CLIENT_ID": CLIENT_ID,
        "X_CLIENT_SECRET": CLIENT_SECRET,
        "X_URL": url,
        "X_API_URL": url,
        "GOOGLE_CLIENT_ID": CLIENT_ID,
        "GOOGLE_CLIENT_SECRET": CLIENT_SECRET,
        "GOOGLE_ISSUER_URL": url,
        "SIGN_IN_PROVIDER_TIMEOUT_SECONDS": timeout_s,
        "RATE_LIMIT_SIGN_INS_BEGUN": 100_000,
    }


@pytest.fixture
async def browser(desk: Linked) -> AsyncIterator[Browser]:
    async with desk.browser() as made:
        yield made
