"""What tests of the terminal's pages share: a page on which nothing may go wrong, signing in, axe,
and that nothing sticks out at the widths that count.
"""

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

import pytest
from playwright.async_api import Browser, Page, ViewportSize, expect

from gateway.site.terminal import is_built
from tests.browser.conftest import Served
from tests.gateway.conftest import PASSWORD, Person

BUILT: Final = pytest.mark.skipif(
    not is_built() and "CI" not in os.environ, reason="the web terminal isn't built: make web"
)
WIDTHS: Final = (320, 390, 1440)
_AXE: Final = Path(__file__).parents[2] / "web/node_modules/axe-core/axe.min.js"
_SERIOUS: Final = """async () => (await axe.run(document, {resultTypes: ["violations"]})).violations
  .filter((found) => ["serious", "critical"].includes(found.impact))
  .map((found) => `${found.id}: ${found.nodes.map((node) => node.target).join(" | ")}`)"""
_REFUSED: Final = "Failed to load resource: the server responded with a status of 4"
"""What Chromium says of each call that the exchange refuses."""


@asynccontextmanager
async def quiet_page(browser: Browser) -> AsyncIterator[Page]:
    """A page of its own browser profile, on which nothing may go wrong but refused calls."""
    context = await browser.new_context(viewport={"width": 1440, "height": 900}, locale="en-GB")
    opened = await context.new_page()
    problems: list[str] = []
    opened.on("pageerror", lambda error: problems.append(str(error)))
    opened.on(
        "console",
        lambda message: (
            problems.append(message.text)
            if message.type == "error" and not message.text.startswith(_REFUSED)
            else None
        ),
    )
    yield opened
    await context.close()
    # The pages that are live look for sockets, which the stand-in has none of.
    assert [said for said in problems if "/ws/" not in said and "socket.io" not in said] == []


async def sign_in(page: Page, served: Served, person: Person, to: str = "/account") -> None:
    """Sign somebody in by the page itself."""
    await page.goto(f"{served.url}/sign-in?next={to}")
    await page.get_by_label("E-mail").fill(person.email)
    await page.get_by_label("Password", exact=True).fill(PASSWORD)
    await page.keyboard.press("Enter")
    await expect(page).to_have_url(f"{served.url}{to}")


async def fits(page: Page, name: str) -> None:
    """Look at a page in both themes at all widths: nothing sticks out, nothing bars anybody."""
    await page.evaluate(_AXE.read_text())
    for theme in ("dark", "light"):
        await page.emulate_media(color_scheme=theme)
        for width in WIDTHS:
            size: ViewportSize = {"width": width, "height": 900}
            await page.set_viewport_size(size)
            if folder := os.environ.get("PROBITY_SCREENSHOTS"):
                path = Path(folder) / f"{name}-{theme}-{width}.png"
                await page.screenshot(path=path, full_page=width < WIDTHS[-1])
            wide = await page.evaluate("document.documentElement.scrollWidth")
            assert wide <= width, f"{name} is {wide} wide at {width}"
            found = await page.evaluate(_SERIOUS)
            assert found == [], f"{name}, {theme}, {width}: {found}"
