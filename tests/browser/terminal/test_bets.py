"""Betting as a phone user sees it: a question, two answers, a stake, one button; one's bets, live;
and selling back. Nothing is bet or sold twice when an answer is lost on the way.
"""

import json
from typing import Any, Final

from playwright.async_api import Browser, Locator, Page, Route, expect

from tests.browser.terminal.conftest import PASSWORD, SignIn, Trader
from tests.browser.terminal.test_looks import Theme, look
from tests.server_process import ServerProcess

PHONE: Final = {"width": 390, "height": 844}
THEMES: Final[tuple[Theme, ...]] = ("dark", "light")


def offered(server: ServerProcess, slug: str) -> None:
    """Have somebody offer both sides: YES is 0.60 to 0.64, 500 shares each."""
    _, token = server.trader()
    for side, price in (("YES", "0.60"), ("NO", "0.36")):
        body = {"side": "BUY", "outcome": side, "type": "LIMIT", "price": price, "quantity": "500"}
        server.call("POST", f"/orders/{slug}", token, body)


async def looked_at(page: Page, name: str, themes: tuple[Theme, ...] = THEMES) -> None:
    """Look at a page in both themes, and go back to what a phone shows; at a moment of one that was
    looked at before, in one theme.
    """
    for theme in themes:
        await page.emulate_media(color_scheme=theme)
        await look(page, name, theme)
    await page.set_viewport_size(PHONE)  # type: ignore[arg-type]


async def refusals_aside(trader: Trader) -> None:
    """Leave the page, and forget what Chromium said of calls refused or cut off on purpose."""
    await trader.page.goto("about:blank")
    trader.problems[:] = [one for one in trader.problems if "Failed to load resource" not in one]


def bets_of(server: ServerProcess, email: str) -> list[dict[str, Any]]:
    """Return what the exchange says that somebody has bet, newest first."""
    signed_in = server.call("POST", "/auth/login", body={"email": email, "password": PASSWORD})
    found: list[dict[str, Any]] = server.call("GET", "/bets/me", signed_in["accessToken"])
    return found


async def is_told_the_nearest(page: Page) -> None:
    """Stake what can't be bet: it is said, with the nearest that can."""
    await page.locator("[name=stake]").fill("9.99")
    await expect(page.locator("[data-refused]")).to_contain_text("From 10.00 to 10\u202f000.00")
    await looked_at(page, "bet-refused", ("light",))
    await page.get_by_role("button", name="Bet 10.00").click()
    await expect(page.locator("[data-payout]")).to_have_text("15.62")
    await page.locator("[name=stake]").fill("25")
    await expect(page.locator("[data-payout]")).to_have_text("39.06")


async def sells_some(page: Page, here: Locator) -> None:
    """Sell some shares of a bet of 39.06 back, at 0.60."""
    await here.get_by_role("button", name="Sell").click()
    dialog = page.get_by_role("dialog")
    await expect(dialog.locator("[data-proceeds]")).to_have_text("23.43")
    await looked_at(page, "bet-sell", ("dark",))
    await dialog.locator("[name=shares]").fill("19.06")
    await expect(dialog.locator("[data-proceeds]")).to_have_text("11.43")
    await dialog.locator("[data-sell]").click()
    await expect(dialog).to_have_count(0)
    await expect(here).to_contain_text("pays 20.00")


async def test_a_bet_from_the_question_to_the_payout(
    server: ServerProcess, sign_in: SignIn, slug: str
) -> None:
    offered(server, slug)
    ann = await sign_in()
    page = ann.page
    await page.set_viewport_size(PHONE)  # type: ignore[arg-type]
    await page.goto(f"{server.url}/bets?q={slug}")
    card = page.locator("[data-question]").filter(has_text=slug)
    await expect(card).to_contain_text("62")
    await looked_at(page, "questions")
    await card.locator(".side.this").click()
    await expect(page).to_have_url(f"{server.url}/bet/{slug}?side=THIS")
    await expect(page.locator("[data-side=THIS]")).to_have_attribute("aria-pressed", "true")
    # 25 credits buy 39.06 shares at 0.64.
    await page.locator("[name=stake]").fill("25")
    await expect(page.locator("[data-payout]")).to_have_text("39.06")
    await expect(page.locator("[data-side=THIS]")).to_contain_text("24.99 → 39.06")
    await expect(page.locator("[data-place]")).to_have_text("Bet 25.00 on Yes")
    await looked_at(page, "bet")
    await is_told_the_nearest(page)
    await page.locator("[data-place]").click()
    await expect(page.locator("[data-placed]")).to_contain_text("24.99 on Yes")
    # Tab goes on from what took the form's place.
    await expect(page.locator(".bet-place")).to_be_focused()
    await expect(page.locator("[data-cash]")).to_contain_text("975.00")
    here = page.locator("[data-bet]")
    await expect(here).to_contain_text("24.99 on Yes")
    # Sold now it would bring 39.06 at 0.60.
    await expect(here).to_contain_text("23.43")
    await looked_at(page, "bet-placed")
    await sells_some(page, here)
    # My bets hear by themselves what becomes of it.
    await page.get_by_role("link", name="See my bets").click()
    row = page.locator("tbody tr").filter(has_text=slug)
    await expect(row).to_contain_text("Open")
    await expect(row).to_contain_text("12.00")
    await looked_at(page, "my-bets")
    await page.get_by_role("button", name="Won", exact=True).click()
    await expect(page.get_by_text("None of these")).to_be_visible()
    server.call("POST", f"/markets/{slug}/resolve", server.admin(), {"outcome": "YES"})
    await expect(row).to_contain_text("Won")
    # 11.43 were sold for, 20 were paid, 24.99 had been bet.
    await expect(row).to_contain_text("+6.43")
    await page.get_by_role("button", name="All", exact=True).click()
    await expect(page.locator("[data-sum-profit]")).to_have_text("+6.43")
    await row.get_by_role("button", name="How it went").click()
    await expect(page.get_by_role("dialog")).to_contain_text("Paid out")
    await looked_at(page, "bet-detail", ("light",))
    await page.get_by_role("dialog").get_by_role("button", name="Close").click()
    await row.get_by_role("link").click()
    await expect(page.locator("[data-over]")).to_have_text("It's decided: Yes")
    await refusals_aside(ann)


async def test_no_answer_that_is_lost_bets_or_sells_twice(
    server: ServerProcess, sign_in: SignIn, slug: str
) -> None:
    offered(server, slug)
    ann = await sign_in()
    page = ann.page
    cut: list[str] = []

    async def cut_off(route: Route) -> None:
        """Let the exchange do it, and nobody hear of it."""
        await route.fetch()
        cut.append(json.loads(route.request.post_data or "{}").get("clientBetId", "sale"))
        await route.abort()

    await page.goto(f"{server.url}/bet/{slug}?side=THAT")
    await page.route("**/api/v1/bets", cut_off, times=1)
    await page.locator("[name=stake]").fill("36")
    await expect(page.locator("[data-payout]")).to_have_text("90.00")
    await page.locator("[data-place]").click()
    # Asked again by itself.
    await expect(page.locator("[data-placed]")).to_contain_text("36.00 on No")
    assert [bet["clientBetId"] for bet in bets_of(server, ann.email)] == cut
    # A page that is loaded anew finds what it had begun among one's bets.
    await page.get_by_role("button", name="Bet again").click()
    await page.route("**/api/v1/bets", cut_off)
    await expect(page.locator("[data-payout]")).to_have_text("90.00")
    await page.locator("[data-place]").click()
    await expect(page.locator("[data-place]")).to_contain_text("asking again")
    await page.unroute("**/api/v1/bets")
    await page.reload()
    await expect(page.locator("[data-placed]")).to_contain_text("36.00 on No")
    assert [bet["clientBetId"] for bet in bets_of(server, ann.email)] == [cut[1], cut[0]]
    # One that is nowhere to be found is asked for again, if its reader says so.
    await page.get_by_role("button", name="Bet again").click()
    await page.route("**/api/v1/bets", lambda route: route.abort())
    await expect(page.locator("[data-payout]")).to_have_text("90.00")
    await page.locator("[data-place]").click()
    await expect(page.locator("[data-place]")).to_contain_text("asking again")
    await page.reload()
    await expect(page.locator("[data-lost]")).to_contain_text("36.00 on No")
    await looked_at(page, "bet-lost", ("dark",))
    await page.unroute("**/api/v1/bets")
    await page.get_by_role("button", name="Ask again").click()
    await expect(page.locator("[data-placed]")).to_contain_text("36.00 on No")
    assert len(bets_of(server, ann.email)) == 3
    await page.route("**/sell", cut_off, times=1)
    await page.locator("[data-bet]").first.get_by_role("button", name="Sell").click()
    await page.locator("[data-sell]").click()
    await expect(page.get_by_role("dialog")).to_have_count(0)
    found = bets_of(server, ann.email)
    assert sorted(bet["openShares"] for bet in found) == ["0.00", "90.00", "90.00"]
    await refusals_aside(ann)


async def test_no_bet_is_dearer_than_was_shown(
    server: ServerProcess, sign_in: SignIn, slug: str
) -> None:
    offered(server, slug)
    ann = await sign_in()
    page = ann.page
    await page.goto(f"{server.url}/bet/{slug}?side=THIS")
    await expect(page.locator("[data-payout]")).to_be_visible()

    async def quicker(route: Route) -> None:
        _, token = server.trader()
        order = {"side": "BUY", "outcome": "YES", "type": "MARKET", "maxCost": "900"}
        server.call("POST", f"/orders/{slug}", token, order | {"timeInForce": "IOC"})
        await route.continue_()

    await page.route("**/api/v1/bets", quicker, times=1)
    await page.locator("[data-place]").click()
    await expect(page.locator("[data-refused]")).to_contain_text("Nothing was charged")
    # Nor at a price that isn't seen.
    await expect(page.locator("[data-place]")).to_be_disabled()
    assert [bet["status"] for bet in bets_of(server, ann.email)] == ["REFUSED"]
    await refusals_aside(ann)


async def test_who_isn_t_signed_in_sees_the_odds_and_signs_in_to_bet(
    server: ServerProcess, browser: Browser, slug: str
) -> None:
    offered(server, slug)
    context = await browser.new_context(viewport=PHONE, locale="de-DE")  # type: ignore[arg-type]
    page = await context.new_page()
    await page.goto(f"{server.url}/bet/{slug}")
    await expect(page.locator("[data-side=THIS]")).to_contain_text("62")
    await page.locator("[data-side=THAT]").click()
    await expect(page.locator(".outcome")).to_contain_text("≈ 62.50")
    await expect(page.get_by_role("link", name="Zum Wetten anmelden")).to_have_attribute(
        "href", f"/sign-in?next=%2Fbet%2F{slug}%3Fside%3DTHAT"
    )
    await page.set_viewport_size({"width": 320, "height": 640})
    wide = await page.evaluate("document.documentElement.scrollWidth")
    assert wide <= 320
    await context.close()
