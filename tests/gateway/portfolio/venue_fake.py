"""A venue's markets in memory, for whoever asks a catalogue; and short ways to call the API."""

from collections.abc import Collection, Mapping
from typing import Any

import httpx
import msgspec

from gateway.feeds.known import KnownMarket, MarketRef
from gateway.feeds.model import ListedStatus
from tests.gateway.conftest import Person, Web


def venue_market(external_id: str, platform: str = "kalshi", **changes: Any) -> KnownMarket:
    """An open market at 0.40."""
    terms: dict[str, Any] = {
        "ref": MarketRef(platform, external_id),
        "question": f"Will {external_id} happen?",
        "category": "politics",
        "status": ListedStatus.OPEN,
        "yes_price": 4_000,
        "best_bid": 3_900,
        "best_ask": 4_100,
        "currency": "USD",
        "as_of": 1_769_860_800_000_000,
    }
    return KnownMarket(**(terms | changes))


class VenueFake:
    """Lists what a test puts into it; `asked` counts the questions."""

    def __init__(self, *markets: KnownMarket, platforms: tuple[str, ...] = ("kalshi",)) -> None:
        self.platforms = platforms
        self.markets = {market.ref: market for market in markets}
        self.asked = 0

    def change(self, external_id: str, platform: str = "kalshi", **changes: Any) -> None:
        ref = MarketRef(platform, external_id)
        self.markets[ref] = msgspec.structs.replace(self.markets[ref], **changes)

    async def known(self, platform: str, external_id: str) -> KnownMarket | None:
        self.asked += 1
        return self.markets.get(MarketRef(platform, external_id))

    async def live(self, platform: str, external_id: str) -> KnownMarket | None:
        return await self.known(platform, external_id)

    async def known_many(self, refs: Collection[MarketRef]) -> Mapping[MarketRef, KnownMarket]:
        self.asked += 1
        return {ref: self.markets[ref] for ref in refs if ref in self.markets}

    async def of_slug(self, slug: str) -> KnownMarket | None:
        found = [market for market in self.markets.values() if market.slug == slug]
        return found[0] if len(found) == 1 else None


class Caller:
    """Somebody who calls routes below /api/v1."""

    def __init__(self, web: Web, person: Person) -> None:
        self._web = web
        self.id = person.id
        self._headers = person.bearer

    async def call(self, method: str, path: str, body: object = None) -> httpx.Response:
        more = {} if body is None else {"json": body}
        return await self._web.client.request(
            method,
            f"/api/v1{path}",
            headers=self._headers,
            **more,  # type: ignore[arg-type]
        )

    async def data(self, method: str, path: str, body: object = None) -> Any:
        answer = await self.call(method, path, body)
        assert answer.is_success, answer.text
        return answer.json()["data"]

    async def refused(self, method: str, path: str, body: object = None) -> tuple[int, list[str]]:
        """Call what must be refused; return the status and the fields that are named."""
        answer = await self.call(method, path, body)
        assert not answer.is_success, answer.text
        error = answer.json()["error"]
        return answer.status_code, [detail["field"] for detail in error["details"]]


async def caller(web: Web, *, admin: bool = False) -> Caller:
    """Somebody new."""
    return Caller(web, await web.register(admin=admin))
