"""A feed that is not up to date says so, disarms itself, and heals."""

from pathlib import Path

from playwright.async_api import expect

from tests.browser.terminal.conftest import SignIn
from tests.server_process import ServerProcess


async def test_a_cut_is_seen_and_healed(server: ServerProcess, sign_in: SignIn, slug: str) -> None:
    ann, bob = await sign_in(), await sign_in()
    await ann.open_market(slug)
    await bob.open_market(slug)
    await ann.buy("YES", "0.55", "10")
    await expect(ann.page.locator("[data-order]")).to_have_count(1)
    await ann.page.get_by_role("button", name="Arm", exact=True).click()
    await expect(ann.page.locator(".ladder.armed")).to_be_visible()
    server.kill()
    await expect(ann.page.locator(".ladder.stale")).to_be_visible()
    await expect(ann.page.get_by_role("button", name="Arm", exact=True)).to_be_disabled()
    server.start()
    for trader in (ann, bob):
        await trader.is_live()
        # What the browser says of a server that is away is no fault of the page.
        trader.problems.clear()
    await expect(ann.page.locator(".ladder.armed")).to_have_count(0)
    await bob.buy("NO", "0.45", "4")
    await expect(ann.page.locator("[data-trade='1']")).to_be_visible()
    await ann.tab("Positions")
    await expect(ann.page.locator("[data-position=YES]")).to_contain_text("4")
    assert Path(server.log).exists()
