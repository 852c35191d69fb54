"""An admin makes a market, halts and resolves it; who traded in it sees what that comes to."""

from datetime import UTC, datetime, timedelta

from playwright.async_api import Browser, Page, expect

from tests.browser.conftest import Served
from tests.browser.terminal_pages import BUILT, fits, quiet_page, sign_in
from tests.gateway.conftest import Person

pytestmark = BUILT
PARTS = ("Exchange", "Markets", "New market", "Proposals", "Users", "Audit log")


async def buy(served: Served, who: Person, outcome: str, price: str) -> None:
    body = {"side": "BUY", "outcome": outcome, "type": "LIMIT", "price": price, "quantity": "10"}
    path = "/api/v1/orders/will-it-rain"
    answer = await served.web.client.post(path, json=body, headers=who.bearer)
    assert answer.status_code == 201, answer.text


async def called(page: Page, yes: str, no: str) -> None:
    """Say what the outcomes of a new market are called."""
    await page.get_by_label("Called instead of Yes").fill(yes)
    await page.get_by_label("Called instead of No").fill(no)


async def agree(page: Page, button: str) -> None:
    """Say yes to what the page asks."""
    dialog = page.get_by_role("dialog")
    await dialog.get_by_role("button", name=button, exact=True).click()
    await expect(dialog).to_have_count(0)


async def test_a_market_from_its_creation_to_the_payout(served: Served, browser: Browser) -> None:
    admin = await served.web.register(admin=True)
    ann, bob = await served.web.register(), await served.web.register()
    async with quiet_page(browser) as page, quiet_page(browser) as traders:
        await sign_in(page, served, admin, "/admin/create")
        await page.get_by_label("Question").fill("Will it rain?")
        closes = datetime.now(UTC) + timedelta(days=30)
        await page.get_by_label("Closes").fill(closes.strftime("%Y-%m-%dT%H:%M"))
        await expect(page.get_by_text("/trade/will-it-rain")).to_be_visible()
        await fits(page, "admin-create")
        await called(page, "Wet", "Wet ")
        await page.get_by_role("button", name="Create the market").click()
        await expect(page.locator("input[name=outcomes][aria-invalid=true]")).to_have_count(2)
        await called(page, "Wet", "")
        await expect(page.get_by_text("Wet / No", exact=True)).to_be_visible()
        await page.get_by_role("button", name="Create the market").click()
        await expect(page.locator("[data-figure=status]")).to_have_text("OPEN")
        listed = await served.web.client.get("/api/v1/markets/will-it-rain")
        assert listed.json()["data"]["outcomes"] == ["Wet", "No"]
        await buy(served, ann, "YES", "0.60")
        await buy(served, bob, "NO", "0.40")
        await buy(served, ann, "YES", "0.10")
        await sign_in(traders, served, ann, "/portfolio")
        await expect(traders.locator("[data-figure=available]")).to_have_text("993.00")
        await expect(traders.locator("[data-figure=locked]")).to_have_text("1.00")
        await fits(traders, "portfolio")
        await page.get_by_role("button", name="Halt", exact=True).click()
        await agree(page, "Halt")
        await expect(page.locator("[data-figure=status]")).to_have_text("HALTED")
        await page.get_by_label("Evidence").fill("https://weather.example/report")
        payees = page.locator("[data-payees]")
        await expect(payees).to_contain_text("2 holders would be paid 10.00 of 10.00")
        await expect(payees.locator("tbody tr").first).to_contain_text(str(ann.id))
        await expect(payees.locator("tbody tr").first).to_contain_text("+4.00")
        await fits(page, "admin-market")
        await page.get_by_role("button", name="Resolve", exact=True).click()
        await expect(page.get_by_role("dialog")).to_contain_text("10.00")
        await agree(page, "Resolve")
        await expect(page.locator("[data-figure=status]")).to_have_text("RESOLVED")
        await expect(traders.locator("[data-figure=available]")).to_have_text(
            "1 004.00".replace(" ", "\u202f")
        )
        await expect(traders.locator("[data-figure=realised]")).to_contain_text("+4.00")
        await traders.set_viewport_size({"width": 1440, "height": 900})
        await traders.get_by_role("link", name="Settlements").click()
        await expect(traders.get_by_role("cell", name="10.00", exact=True)).to_be_visible()
        async with traders.expect_download() as saving:
            await traders.get_by_role("button", name="Save as CSV").click()
        path = await (await saving.value).path()
        head, row, *_ = path.read_text().splitlines()
        assert head.startswith("id,marketId,slug,resolution")
        assert ",will-it-rain,YES," in row


async def test_a_trader_cancels_an_order_in_the_portfolio(served: Served, browser: Browser) -> None:
    admin, ann = await served.web.register(admin=True), await served.web.register()
    closes = (datetime.now(UTC) + timedelta(days=30)).isoformat(timespec="seconds")
    body = {"slug": "will-it-rain", "question": "Will it rain?", "closeTime": closes}
    made = await served.web.client.post("/api/v1/markets", json=body, headers=admin.bearer)
    assert made.status_code == 201, made.text
    await buy(served, ann, "YES", "0.10")
    async with quiet_page(browser) as page:
        await sign_in(page, served, ann, "/portfolio")
        await page.get_by_role("button", name="Cancel BUY YES will-it-rain").click()
        await expect(page.get_by_text("No order waits.")).to_be_visible()
        await expect(page.locator("[data-figure=locked]")).to_have_text("0.00")
        for part in ("Orders", "Trades", "Ledger", "Watchlists", "Elsewhere"):
            await page.get_by_role("link", name=part, exact=True).click()
            await expect(page.locator(".panel").first).to_be_visible()
            await fits(page, f"portfolio-{part}")
            await page.set_viewport_size({"width": 1440, "height": 900})


async def test_each_part_fits(served: Served, browser: Browser) -> None:
    admin, ann = await served.web.register(admin=True), await served.web.register()
    async with quiet_page(browser) as page:
        await sign_in(page, served, admin, "/admin")
        for part in PARTS:
            await (
                page.get_by_role("navigation", name="Admin")
                .get_by_role("link", name=part, exact=True)
                .click()
            )
            await expect(page.locator(".panel, .figures").first).to_be_visible()
            if part == "Exchange":
                await expect(page.locator("[data-engine]")).to_contain_text("Sockets")
                await expect(page.locator("[data-figure=rate]")).not_to_contain_text("–")
            await fits(page, f"admin-{part}")
            await page.set_viewport_size({"width": 1440, "height": 900})
        await page.goto(f"{served.url}/admin/users/{ann.id}")
        await expect(page.locator("[data-figure=balance]")).to_contain_text("1\u202f000.00")
        await page.get_by_label("Amount").fill("5")
        await page.locator("form").first.get_by_label("Why").fill("a prize")
        await page.get_by_role("button", name="Give credits").click()
        await agree(page, "Give credits")
        await expect(page.get_by_text("1\u202f005.00")).to_be_visible()
        await expect(page.locator("[data-figure=ways]")).to_contain_text("password")
        suspending = page.locator("form").nth(2)
        await suspending.get_by_label("Why").fill("looked at")
        await suspending.get_by_role("button", name="Suspend").click()
        await agree(page, "Suspend")
        await expect(page.locator("[data-figure=standing]")).to_have_text("suspended")
        await expect(suspending.get_by_role("button", name="Lift the suspension")).to_be_visible()
        await fits(page, "admin-user")


async def test_admins_pages_are_theirs(served: Served, browser: Browser) -> None:
    ann = await served.web.register()
    async with quiet_page(browser) as page:
        await sign_in(page, served, ann, "/admin")
        await expect(page.get_by_text("This is for admins and auditors.")).to_be_visible()
