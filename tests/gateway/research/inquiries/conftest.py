"""Research over a real database, asked of a service that stands in."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import pytest
import structlog
from prometheus_client import CollectorRegistry

from gateway.outbound.asking import Outbound
from gateway.research.inquiries.following import Following
from gateway.research.inquiries.parallel import Parallel
from gateway.research.inquiries.tallies import ResearchMetrics
from persistence.clock import MICROSECONDS, now_us
from persistence.repositories.research.steps import InquirySteps
from tests.gateway.conftest import MakeWeb, Web
from tests.gateway.portfolio.venue_fake import Caller, VenueFake, caller, venue_market
from tests.gateway.research.inquiries.parallel_service import (
    KEY,
    SECRET,
    ParallelService,
    parallel_service,
)
from tests.persistence.running import listing


@pytest.fixture
async def service() -> AsyncIterator[ParallelService]:
    async with parallel_service() as made:
        yield made


@dataclass
class Desk:
    """Somebody who asks, and what takes their questions through."""

    web: Web
    ann: Caller
    service: ParallelService
    following: Following
    steps: InquirySteps
    ahead_s: float = 0.0

    def clock(self) -> int:
        return now_us() + round(self.ahead_s * MICROSECONDS)

    async def ask(self, query: str = "Will it rain?", **more: Any) -> Any:
        return await self.ann.data("POST", "/research", {"query": query, **more})

    async def follow(self, *, after_s: float = 0.0) -> int:
        """Let the worker take a turn, so much later."""
        self.ahead_s += after_s
        due = await self.following._take(())
        return sum(await asyncio.gather(*map(self.following._turn, due)))

    async def show(self, number: str) -> Any:
        return await self.ann.data("GET", f"/research/{number}")

    async def budget(self) -> tuple[str, str, str]:
        told = await self.ann.data("GET", "/research/budget")
        return told["held"], told["spent"], told["left"]


@pytest.fixture
async def desk(make_web: MakeWeb, service: ParallelService) -> Desk:
    web = await make_web(
        catalogues=[VenueFake(venue_market("KXRAIN-26"))],
        PARALLEL_API_KEY=KEY,
        PARALLEL_URL=service.url,
        PARALLEL_WEBHOOK_SECRET=SECRET,
        RESEARCH_BUDGET_CENTS="5",
    )
    web.engine.run(listing())
    steps = InquirySteps(web.parts.pool)
    asked = Parallel(
        service.url, KEY, "https://exchange.example/api/v1/research/webhook", Outbound(2)
    )
    following = Following(
        steps,
        asked,
        ResearchMetrics(CollectorRegistry()),
        structlog.get_logger(),
        kept_s=86_400,
        known_s=86_400,
        clock=lambda: made.clock(),  # noqa: PLW0108 - it is made below
    )
    made = Desk(web, await caller(web), service, following, steps)
    return made
