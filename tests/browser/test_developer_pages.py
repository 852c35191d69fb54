"""The pages for developers: the viewer, tried out by its reader, the errors, no other origin."""

import asyncio

from playwright.async_api import Browser, Page, expect

from tests.browser.conftest import Served
from tests.browser.terminal_pages import BUILT, fits, quiet_page, sign_in

pytestmark = BUILT
LOADED_MS = 30_000


async def opened(page: Page, served: Served) -> None:
    """Go to the reference and wait until the viewer has drawn it."""
    await page.goto(f"{served.url}/api/v1/docs")
    await expect(page).to_have_url(f"{served.url}/developers")
    await expect(page.locator(".opblock").first).to_be_visible(timeout=LOADED_MS)


async def test_the_reference_fits_and_asks_no_other_origin(
    served: Served, browser: Browser
) -> None:
    async with quiet_page(browser) as page:
        asked: list[str] = []
        page.on("request", lambda request: asked.append(request.url))
        await opened(page, served)
        await fits(page, "developers")
        block = page.locator(".opblock-post", has_text="/auth/register")
        await block.locator(".opblock-summary-control").click()
        await block.get_by_role("button", name="Try it out").click()
        await expect(block.get_by_label("Body")).to_be_visible()
        await fits(page, "developers-open")
        assert [url for url in asked if not url.startswith((served.url, "data:"))] == []


async def test_a_call_is_tried_out_as_the_reader(served: Served, browser: Browser) -> None:
    person = await served.web.register()
    async with quiet_page(browser) as page:
        await sign_in(page, served, person)
        await opened(page, served)
        await page.get_by_label("Filter by tag or path").fill("/auth/me")
        # What isn't found goes; the viewer's own filter knew of tags alone.
        await expect(page.locator(".opblock")).to_have_count(1)
        block = page.locator(".opblock-get", has_text="/auth/me")
        await block.locator(".opblock-summary-control").click()
        await block.get_by_role("button", name="Try it out").click()
        async with page.expect_response("**/api/v1/auth/me*") as answered:
            await block.get_by_role("button", name="Execute").click()
        answer = await answered.value
        assert answer.status == 200
        assert answer.request.headers["x-requested-with"] == "probity-terminal"
        assert (await answer.json())["data"]["user"]["email"] == person.email
        await expect(block.locator(".live-responses-table")).to_contain_text(person.email)


async def test_the_viewer_is_gone_when_its_page_is_left(served: Served, browser: Browser) -> None:
    async with quiet_page(browser) as page:
        await opened(page, served)
        await expect(page.locator(".opblock").first).to_be_visible()
        await page.evaluate("() => { window.left = document.querySelector('[data-reference]'); }")
        await page.locator("a[href='/developers/errors']").first.click()
        await expect(page.locator("[data-reference]")).to_have_count(0)
        nodes = "() => window.left.querySelectorAll('*').length"
        async with asyncio.timeout(30):
            # Its library takes it down in a moment of its own.
            while await page.evaluate(nodes) > 1:
                await page.wait_for_timeout(50)


async def test_errors_are_found_by_words(served: Served, browser: Browser) -> None:
    async with quiet_page(browser) as page:
        await page.goto(f"{served.url}/developers/errors")
        await expect(page.locator("[data-error=INSUFFICIENT_BALANCE]")).to_contain_text("501")
        await fits(page, "developers-errors")
        await page.get_by_label("Find a code or a word").fill("tick multiple")
        await expect(page.locator("[data-error]")).to_have_count(1)
        await expect(page.locator("[data-error=OFF_TICK]")).to_contain_text("final")


async def test_sockets_and_snippets_are_shown(served: Served, browser: Browser) -> None:
    async with quiet_page(browser) as page:
        await page.goto(f"{served.url}/developers/snippets")
        await expect(page.locator("[data-snippet='4-place']")).to_contain_text(served.url)
        await page.get_by_role("button", name="Python").click()
        await expect(page.locator("[data-snippet='4-place']")).to_contain_text("requests.post")
        await fits(page, "developers-snippets")
        await page.goto(f"{served.url}/developers/sockets")
        await expect(page.get_by_role("heading", name="What you send")).to_be_visible()
        await fits(page, "developers-sockets")
        await page.get_by_role("link", name="Licences of what is built in").click()
        await expect(page.locator("body")).to_contain_text("preact")
