"""The web application with venues behind it, and ways to ask it about markets."""

from dataclasses import dataclass
from typing import Any

import httpx

from exchange.messages.commands import CreateMarket
from exchange.messages.terms import FeeModel
from gateway.feeds.intake.ingestion import Ingestion
from gateway.feeds.intake.rounds import Rounds
from tests.gateway.conftest import MakeWeb, Web
from tests.gateway.feeds.fake_venue import FakeVenue

CLOSE = 4_000_000_000_000_000


@dataclass
class Reader:
    """Asks the API."""

    web: Web
    venues: dict[str, FakeVenue]

    async def ask(self, path: str) -> httpx.Response:
        return await self.web.client.get(f"/api/v1{path}")

    async def get(self, path: str) -> Any:
        answer = await self.ask(path)
        assert answer.status_code == 200, answer.text
        return answer.json()["data"]

    async def refused(self, path: str, status: int) -> dict[str, Any]:
        """The error of an answer that isn't a success."""
        answer = await self.ask(path)
        assert answer.status_code == status, answer.text
        error: dict[str, Any] = answer.json()["error"]
        return error

    async def ingest(self) -> None:
        feeds = self.web.parts.feeds
        rounds = Rounds(self.venues, feeds.state, self.web.parts.logger)
        await Ingestion(rounds, feeds.catalogue, feeds.markets, 100_000).run()

    def list_ours(self, slug: str, question: str, category: str = "") -> None:
        self.web.engine.run(
            CreateMarket(slug, question, "", category, CLOSE, 100, 1, 0, 0, FeeModel.FLAT, False)
        )

    def metric(self, name: str) -> float:
        """A sample of the metrics, e.g. `cache_requests_total{cache="lists",result="hit"}`."""
        for line in self.web.parts.metrics.exposition().decode().splitlines():
            if line.startswith(f"{name} "):
                return float(line.rpartition(" ")[2])
        return 0.0


async def reader_of(make_web: MakeWeb, *venues: FakeVenue) -> Reader:
    by_platform = {venue.platform: venue for venue in venues}
    return Reader(await make_web(venues=by_platform), by_platform)
