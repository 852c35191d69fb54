"""Alerts as their owner sees them: made, told on the page, in its history, and sent on."""

from playwright.async_api import Browser, expect

from persistence.clock import now_us
from persistence.repositories.alerts.firings import NewFiring
from persistence.repositories.alerts.webhooks import Webhooks
from tests.browser.conftest import Served
from tests.browser.terminal_pages import BUILT, fits, quiet_page, sign_in
from tests.persistence.running import listing

pytestmark = BUILT
WIDE = {"width": 1440, "height": 900}


async def test_an_alert_is_made_left_be_and_removed(served: Served, browser: Browser) -> None:
    served.web.engine.run(listing())
    ann = await served.web.register()
    async with quiet_page(browser) as page:
        await sign_in(page, served, ann, "/alerts")
        await expect(page.get_by_text("No alerts yet")).to_be_visible()
        await fits(page, "alerts-empty")
        await page.set_viewport_size(WIDE)  # type: ignore[arg-type]
        await page.get_by_role("button", name="New alert").click()
        dialog = page.get_by_role("dialog")
        await dialog.get_by_label("Market").fill("nowhere")
        await dialog.get_by_label("Price", exact=True).fill("0.6")
        await dialog.get_by_label("Note").fill("umbrella")
        await dialog.get_by_role("button", name="Make it").click()
        await expect(dialog.get_by_text("there is no such market").first).to_be_visible()
        await fits(page, "alerts-new")
        await page.set_viewport_size(WIDE)  # type: ignore[arg-type]
        await dialog.get_by_label("Market").fill("rain")
        await dialog.get_by_role("button", name="Make it").click()
        await expect(page.get_by_role("cell", name="YES at 0.60 or above ·")).to_be_visible()
        await expect(page.get_by_role("link", name="Will it rain?")).to_be_visible()
        await fits(page, "alerts")
        await page.set_viewport_size(WIDE)  # type: ignore[arg-type]
        await page.get_by_role("button", name="Leave it be").click()
        await expect(page.get_by_text("left be", exact=True)).to_be_visible()
        await page.get_by_role("button", name="Remove").click()
        await page.get_by_role("dialog").get_by_role("button", name="Remove").click()
        await expect(page.get_by_text("No alerts yet")).to_be_visible()


async def test_a_browser_is_asked_by_a_click_alone(served: Served, browser: Browser) -> None:
    ann = await served.web.register()
    async with quiet_page(browser) as page:
        await page.add_init_script(
            "window.asked = 0; Notification.requestPermission = async () => {"
            "window.asked += 1; return 'granted'; };"
            "Object.defineProperty(Notification, 'permission', {get: () => 'default'});"
        )
        await sign_in(page, served, ann, "/alerts")
        await expect(page.get_by_role("button", name="Show them")).to_be_visible()
        assert await page.evaluate("window.asked") == 0
        await page.get_by_role("button", name="Show them").click()
        await expect(page.get_by_text("They are shown in this browser")).to_be_visible()
        assert await page.evaluate("window.asked") == 1
        await page.get_by_role("button", name="Show them no more").click()
        await expect(page.get_by_role("button", name="Show them", exact=True)).to_be_visible()


async def test_the_history_and_webhooks(served: Served, browser: Browser) -> None:
    ann = await served.web.register()
    firing = NewFiring(
        user_id=ann.id, alert_id=None, kind="PRICE_ABOVE", platform="exchange", external_id="1",
        note="umbrella", at=now_us(),
        saw='{"slug":"rain","question":"Will it rain?","outcome":"YES","price":"0.7100"}',
    )  # fmt: skip
    await Webhooks(served.web.parts.pool).try_out(firing, now_us())
    async with quiet_page(browser) as page:
        await sign_in(page, served, ann, "/alerts/history")
        await expect(page.get_by_role("cell", name="YES is at 0.71")).to_be_visible()
        await expect(page.get_by_role("link", name="Will it rain? · umbrella")).to_be_visible()
        await fits(page, "alerts-history")
        await page.set_viewport_size(WIDE)  # type: ignore[arg-type]
        await page.get_by_role("link", name="Webhooks").click()
        await page.get_by_role("button", name="New webhook").click()
        dialog = page.get_by_role("dialog")
        await dialog.get_by_label("Address").fill("https://127.0.0.1/")
        await dialog.get_by_role("button", name="Make it").click()
        await expect(dialog.get_by_text("public internet").first).to_be_visible()
        await dialog.get_by_label("Address").fill("https://hooks.example.com/probity")
        await dialog.get_by_role("button", name="Make it").click()
        secret = await dialog.locator("code[aria-label=Secret]").text_content()
        assert secret is not None
        assert secret.startswith("whsec_")
        await dialog.get_by_role("button", name="I have it").click()
        await expect(page.get_by_text("https://hooks.example.com/probity")).to_be_visible()
        assert secret not in await page.content(), "it is shown once"
        await page.get_by_role("button", name="Send a test").click()
        await page.get_by_role("button", name="Deliveries").click()
        await expect(page.get_by_role("dialog").get_by_text("under way")).to_be_visible()
        await page.get_by_role("dialog").get_by_role("button", name="Close").click()
        await fits(page, "alerts-webhooks")
        await page.set_viewport_size(WIDE)  # type: ignore[arg-type]
        await page.get_by_role("button", name="Stop").click()
        await expect(page.get_by_text("disabled", exact=True)).to_be_visible()
