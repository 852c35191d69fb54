"""Every page in both themes, from a phone to a desk: nothing sticks out, nothing that axe calls
serious, and a picture of each for people to look at (PROBITY_SCREENSHOTS).
"""

import os
from pathlib import Path
from typing import Final, Literal

import pytest
from playwright.async_api import Page, expect

from tests.browser.terminal.conftest import SignIn
from tests.server_process import ServerProcess

AXE: Final = Path(__file__).parents[3] / "web" / "node_modules" / "axe-core" / "axe.min.js"
SIZES: Final = ((1440, 900), (390, 844), (320, 640))
SERIOUS: Final = {"serious", "critical"}
Theme = Literal["dark", "light"]


async def serious(page: Page) -> list[str]:
    """Return what axe finds that keeps people out."""
    await page.evaluate(AXE.read_text("utf-8"))
    found = await page.evaluate("axe.run(document, {resultTypes: ['violations']})")
    return [
        f"{one['id']}: {node['html'][:160]} {node['failureSummary'][:200]}"
        for one in found["violations"]
        if one["impact"] in SERIOUS
        for node in one["nodes"]
    ]


async def look(page: Page, name: str, theme: Theme) -> None:
    """Look at a page at each size."""
    for width, height in SIZES:
        await page.set_viewport_size({"width": width, "height": height})
        sticks_out = await page.evaluate(
            "document.documentElement.scrollWidth > document.documentElement.clientWidth"
        )
        assert not sticks_out, f"{name} at {width}"
        if folder := os.environ.get("PROBITY_SCREENSHOTS"):
            await page.screenshot(path=Path(folder) / f"{name}-{theme}-{width}.png")
    assert await serious(page) == [], name
    await page.set_viewport_size({"width": 1440, "height": 900})
    assert await serious(page) == [], name


@pytest.mark.parametrize("theme", ["dark", "light"])
async def test_pages(server: ServerProcess, sign_in: SignIn, slug: str, theme: Theme) -> None:
    ann = await sign_in()
    await ann.page.emulate_media(color_scheme=theme)
    await ann.page.goto(server.url)
    await expect(ann.page.locator("[data-market]").first).to_be_visible()
    await look(ann.page, "markets", theme)
    await ann.open_market(slug)
    await ann.buy("YES", "0.55", "10")
    await ann.buy("NO", "0.40", "10")
    await expect(ann.page.locator("[data-order]")).to_have_count(2)
    await look(ann.page, "trade", theme)
    await ann.page.get_by_role("button", name="As a table").first.click()
    await ann.tab("Balance")
    await look(ann.page, "trade-table", theme)
    await ann.page.get_by_role("button", name="As a ladder").click()
    await ann.page.locator("[data-show-past]").click()
    await expect(ann.page.locator("[data-past]")).to_be_visible()
    await look(ann.page, "trade-past", theme)
    await ann.page.goto(f"{server.url}/sign-in")
    await expect(ann.page.locator("form")).to_be_visible()
    await look(ann.page, "sign-in", theme)
