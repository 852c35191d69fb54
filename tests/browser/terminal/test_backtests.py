"""Backtests on a real exchange: asked for by a form, followed live, read, compared and deleted, as
somebody with a browser does it.
"""

import csv

from playwright.async_api import Page, expect

from tests.browser.terminal.conftest import SignIn
from tests.browser.terminal_pages import fits
from tests.server_process import ServerProcess

RUN_MS = 90_000
"""A process of its own begins, and plays 10 800 events."""
BOUND = "From 0.0001 to 0.9999."


async def put(page: Page, name: str, value: str) -> None:
    await page.locator(f"[name={name}]").fill(value)


async def run(page: Page) -> str:
    """Send the form, wait for what comes of it, and return the run's id."""
    await page.locator("[data-send]").click()
    await expect(page.locator("[data-result]")).to_be_visible(timeout=RUN_MS)
    await expect(page.locator("[data-status=DONE]")).to_be_visible()
    return page.url.rpartition("/")[2]


async def asked_for(page: Page) -> str:
    """Ask for momentum on the tape that is made up; what can't be is said at its field."""
    await page.get_by_role("navigation", name="Main").first.get_by_text("Backtests").click()
    await expect(page.get_by_text("None yet.")).to_be_visible()
    await page.get_by_role("link", name="New backtest").first.click()
    await expect(page.locator("[name=half_spread]")).to_have_value("0.02")
    await page.locator("[name=strategy]").select_option("momentum")
    await put(page, "threshold", "0")
    await put(page, "cash", "none")
    await page.locator("[data-send]").click()
    await expect(page.locator("[name=threshold]")).to_have_attribute("aria-invalid", "true")
    await expect(page.get_by_text(BOUND)).to_be_visible()
    await expect(page.get_by_text("An amount of credits")).to_be_visible()
    await fits(page, "backtest-new")
    await put(page, "threshold", "0.03")
    await put(page, "cash", "1000")
    return await run(page)


async def read(page: Page) -> None:
    """What came of it: lines, figures with their meaning, the fills as a table and as a file."""
    charts = page.locator(".run-chart .canvas canvas")
    await expect(charts).to_have_count(3)
    assert (await page.locator("[data-figure=fills]").inner_text()).splitlines()[0] != "0"
    await expect(page.locator("[data-figure=sharpe]")).to_contain_text("for a year")
    await expect(
        page.get_by_role("img", name="What all was worth: from 1\u202f000.00")
    ).to_be_visible()
    await fits(page, "backtest")
    await page.get_by_role("button", name="As a table").first.click()
    table = page.get_by_role("region", name="What all was worth: As a table")
    await expect(table).to_contain_text("1\u202f000.00")
    await page.get_by_role("button", name="As a chart").click()
    async with page.expect_download() as saving:
        await page.get_by_role("button", name="Save the fills as CSV").click()
    with (await (await saving.value).path()).open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert {one["market"] for one in rows} == {"sample-1"}
    assert {one["side"] for one in rows} == {"BUY", "SELL"}


async def test_asked_for_followed_read_compared_and_deleted(sign_in: SignIn) -> None:
    ann = await sign_in()
    page = ann.page
    first = await asked_for(page)
    await read(page)
    await page.get_by_role("link", name="Change and run again").click()
    await expect(page.locator("[name=threshold]")).to_have_value("0.03")
    await put(page, "threshold", "0.01")
    second = await run(page)
    assert first != second
    await page.get_by_role("link", name="All backtests").click()
    await expect(page.locator("[data-run]")).to_have_count(2)
    for box in await page.get_by_role("checkbox").all():
        await box.check()
    await fits(page, "backtests")
    await page.locator("[data-compare]").click()
    beside = page.locator("[data-beside] tbody tr")
    await expect(beside.first).to_contain_text("(better)")
    await expect(page.locator("tr.other")).to_contain_text(["Threshold"])
    await expect(page.locator(".run-chart canvas")).to_have_count(1)
    await fits(page, "backtests-compared")
    await page.goto(page.url.partition("/compare")[0])
    await page.get_by_role("button", name="Delete: Momentum").first.click()
    await page.get_by_role("dialog").get_by_role("button", name="Delete").click()
    await expect(page.locator("[data-run]")).to_have_count(1)
    await page.goto(page.url + f"/{second}")
    await expect(page.get_by_text("This couldn't be loaded")).to_be_visible()
    ann.problems.clear()  # The browser says that the call was refused.


async def test_a_market_is_played_among_everybodys_orders(
    server: ServerProcess, sign_in: SignIn, slug: str
) -> None:
    ann = await sign_in()
    await ann.open_market(slug)
    await ann.buy("YES", "0.55", "10")
    await ann.page.get_by_role("link", name="Backtest", exact=True).click()
    await expect(ann.page.locator("[name=markets]")).to_have_value(slug)
    await expect(ann.page.get_by_text("Without the venue's fees")).to_have_count(0)
    await run(ann.page)
    await expect(ann.page.get_by_text("all orders", exact=True)).to_be_visible()
    question = f"Will {slug} come?"
    await expect(ann.page.get_by_role("heading", level=1)).to_contain_text(question)
    await expect(ann.page.locator("dd").get_by_role("link", name=question)).to_have_attribute(
        "href", f"/trade/{slug}"
    )
    await ann.page.get_by_role("link", name="Change and run again").click()
    await expect(ann.page.locator("[name=markets]")).to_have_value(slug)
    await ann.page.goto(f"{server.url}/backtests/new?market=nothing")
    await ann.page.locator("[data-send]").click()
    await expect(ann.page.get_by_role("alert")).to_contain_text("markets[0]")
    ann.problems.clear()  # The browser says that the call was refused.
