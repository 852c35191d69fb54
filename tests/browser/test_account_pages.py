"""An account from its first day to its last, as its owner sees it in the terminal."""

from urllib.parse import parse_qs, urlsplit

import pyotp
from playwright.async_api import Browser, expect

from tests.browser.conftest import Served
from tests.browser.terminal_pages import BUILT, fits, quiet_page, sign_in

pytestmark = BUILT
PARTS = ("Security", "API keys", "Sessions", "Preferences", "Your data")
WORDS = "correct horse battery staple"


async def test_register_make_a_key_and_sign_out(served: Served, browser: Browser) -> None:
    async with quiet_page(browser) as page:
        await page.goto(f"{served.url}/register")
        await fits(page, "register")
        await page.get_by_label("E-mail").fill("ada@example.org")
        await page.get_by_label("Password", exact=True).fill("short")
        await page.get_by_role("button", name="Create an account").click()
        await expect(page.get_by_text("characters").last).to_be_visible()
        assert await page.get_by_label("Password", exact=True).get_attribute("aria-invalid")
        await page.get_by_label("Password", exact=True).fill(WORDS)
        await page.get_by_role("button", name="Create an account").click()
        await expect(page.get_by_role("heading", level=1)).to_contain_text("Welcome")
        await fits(page, "welcome")
        # The session outlives the page, by its cookie.
        await page.goto(f"{served.url}/account/keys")
        await page.get_by_role("button", name="New key").click()
        dialog = page.get_by_role("dialog")
        await dialog.get_by_label("Name").fill("my maker")
        await dialog.get_by_label("May trade, not only read").check()
        await dialog.get_by_role("button", name="Make the key").click()
        secret = await dialog.locator("code[aria-label=Secret]").text_content()
        assert secret
        await dialog.get_by_role("button", name="I have it").click()
        await expect(page.get_by_role("cell", name="read, trade")).to_be_visible()
        assert secret not in await page.content(), "it is shown once"
        await page.get_by_role("button", name="Sign out").click()
        await expect(page.get_by_role("heading", level=1)).to_have_text("Sign in")
        await page.goto(f"{served.url}/account/keys")
        await expect(page.get_by_text("Sign in to see this")).to_be_visible()


async def test_a_second_factor_is_set_up_and_asked_for(served: Served, browser: Browser) -> None:
    ann = await served.web.register()
    async with quiet_page(browser) as page:
        await sign_in(page, served, ann, "/account/security")
        await page.get_by_role("button", name="Set up an app").click()
        dialog = page.get_by_role("dialog")
        await expect(dialog.get_by_role("img", name="QR code")).to_be_visible()
        secret = await dialog.locator("code").text_content()
        assert secret is not None
        await dialog.get_by_label("First code").fill(pyotp.TOTP(secret).now())
        await dialog.get_by_role("button", name="Confirm").click()
        await expect(page.locator(".codes li")).to_have_count(10)
        recovery = await page.locator(".codes li").first.text_content()
        assert recovery is not None
        await page.get_by_role("button", name="I have it").click()
        await page.get_by_role("button", name="Sign out").click()
        await page.goto(f"{served.url}/sign-in?next=/account/security")
        await page.get_by_label("E-mail").fill(ann.email)
        await page.get_by_label("Password", exact=True).fill("correct horse battery")
        await page.keyboard.press("Enter")
        await page.get_by_role("button", name="Use a recovery code instead").click()
        await page.get_by_label("Recovery code").fill(recovery)
        await page.get_by_role("button", name="Verify").click()
        await expect(page.get_by_text("9 left")).to_be_visible()


async def test_each_part_fits_and_says_what_it_is(served: Served, browser: Browser) -> None:
    ann = await served.web.register()
    async with quiet_page(browser) as page:
        await sign_in(page, served, ann)
        await page.get_by_label("Display name").fill("Ann")
        await page.get_by_role("button", name="Save").click()
        await expect(page.locator("header.bar")).to_contain_text("Ann")
        await fits(page, "account")
        await page.set_viewport_size({"width": 1440, "height": 900})
        for part in PARTS:
            await page.get_by_role("link", name=part, exact=True).click()
            await expect(page.locator(".panel").first).to_be_visible()
            await fits(page, f"account-{part}")
            await page.set_viewport_size({"width": 1440, "height": 900})
        await page.get_by_role("link", name="Preferences").click()
        await page.get_by_label("Language").select_option("de")
        await expect(page.get_by_role("heading", level=1)).to_have_text("Konto")


async def test_a_way_back_that_failed_is_told(served: Served, browser: Browser) -> None:
    async with quiet_page(browser) as page:
        await page.goto(f"{served.url}/sign-in?next=//evil.example#error=email_taken&provider=x")
        await expect(page.get_by_role("alert")).to_contain_text("sign in to it, then link")
        found = urlsplit(page.url)
        assert found.fragment == ""
        assert parse_qs(found.query) == {"next": ["//evil.example"]}
        ann = await served.web.register()
        await page.get_by_label("E-mail").fill(ann.email)
        await page.get_by_label("Password", exact=True).fill("correct horse battery")
        await page.keyboard.press("Enter")
        await expect(page).to_have_url(f"{served.url}/")
