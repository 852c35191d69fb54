"""Admins mirror a market, see what the house has at stake in it, settle a dispute, and list
stocks.
"""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from playwright.async_api import Browser, Page, expect

from exchange.messages.commands import PlaceOrder
from exchange.messages.terms import BUY, GTC, LIMIT, YES
from exchange.model.system_accounts import HOUSE
from persistence.clock import now_us
from persistence.repositories.economy.mirrors import Said
from tests.browser.conftest import Served, serving
from tests.browser.terminal_pages import BUILT, fits, quiet_page, sign_in
from tests.gateway.economy.mirrors.mirror_stories import Stage, source
from tests.gateway.feeds.fake_venue import FakeVenue
from tests.gateway.portfolio.venue_fake import Caller

pytestmark = BUILT


@pytest.fixture
async def mirrored(database_url: str, tmp_path: Path) -> AsyncIterator[tuple[Served, Stage]]:
    """The web application with a venue of three markets behind it, of which one is mirrored."""
    venue = FakeVenue([source(1), source(2), source(3)])
    async with serving(database_url, tmp_path, {"fake": venue}) as served:
        stage = Stage(served.web, venue, Caller(served.web, await served.web.register(admin=True)))
        await stage.ingest()
        await stage.mirror(2, exposure="100")
        yield served, stage


async def agree(page: Page, button: str) -> None:
    dialog = page.get_by_role("dialog")
    await dialog.get_by_role("button", name=button, exact=True).click()
    await expect(dialog).to_have_count(0)


async def desk(page: Page) -> None:
    await page.set_viewport_size({"width": 1440, "height": 900})


async def test_a_mirror_is_made_and_its_terms_are_changed(
    mirrored: tuple[Served, Stage], browser: Browser
) -> None:
    served, stage = mirrored
    admin = served.web.people[0]
    async with quiet_page(browser) as page:
        await sign_in(page, served, admin, "/admin/mirrors")
        await expect(page.locator("[data-mirror]")).to_have_count(1)
        await page.get_by_label("Market elsewhere").fill("fake:M9")
        await page.get_by_role("button", name="Mirror it").click()
        await expect(page.locator(".problem[role=alert]")).to_be_visible()
        await page.get_by_label("Market elsewhere").fill("fake:M1")
        await page.get_by_label("Spread").fill("1")
        await page.get_by_role("button", name="Mirror it").click()
        await expect(page.get_by_label("Spread")).to_have_attribute("aria-invalid", "true")
        await page.get_by_label("Spread").fill("0,03")
        await page.get_by_role("button", name="Mirror it").click()
        await expect(page.locator("[data-figure=stake]")).to_be_visible()
        await expect(page.locator("[data-quoting]")).to_contain_text("isn't followed")
        market = stage.ours(await stage.row())
        stage.fund("100")
        served.web.engine.run(PlaceOrder(HOUSE, market.id, BUY, YES, LIMIT, 4_000, 10_000, GTC))
        await expect(page.locator("[data-figure=stake]")).to_contain_text("40.00")
        await page.get_by_label("Most at stake").fill("50")
        await page.get_by_role("button", name="Change the terms").click()
        await expect(page.locator("[data-figure=stake]")).to_contain_text("of 50.00")
        assert (await stage.row()).spread == 300
        await fits(page, "admin-mirror")
        await desk(page)
        await page.get_by_role("button", name="Pause").click()
        await agree(page, "Pause")
        await expect(page.locator("[data-quoting]")).to_contain_text("Paused by an admin.")
        await page.get_by_role("button", name="Let it quote").click()
        await expect(page.get_by_role("button", name="Pause")).to_be_visible()


async def test_a_dispute_is_seen_and_settled(
    mirrored: tuple[Served, Stage], browser: Browser
) -> None:
    served, stage = mirrored
    await stage.mirror(1)
    async with quiet_page(browser) as page:
        mirror, now = await stage.row(), now_us()
        said = Said(outcome="YES", payout=None, at=now, source_at=7, confirmed_at=now)
        assert await stage.rows.judge(mirror, now, said, disputed="it said NO before")
        await sign_in(page, served, served.web.people[0], f"/admin/mirrors/{mirror.id}")
        await expect(page.locator("[data-disputed]")).to_contain_text("it said NO before")
        await expect(page.locator("[data-fact=said]")).to_have_text("YES")
        await fits(page, "admin-mirror-disputed")
        await desk(page)
        await page.goto(f"{served.url}/admin/mirrors")
        await expect(
            page.locator("tr:has-text('DISPUTED'), tr:has-text('disputed')")
        ).to_have_count(1)
        await fits(page, "admin-mirrors")
        await desk(page)
        await page.goto(f"{served.url}/admin/house")
        await page.get_by_role("link", name="1 mirrors wait for you").click()
        await expect(page.locator("[data-mirror]")).to_have_count(1)
        await page.locator("[data-mirror]").click()
        await page.get_by_role("button", name="Listen to the source anew").click()
        await agree(page, "Listen to the source anew")
        await expect(page.locator("[data-disputed]")).to_have_count(0)
        await page.get_by_role("button", name="Take it off").click()
        await agree(page, "Take it off")
        await expect(page.get_by_text("taken off", exact=True)).to_be_visible()


async def test_the_house_is_funded_and_stocks_are_listed(
    mirrored: tuple[Served, Stage], browser: Browser
) -> None:
    served, _ = mirrored
    async with quiet_page(browser) as page:
        await sign_in(page, served, served.web.people[0], "/admin/house")
        await expect(page.get_by_text("Nothing is at stake.")).to_be_visible()
        await page.get_by_label("Amount").fill("5000")
        await page.get_by_label("Why").fill("the house's own")
        await page.get_by_role("button", name="Give credits").click()
        await agree(page, "Give credits")
        await expect(page.locator("[data-figure=available]")).to_have_text("5\u202f000.00")
        await page.get_by_role("navigation", name="Admin").get_by_text("Stocks").click()
        await expect(page.get_by_text("No stocks yet.")).to_be_visible()
        await page.get_by_label("Symbol").fill("orca")
        await page.get_by_label("Name", exact=True).fill("Orca Motors")
        await page.get_by_label("Price of the first share").fill("1")
        await page.get_by_label("Each further share").fill("0.01")
        await page.get_by_label("Maintenance margin").fill("0")
        await page.get_by_role("button", name="List it").click()
        await agree(page, "List it")
        await expect(page.get_by_label("Maintenance margin")).to_have_attribute(
            "aria-invalid", "true"
        )
        await page.get_by_label("Maintenance margin").fill("")
        await page.get_by_role("button", name="List it").click()
        await agree(page, "List it")
        await expect(page.get_by_role("link", name="ORCA")).to_be_visible()
        await page.get_by_role("button", name="Halt buying ORCA").click()
        await agree(page, "Halt buying")
        await expect(page.get_by_text("no buying", exact=True)).to_be_visible()
        await fits(page, "admin-stocks")
        await desk(page)
        await page.get_by_role("button", name="Allow buying ORCA").click()
        await expect(page.get_by_text("no buying", exact=True)).to_have_count(0)
        await page.goto(f"{served.url}/admin/house")
        await expect(page.get_by_text("reserve of ORCA")).to_be_visible()
        await fits(page, "admin-house")
