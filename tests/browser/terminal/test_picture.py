"""The README's picture: the trade page of a demonstration, signed in, with orders on the ladder.

    PROBITY_SCREENSHOTS=docs/pictures pytest tests/browser/terminal/test_picture.py

writes terminal.png. With PROBITY_DEMO=http://127.0.0.1:8080 it is of a demonstration that runs
there, which has more of a past to show.
"""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.async_api import expect

from tests.browser.terminal.conftest import SignIn
from tests.server_process import ServerProcess

DEMO = {"DEMO_STEP_SECONDS": "0.3", "DEMO_SEED": "5", "PROJECTOR": "on"}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    """The demonstration, somewhat quicker than usual, or one that runs already."""
    made = ServerProcess(tmp_path_factory.mktemp("server") / "data", DEMO)
    if running := os.environ.get("PROBITY_DEMO"):
        made.url = running
        yield made
        return
    try:
        made.start("--demo")
        yield made
        assert made.end() == 0
    finally:
        made.clean_up()


async def test_the_demonstration_is_alive_on_the_trade_page(sign_in: SignIn) -> None:
    ann = await sign_in()
    await ann.page.emulate_media(color_scheme="dark")
    await ann.open_market("demo-chess-tie-breaks")
    await expect(ann.page.locator("[data-trade]").nth(5)).to_be_attached(timeout=20_000)
    await ann.buy("YES", "0.40", "25")
    await ann.buy("NO", "0.45", "25")
    await expect(ann.page.locator("[data-order]")).to_have_count(2, timeout=10_000)
    await expect(ann.page.locator(".u-over")).to_be_visible()
    if folder := os.environ.get("PROBITY_SCREENSHOTS"):
        await expect(ann.page.locator(".notice")).to_have_count(0, timeout=20_000)
        await ann.page.screenshot(path=Path(folder) / "terminal.png")
