"""An admin sees what the on-line checker looked at, what it found and what that halted, and says
what it was.
"""

from playwright.async_api import Browser, expect

from exchange.messages.commands import SetMarketStatus
from exchange.messages.terms import MarketStatus
from persistence.clock import MICROSECONDS, now_us
from persistence.postgres.database import connect
from persistence.repositories.checks.findings import Finding, Reached, store_course, store_findings
from tests.browser.conftest import Served
from tests.browser.terminal_pages import BUILT, fits, quiet_page, sign_in
from tests.gateway.operations.checker.test_halting import halting
from tests.persistence.running import listing

pytestmark = BUILT


async def test_what_the_checker_found_is_shown_and_acknowledged(
    served: Served, browser: Browser
) -> None:
    web = served.web
    web.engine.run(listing())
    web.engine.run(SetMarketStatus(1, MarketStatus.OPEN))
    admin = await web.register(admin=True)
    async with quiet_page(browser) as page:
        await sign_in(page, served, admin, "/admin/checks")
        await expect(page.locator("[data-figure=looked]")).to_have_text("never")
        await expect(page.get_by_role("status")).to_contain_text("No look was through")
        now = now_us()
        connection = await connect(web.parts.pool.url)
        took = Reached("look", 17, None, now - 1_500_000, now)
        await store_course(connection, took)
        await store_course(connection, Reached("balances", 0, None, now, now))
        old = now - 3 * 86_400 * MICROSECONDS
        await store_course(connection, Reached("commands", 12, bytes(32), old, 0))
        wrong = [
            Finding("supply", 1, "market 1", "100 owed", "200 collateral", 17),
            Finding("audit", 0, "line 3", "as it was written", "another", 17, halts=False),
        ]
        await store_findings(connection, wrong, now)
        await connection.close()
        await halting(web).look()
        await page.reload()
        await expect(page.locator("[data-figure=took]")).to_have_text("1.50 s")
        await expect(page.locator("[data-figure=open]")).to_have_text("2")
        await expect(page.get_by_role("status")).to_have_count(0)
        courses = page.get_by_role("region", name="What is compared")
        await expect(courses.locator("tbody tr")).to_have_count(8)
        await expect(courses.locator("tr", has_text="All commands")).to_contain_text("late")
        found = page.get_by_role("region", name="What was found")
        row = found.locator("tr", has_text="supply")
        await expect(row.get_by_role("link")).to_have_attribute(
            "href", f"/admin/markets/{listing().slug}"
        )
        await expect(row).not_to_contain_text("not yet")
        await expect(found.locator("tr", has_text="line 3")).to_contain_text("halts nothing")
        await fits(page, "admin-checks")
        await page.set_viewport_size({"width": 1440, "height": 900})
        await row.get_by_role("button", name="Acknowledge").click()
        dialog = page.get_by_role("dialog")
        await dialog.get_by_label("What it was").fill("put right by hand")
        await dialog.get_by_role("button", name="Acknowledge").click()
        await expect(dialog).to_have_count(0)
        await expect(page.locator("[data-figure=open]")).to_have_text("1")
        await page.get_by_role("button", name="Acknowledged").click()
        await expect(found).to_contain_text("put right by hand")
        await page.evaluate("localStorage.setItem('probity.language', 'de')")
        await page.reload()
        await expect(page.locator("[data-figure=open]")).to_have_text("1")
        await fits(page, "admin-checks-german")
