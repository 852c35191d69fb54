"""The plain list of the API, which stands in for the terminal: choices, bounds, remarks."""

from playwright.async_api import Browser

from tests.browser.conftest import Served


async def test_choices_bounds_and_remarks_are_shown(served: Served, browser: Browser) -> None:
    page = await browser.new_page()
    problems: list[str] = []
    page.on("pageerror", lambda error: problems.append(str(error)))
    await page.goto(f"{served.url}/static/docs.html")
    placing = page.locator("details.operation", has_text="Place an order in the market").first
    await placing.wait_for()
    shown = await placing.text_content() or ""
    for words in (
        '"BUY" | "SELL"',
        '"FOK" | "GTC" | "GTD" | "IOC"',
        "credits for one share, 0.0001 to 0.9999",
        "takes effect once, for ever",
        "An order as its sender writes it",
    ):
        assert words in shown, words
    lists = page.locator("details.operation", has_text="List our markets, newest first").first
    shown = await lists.text_content() or ""
    assert "at most 200" in shown
    assert "e.g. OPEN,HALTED" in shown
    export = page.locator("details.operation", has_text="/export/{kind}").first
    assert "a file, text/csv or " in (await export.text_content() or "")
    back = page.locator("details.operation", has_text="/auth/x/callback").first
    assert "Answer 302: Done, without a body" in (await back.text_content() or "")
    assert problems == []
    await page.close()
