"""Research on a real exchange, answered by a service that stands in: asked, followed live, read
with its sources, known the next time, and deleted, as somebody with a browser does it.
"""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any, Final

import pytest
from playwright.async_api import Page, expect

from tests.browser.terminal.conftest import SignIn
from tests.browser.terminal_pages import fits
from tests.gateway.research.inquiries.parallel_service import (
    KEY,
    ParallelService,
    parallel_service,
)
from tests.server_process import ServerProcess, running_server

TAKEN_MS: Final = 30_000
"""Looked for every two seconds, and its stream every ten."""
LONG: Final = "Forecasts agree. <img src=x onerror=alert(1)>\n\n## Rain\n" + "It will rain. " * 90
FOREIGN: Final[dict[str, Any]] = {
    "type": "text",
    "content": LONG,
    "basis": [
        {
            "field": "output",
            "reasoning": "Two forecasts agree.",
            "confidence": "high",
            "citations": [
                {
                    "url": "https://weather.example/vienna",
                    "title": "Vienna <b>now</b>",
                    "excerpts": ["Rain from noon.", "More of it " * 60],
                },
                {"url": "https://other.example/a/very/long/path?of=it", "title": None},
            ],
        }
    ],
}


@pytest.fixture
async def service() -> AsyncIterator[ParallelService]:
    async with parallel_service() as made:
        yield made


@pytest.fixture
def server(tmp_path: Path, service: ParallelService) -> Iterator[ServerProcess]:
    """A server that has a key for the service."""
    settings = {"PARALLEL_API_KEY": KEY, "PARALLEL_URL": service.url, "PROJECTOR": "on"}
    with running_server(tmp_path / "data", settings) as made:
        yield made


async def ask(page: Page, words: str) -> None:
    await page.get_by_label("Your question", exact=True).fill(words)
    await page.locator("[data-ask]").click()


async def follow(page: Page, service: ParallelService) -> None:
    """One that runs says how far it is, and its answer comes by itself."""
    await expect(page.locator("[data-status=RUNNING]")).to_be_visible(timeout=TAKEN_MS)
    await fits(page, "research-running")
    (run_id,) = service.runs
    service.end(run_id, output=FOREIGN)
    await expect(page.locator("[data-answer]")).to_contain_text("<img src=x", timeout=TAKEN_MS)
    await expect(page.locator("[data-status=COMPLETED]")).to_be_visible()


async def test_asked_followed_read_known_and_deleted(
    server: ServerProcess, service: ParallelService, sign_in: SignIn
) -> None:
    page = (await sign_in()).page
    await page.get_by_role("navigation", name="Main").first.get_by_text("Research").click()
    await expect(page.locator("[data-left]")).to_contain_text("100 ¢ of 100 ¢")
    await page.get_by_role("radio", name="Compared").check()
    await expect(page.locator("[data-ask]")).to_have_text("Ask for 2.5 ¢")
    await ask(page, "Will it rain in Vienna?")
    await follow(page, service)
    assert await page.locator("[data-answer] img").count() == 0
    link = page.locator("[data-citation] a").first
    await expect(link).to_have_text("Vienna <b>now</b>")
    await expect(link).to_have_attribute("rel", "noopener noreferrer nofollow")
    await fits(page, "research-answer")
    await page.get_by_role("link", name="All questions").click()
    await expect(page.locator("[data-left]")).to_contain_text("97.5 ¢ of 100 ¢")
    await page.get_by_role("radio", name="Compared").check()
    await ask(page, "will it  RAIN in Vienna?")
    await expect(page.locator("[data-cached]")).to_contain_text("cost you nothing")
    await page.get_by_role("link", name="All questions").click()
    await expect(page.locator("[data-asked]")).to_have_count(2)
    await page.get_by_role("radio", name="Pages only").check()
    service.found = [
        {"url": "https://weather.example/", "title": "Weather", "excerpts": ["Rain."]},
    ]
    await ask(page, "rain Vienna")
    await expect(page.locator("[data-found] a")).to_have_attribute(
        "href", "https://weather.example/"
    )
    await expect(page.locator("[data-left]")).to_contain_text("97 ¢ of 100 ¢")
    await fits(page, "research")
    await page.get_by_role("button", name="Delete: will it").first.click()
    await page.get_by_role("dialog").get_by_role("button", name="Delete").click()
    await expect(page.locator("[data-asked]")).to_have_count(1)


async def test_asked_on_a_markets_page(
    server: ServerProcess, service: ParallelService, sign_in: SignIn
) -> None:
    server.market("rain")
    ann = await sign_in()
    page = ann.page
    await ann.open_market("rain")
    await page.get_by_role("button", name="Research").click()
    here = page.locator("[data-research-here]")
    await expect(here).to_contain_text("Nothing asked about this market yet.")
    await fits(page, "research-here")
    await ask(page, "What do forecasts say?")
    await follow(page, service)
    assert "Will rain come?" in service.made[0]["input"]
    await here.get_by_role("button", name="Back").click()
    await here.locator("[data-asked]").click()
    await expect(here.locator("[data-answer]")).to_be_visible()
    await page.goto(f"{server.url}/research")
    await expect(page.locator("[data-asked]")).to_have_count(1)
    await expect(page.get_by_role("link", name="Will rain come?")).to_be_visible()
