"""The leaderboards as somebody who stands on them sees them: places, periods; and who hides
is gone.
"""

import pytest
from playwright.async_api import Browser, Page, expect

from gateway.economy.leaderboards import reading
from persistence.clock import now_us
from persistence.repositories.leaderboards.words import Board, Span
from tests.browser.conftest import Served
from tests.browser.terminal_pages import BUILT, fits, quiet_page, sign_in
from tests.gateway.conftest import Person, Web
from tests.gateway.economy.leaderboards.boards import put_board

pytestmark = BUILT
OTHERS = 55
CREDIT = 1_000_000


@pytest.fixture(autouse=True)
def fresh(monkeypatch: pytest.MonkeyPatch) -> None:
    """Remember nothing."""
    monkeypatch.setattr(reading, "FRESH_S", 0.0)


async def put_boards(web: Web, ann: Person) -> None:
    """Three boards on which Ann is second, first and second."""
    pool = web.parts.pool
    added = [
        await web.accounts.users.insert(f"board{n}@example.org", f"Trader {n}", "USER", None, 1)
        for n in range(OTHERS)
    ]
    others = [one.id for one in added if one is not None]
    gains = [(one, (1_000 - 40 * n) * CREDIT) for n, one in enumerate(others)]
    gains.insert(1, (ann.id, 990 * CREDIT + 345_678))
    await put_board(pool, Board.PNL, Span.ALL, gains, made_at=now_us())
    volume = [(ann.id, 4_200 * CREDIT), (others[0], 42 * CREDIT)]
    await put_board(pool, Board.VOLUME, Span.WEEK, volume, made_at=now_us())
    errors = [(others[0], 4_120_000), (ann.id, 12_500_000), (others[1], 60_000_000)]
    await put_board(pool, Board.CALIBRATION, Span.ALL, errors, made_at=1)


async def wide(page: Page) -> None:
    await page.set_viewport_size({"width": 1440, "height": 900})


async def test_boards_periods_and_places(served: Served, browser: Browser) -> None:
    ann = await served.web.register()
    await put_boards(served.web, ann)
    async with quiet_page(browser) as page:
        await page.goto(f"{served.url}/leaderboard")
        await expect(page.locator("[data-person]").first).to_be_visible()
        await expect(page.get_by_text("to see where you stand.")).to_be_visible()
        await sign_in(page, served, ann, "/leaderboard")
        rows = page.locator("tbody tr")
        await expect(rows).to_have_count(50)
        mine = page.locator(f"tr:has([data-person='{ann.id}'])")
        await expect(mine).to_contain_text("+990.34")
        await expect(mine).to_contain_text("you")
        await expect(page.locator("[data-as-of]")).not_to_contain_text("older")
        await expect(page.locator("[data-own]")).to_contain_text("no place yet")
        await fits(page, "boards")
        await page.set_viewport_size({"width": 390, "height": 900})
        await page.get_by_role("button", name="More", exact=True).click()
        menu = page.get_by_role("dialog").get_by_role("navigation", name="More")
        await expect(menu.get_by_role("link")).to_have_text(
            ["Stocks", "Leaderboards", "Research", "Backtests", "Proof", "Developers"]
        )
        await menu.get_by_role("link", name="Leaderboards").click()
        await expect(page.get_by_role("dialog")).to_have_count(0)
        await wide(page)
        await page.get_by_role("button", name="Show more").click()
        await expect(rows).to_have_count(OTHERS + 1)
        await page.get_by_role("navigation", name="Of which time").get_by_text("This week").click()
        await expect(page).to_have_url(f"{served.url}/leaderboard?period=week")
        await expect(page.get_by_text("made for the first time soon")).to_be_visible()
        await page.get_by_role("navigation", name="Leaderboards").get_by_text("Volume").click()
        await expect(page).to_have_url(f"{served.url}/leaderboard/volume?period=week")
        await expect(rows).to_have_count(2)
        await expect(rows.first).to_contain_text("4\u202f200.00")
        # By the palette one is at the beginning of the page's content, too.
        await page.keyboard.press("Control+k")
        await page.get_by_role("combobox").fill("Account")
        await page.keyboard.press("Enter")
        await expect(page).to_have_url(f"{served.url}/account")
        await expect(page.locator("#content")).to_be_focused()


async def test_who_hides_is_gone(served: Served, browser: Browser) -> None:
    ann = await served.web.register()
    await put_boards(served.web, ann)
    async with quiet_page(browser) as page:
        await sign_in(page, served, ann, "/leaderboard/calibration")
        rows = page.locator("tbody tr")
        await expect(rows).to_have_count(3)
        await expect(rows.first).to_contain_text("0.0412")
        await expect(page.locator("[data-as-of]")).to_contain_text("older than it should be")
        await page.get_by_role("button", name="Hide me").click()
        await expect(page.get_by_text("Others don't see you here.")).to_be_visible()
        await expect(page.locator("[data-own]")).to_contain_text("no place, by your wish")
        await fits(page, "boards-calibration")
        await wide(page)
        await page.reload()
        await expect(rows).to_have_count(2)
        # What is saved of a profile's other parts elsewhere shows nobody again.
        await page.goto(f"{served.url}/account/preferences")
        await expect(page.get_by_label("Places on the leaderboards")).not_to_be_checked()
        await page.get_by_role("button", name="Save").click()
        await expect(page.get_by_text("Saved", exact=True)).to_be_visible()
        await page.goto(f"{served.url}/leaderboard/calibration")
        await page.get_by_role("button", name="Show me").click()
        await expect(page.get_by_text("Others see you here by your name.")).to_be_visible()
        await page.reload()
        await expect(rows).to_have_count(3)
        # German words are longer.
        await page.evaluate("localStorage.setItem('probity.language', 'de')")
        await page.reload()
        await expect(page.get_by_role("heading", name="Ranglisten")).to_be_visible()
        await expect(rows).to_have_count(3)
        await fits(page, "boards-de")
