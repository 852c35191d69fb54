"""What somebody prefers holds on the page at once, and in every browser that they sign in with."""

from contextlib import AbstractAsyncContextManager

from playwright.async_api import Page, expect

from tests.browser.terminal.conftest import SignIn, prefer
from tests.server_process import ServerProcess

TONES = """
window.tones = 0;
const Own = window.AudioContext;
window.AudioContext = class extends Own {
  createOscillator() {
    window.tones += 1;
    return super.createOscillator();
  }
};"""


async def _preferences(page: Page, url: str) -> None:
    await page.goto(f"{url}/account/preferences")
    await expect(page.locator("[data-trading]")).to_be_visible()
    # What is kept was read: the choices of whoever is here are shown.
    await page.wait_for_load_state("networkidle")


def _kept(page: Page) -> AbstractAsyncContextManager[object]:
    """Wait until the exchange keeps what was chosen within."""
    return page.expect_response(
        lambda answer: answer.request.method == "PUT" and answer.url.endswith("/preferences")
    )


async def test_prices_are_shown_and_typed_as_somebody_likes_them(
    server: ServerProcess, sign_in: SignIn, slug: str
) -> None:
    ann = await sign_in()
    page = ann.page
    await _preferences(page, server.url)
    async with _kept(page):
        await page.locator("[name=priceFormat]").select_option("cents")
    await ann.open_market(slug)
    await ann.buy("YES", "55", "10")
    await expect(page.locator("[data-order]")).to_contain_text("55\u202f¢")
    await expect(page.locator("[data-cash]")).to_contain_text("994.50")
    await expect(page.locator("[data-send]")).to_have_text("Buy 10 YES at 55\u202f¢")
    await page.locator("[name=price]").press("ArrowUp")
    await expect(page.locator("[name=price]")).to_have_value("56")
    await page.locator("[name=price]").fill("55.5")
    await page.get_by_role("button", name="Use 56\u202f¢").click()
    await expect(page.locator("[name=price]")).to_have_value("56")
    row = page.locator("[data-order]")
    await row.get_by_role("button", name="Change").click()
    await expect(row.get_by_label("Price")).to_have_value("55")
    await row.get_by_label("Price").fill("54")
    await row.get_by_role("button", name="Save").click()
    await expect(row).to_contain_text("54\u202f¢")
    await page.get_by_role("button", name="As a table").first.click()
    await expect(page.get_by_role("button", name="Buy NO 46\u202f¢")).to_be_visible()
    await page.keyboard.press("Control+k")
    await page.locator(".palette input").fill("percent")
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("button", name="Buy NO 46\u202f%")).to_be_visible()
    await expect(row).to_contain_text("54\u202f%")


async def test_times_are_those_of_the_chosen_zone(
    server: ServerProcess, sign_in: SignIn, slug: str
) -> None:
    ann = await sign_in()
    page = ann.page
    prefer(server, ann.email, timeZone="Asia/Kolkata", confirmOrders=False)
    await ann.open_market(slug)
    await page.locator(".ticket summary").first.click()
    await page.get_by_label("Time in force").select_option("GTD")
    await page.get_by_label("Until", exact=True).fill("2030-01-01T05:30")
    await ann.buy("YES", "0.30", "10")
    await expect(page.locator("[data-order]")).to_be_visible()
    signed_in = server.call(
        "POST", "/auth/login", body={"email": ann.email, "password": "correct horse battery"}
    )
    order = server.call("GET", "/orders?status=open", signed_in["accessToken"])[0]
    assert order["expiresAt"] == "2030-01-01T00:00:00.000Z"
    await _preferences(page, server.url)
    zone = page.locator("[name=timeZone]")
    await expect(zone).to_have_value("Asia/Kolkata")
    await expect(page.locator("[data-trading]")).to_contain_text("GMT+5:30")
    await zone.select_option("UTC")
    await expect(page.locator("[data-trading]")).to_contain_text("UTC")
    await zone.select_option("local")
    await expect(page.locator("[data-trading]")).not_to_contain_text("GMT+5:30")


async def test_who_wants_to_be_asked_is_asked_and_who_doesn_t_isn_t(
    server: ServerProcess, sign_in: SignIn, slug: str
) -> None:
    ann = await sign_in()
    page = ann.page
    prefer(server, ann.email, confirmOrders=True)
    await ann.open_market(slug, asks=True)
    keys = page.keyboard
    await keys.press("p")
    await keys.type("0.40")
    await keys.press("Enter")
    await expect(page.locator("[data-asked=yes]")).to_contain_text("Confirm: Buy 10 YES at 0.40")
    await expect(page.locator("[data-order]")).to_have_count(0)
    # Another order is asked about anew.
    await page.locator("[name=price]").fill("0.41")
    await expect(page.locator("[data-asked=no]")).to_be_visible()
    await page.locator("[name=price]").press("Enter")
    await expect(page.locator("[data-asked=yes]")).to_be_visible()
    await page.locator("[name=price]").press("Enter")
    await expect(page.locator("[data-order]")).to_contain_text("0.41")
    await _preferences(page, server.url)
    async with _kept(page):
        await page.get_by_label("Ask before an order is sent").uncheck()
    await ann.open_market(slug, asks=False)
    await ann.buy("YES", "0.42", "10")
    await expect(page.locator("[data-order]").first).to_contain_text("0.42")


async def test_sounds_are_made_for_who_wants_them(
    server: ServerProcess, sign_in: SignIn, slug: str
) -> None:
    ann, bob = await sign_in(), await sign_in()
    page = ann.page
    await page.add_init_script(TONES)
    await bob.open_market(slug)
    await bob.buy("NO", "0.45", "30")
    await expect(bob.page.locator("[data-order]")).to_be_visible()
    # Nobody has asked for any.
    await ann.open_market(slug)
    await ann.buy("YES", "0.55", "1")
    await expect(page.locator("[data-trade='1']")).to_be_visible()
    assert await page.evaluate("window.tones") == 0
    await _preferences(page, server.url)
    async with _kept(page):
        await page.get_by_label("Sounds").check()
    # None before a click or a key: a page that was only opened is silent.
    await ann.open_market(slug)
    signed_in = server.call(
        "POST", "/auth/login", body={"email": ann.email, "password": "correct horse battery"}
    )
    order = {"side": "BUY", "outcome": "YES", "type": "LIMIT", "price": "0.55", "quantity": "2"}
    server.call("POST", f"/orders/{slug}", signed_in["accessToken"], order)
    await expect(page.locator("[data-trade]")).to_have_count(2)
    assert await page.evaluate("window.tones") == 0
    await ann.buy("YES", "0.55", "3")
    await page.wait_for_function("window.tones === 2")
    # What is refused sounds otherwise.
    await ann.buy("YES", "0.55", "90000")
    await page.wait_for_function("window.tones === 4")
