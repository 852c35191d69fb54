"""What one is given: the day's credits, by invitation, and what is bought; and all that moved."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.async_api import Browser, Route, expect

from gateway.site.terminal import is_built
from tests.browser.terminal.conftest import DESK, PASSWORD, SignIn
from tests.browser.terminal.test_bets import looked_at, refusals_aside
from tests.server_process import ServerProcess, running_server

TABS = {"Bets": "/bets", "My bets": "/bets/mine", "Rewards": "/rewards"}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    """A server that sells credits."""
    assert is_built(), "the terminal isn't built: make web"
    folder = tmp_path_factory.mktemp("rewards") / "data"
    with running_server(folder, {"PROJECTOR": "on", "PURCHASES": "simulated"}) as made:
        yield made


async def test_the_day_s_credits_are_claimed_once(server: ServerProcess, sign_in: SignIn) -> None:
    ann = await sign_in()
    page = ann.page
    await page.goto(f"{server.url}/rewards")
    await expect(page.locator("[data-streak]")).to_have_text("Begin a streak today")
    await expect(page.locator("[data-claim]")).to_have_text("Claim 100.00")
    # A tab is named in the window as on the page, also when one comes to it from another tab.
    await expect(page).to_have_title("Rewards · Probity")
    for tab in ("My bets", "Bets", "Rewards"):
        await page.locator(f"a[href='{TABS[tab]}']").first.click()
        await expect(page).to_have_title(f"{tab} · Probity")
    await looked_at(page, "rewards")

    async def cut_off(route: Route) -> None:
        await route.fetch()
        await route.abort()

    # An answer that is lost: asked again, the day is found to be claimed.
    await page.route("**/daily-credits", cut_off, times=1)
    await page.locator("[data-claim]").click()
    await expect(page.locator("[data-claimed]")).to_contain_text("Next: 110.00 in")
    await expect(page.locator("[data-streak]")).to_have_text("1 day in a row")
    await expect(page.locator("[data-cash]")).to_contain_text("1\u202f100.00")
    await looked_at(page, "rewards-claimed", ("dark",))
    await refusals_aside(ann)


async def test_who_comes_by_a_link_is_known_by_it(
    server: ServerProcess, sign_in: SignIn, browser: Browser, slug: str
) -> None:
    ann = await sign_in()
    await ann.page.goto(f"{server.url}/rewards/invite")
    link = await ann.page.locator("code[aria-label='Your link']").text_content()
    assert link is not None
    assert link.startswith(f"{server.url}/register?ref=")
    context = await browser.new_context(viewport=DESK)
    page = await context.new_page()
    await page.goto(link)
    await expect(page.locator("[name=referralCode]")).to_have_value(link.rpartition("=")[2])
    # A code of nobody's bars nobody.
    await page.locator("[name=referralCode]").fill("nobodys")
    await page.locator("[name=email]").fill(f"invited-{slug}@example.org")
    await page.locator("[name=password]").fill(PASSWORD)
    await page.locator("form button.primary").click()
    await expect(page.locator("[name=referralCode]")).to_have_attribute("aria-invalid", "true")
    # The page that is loaded anew still knows the link's.
    await page.goto(link)
    await page.locator("[name=email]").fill(f"invited-{slug}@example.org")
    await page.locator("[name=password]").fill(PASSWORD)
    await page.locator("form button.primary").click()
    await expect(page.locator("[data-cash]")).to_be_visible()
    await context.close()
    await ann.page.reload()
    await expect(ann.page.locator("[data-invited]")).to_have_text("1")
    await expect(ann.page.get_by_text("hasn't bet yet")).to_be_visible()
    await looked_at(ann.page, "invite")


async def test_credits_are_bought_once_and_all_that_moved_is_listed(
    server: ServerProcess, sign_in: SignIn
) -> None:
    ann = await sign_in()
    page = ann.page
    await page.goto(f"{server.url}/bets")
    await page.get_by_role("link", name="Get credits").click()
    await page.get_by_label("1\u202f100.00").check()
    await page.get_by_label("How you pay").select_option("test-card-declined")
    await page.locator("[data-buy]").click()
    await expect(page.locator("[data-refused=PAYMENT_DECLINED]")).to_be_visible()
    await looked_at(page, "credits")
    await page.get_by_label("How you pay").select_option("test-card")

    async def cut_off(route: Route) -> None:
        await route.fetch()
        await route.abort()

    await page.route("**/api/v1/purchases", cut_off, times=1)
    await page.locator("[data-buy]").click()
    await expect(page.locator("[data-cash]")).to_contain_text("2\u202f100.00")
    await expect(page.locator("tbody tr").filter(has_text="done")).to_have_count(1)
    await page.goto(f"{server.url}/portfolio/transactions")
    rows = page.locator("tbody tr")
    await expect(rows).to_have_count(2)
    await expect(rows.first).to_contain_text("Purchase")
    await expect(rows.first).to_contain_text("+1\u202f100.00")
    await page.get_by_label("What").select_option("CREDIT")
    await expect(rows).to_have_count(1)
    await page.get_by_label("What").select_option("")
    await expect(rows).to_have_count(2)
    async with page.expect_download() as told:
        await page.locator("[data-csv]").click()
    saved = Path(await (await told.value).path()).read_text("utf-8")
    lines = saved.splitlines()
    assert lines[0].startswith("id,seq,type,amount,balanceAfter")
    assert [line.split(",")[2] for line in lines[1:]] == ["PURCHASE", "CREDIT"]
    await looked_at(page, "transactions")
    await refusals_aside(ann)
