"""The front page as a visitor sees it."""

import os
from collections.abc import AsyncIterator
from pathlib import Path
from random import Random

import pytest
from playwright.async_api import Browser, Page, expect

from exchange.messages.bounds import QUANTITY_MAX
from exchange.messages.commands import OpenAccount, ResolveMarket
from exchange.messages.group_commands import SetOrderGroup
from exchange.messages.terms import Resolution
from gateway.demo.markets import DEMO_MARKETS
from gateway.demo.traders import GROUP, WINDOW, Desk
from tests.browser.conftest import Served

SEED = 7


@pytest.fixture
async def desks(served: Served) -> list[Desk]:
    """The demo's markets after a short day of trading."""
    engine = served.web.engine
    for account in range(1, 6):
        engine.run(OpenAccount(account, 10**12))
    for maker in (1, 2):
        # A step takes no time here: what is filled in a window of it is the whole day's.
        engine.run(SetOrderGroup(maker, GROUP, QUANTITY_MAX, WINDOW))
    made = []
    for entry in DEMO_MARKETS:
        engine.run(entry.command(engine.now))
        market = engine.view.market_by_slug[entry.slug]
        rng = Random(f"{SEED} {entry.slug}")
        made.append(Desk(engine, engine.view, market, entry, [1, 2], [3, 4, 5], rng))
    print(f"seed {SEED}")
    for desk in made:
        for _ in range(60):
            await desk.step()
    return made


@pytest.fixture
async def page(browser: Browser) -> AsyncIterator[Page]:
    """A page on which nothing may go wrong: no error, nothing the policy refuses."""
    opened = await browser.new_page()
    problems: list[str] = []
    opened.on("pageerror", lambda error: problems.append(str(error)))
    opened.on("console", lambda message: problems.append(message.text))
    opened.on("requestfailed", lambda request: problems.append(f"{request.url} failed"))
    yield opened
    await opened.close()
    assert problems == []


async def shoot(page: Page, name: str) -> None:
    """Keep a picture where PROBITY_SCREENSHOTS says, for people to look at."""
    if folder := os.environ.get("PROBITY_SCREENSHOTS"):
        await page.screenshot(path=Path(folder) / f"{name}.png", full_page=True)


async def test_the_page_shows_markets_and_keeps_them_live(
    served: Served, desks: list[Desk], page: Page
) -> None:
    await page.goto(f"{served.url}/plain")
    rows = page.locator("tr[data-market]")
    await expect(rows).to_have_count(len(DEMO_MARKETS))
    market = desks[0].market
    row = page.locator(f'tr[data-market="{market.id}"]')
    best = market.book.bids.best
    assert best is not None
    await expect(row.locator(".bid")).to_contain_text(f"0.{best.price // 100:02d}")
    await expect(page.locator("#feed")).to_have_text("live")
    await shoot(page, "root-light")
    await desks[0].step()
    served.web.engine.run(ResolveMarket(market.id, Resolution.YES, None, "test"))
    await expect(rows).to_have_count(len(DEMO_MARKETS) - 1)


async def test_changes_are_marked(served: Served, desks: list[Desk], page: Page) -> None:
    await page.goto(f"{served.url}/plain")
    await expect(page.locator("#feed")).to_have_text("live")
    for _ in range(30):
        await desks[0].step()
    await expect(page.locator("td.changed").first).to_be_visible()


async def test_the_example_names_where_the_visitor_is(
    served: Served, desks: list[Desk], page: Page
) -> None:
    await page.goto(f"{served.url}/plain")
    await expect(page.locator(".origin").first).to_have_text(served.url)


async def test_in_the_dark_and_on_a_phone(served: Served, desks: list[Desk], page: Page) -> None:
    await page.emulate_media(color_scheme="dark")
    await page.goto(f"{served.url}/plain")
    await shoot(page, "root-dark")
    await page.set_viewport_size({"width": 390, "height": 844})
    await shoot(page, "root-phone")
    width = await page.evaluate("document.documentElement.scrollWidth")
    assert width <= 390, "nothing sticks out"


async def test_without_script_the_page_is_whole(
    served: Served, desks: list[Desk], browser: Browser
) -> None:
    context = await browser.new_context(java_script_enabled=False)
    page = await context.new_page()
    await page.goto(f"{served.url}/plain")
    await expect(page.locator("tr[data-market]")).to_have_count(len(DEMO_MARKETS))
    await expect(page.locator("#feed")).to_be_hidden()
    await context.close()


async def test_no_market_is_said(served: Served, page: Page) -> None:
    await page.goto(f"{served.url}/plain")
    await expect(page.locator(".none")).to_contain_text("No market is open yet")
    await shoot(page, "root-empty")
