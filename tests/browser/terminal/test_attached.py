"""What is attached to an order in the ticket, on a real exchange."""

import os
from pathlib import Path

import pytest
from playwright.async_api import Locator, Page, expect

from tests.browser.terminal.conftest import SignIn, Trader, prefer
from tests.browser.terminal.test_looks import SIZES, Theme, serious
from tests.server_process import ServerProcess


async def _attach(page: Page, what: str) -> Locator:
    """Open the fold and choose what is attached."""
    fold = page.locator("[data-attaching]")
    if await fold.get_attribute("open") is None:
        await fold.locator("summary").click()
    await fold.get_by_label("Attached").select_option(what)
    return fold


async def _with_exits(trader: Trader, price: str, take_profit: str, stop: str) -> None:
    """Fill the ticket in with a BUY of 10 YES and its exits."""
    await trader.draft("YES", price, "10")
    fold = await _attach(trader.page, "exits")
    await fold.locator("[name=takeProfit]").fill(take_profit)
    await fold.locator("[name=stop]").fill(stop)


async def test_a_bracket_takes_its_profit_and_its_stop_is_gone(sign_in: SignIn, slug: str) -> None:
    ann, bob = await sign_in(), await sign_in()
    await ann.open_market(slug)
    await bob.open_market(slug)
    await bob.buy("NO", "0.45", "10")
    await expect(bob.page.locator("[data-order]")).to_have_count(1)
    await _with_exits(ann, "0.55", "0.70", "0.40")
    words = ann.page.locator(".attach-words")
    await expect(words).to_contain_text(
        "If YES trades at 0.70 or more, sell 10 at 0.70 at least: +1.50"
    )
    await expect(words).to_contain_text("Else, if YES trades at 0.40 or less, sell 10 at once")
    for gain in ("at least: +1.50", "−1.50"):
        await expect(words).to_contain_text(gain)
    await expect(ann.page.locator("[data-send]")).to_have_text("Buy 10 YES at 0.55, with exits")
    await ann.send()
    await expect(ann.page.locator("[data-bundle=bracket]")).to_contain_text(
        "Exits of 10 YES bought"
    )
    profit, stop = (ann.page.locator(f"[data-role={role}]") for role in ("takeProfit", "stop"))
    await expect(profit).to_contain_text("0.70")
    await expect(stop).to_contain_text("@ 0.40")
    await bob.buy("YES", "0.70", "10")
    await expect(ann.page.locator("[data-order]")).to_have_count(0)
    await expect(ann.page.locator("[data-cash]")).to_contain_text("1\u202f001.50")
    await expect(ann.page.locator("[data-bundle]")).to_have_count(0)


async def test_exits_of_an_order_that_rests_wait_at_the_exchange_and_act_without_the_page(
    server: ServerProcess, sign_in: SignIn, slug: str
) -> None:
    ann, bob = await sign_in(), await sign_in()
    await ann.open_market(slug)
    await bob.open_market(slug)
    await _with_exits(ann, "0.55", "0.70", "0.40")
    words = ann.page.locator(".attach-words")
    await expect(words).to_contain_text("If somebody pays 0.70 or more for YES, sell 10")
    await expect(words).to_contain_text("Keep 9.90 available")
    await ann.send()
    await expect(ann.page.locator("[data-bundle=bracket]")).to_contain_text("Buy 10 YES with exits")
    await expect(ann.page.locator("[data-order]")).to_have_count(3)
    await expect(ann.page.locator("[data-cash]")).to_contain_text("994.50")
    # What was bought is sold though nobody looks.
    await ann.page.goto("about:blank")
    await bob.buy("NO", "0.45", "10")
    await expect(bob.page.locator("[data-trade='1']")).to_be_visible()
    await bob.buy("YES", "0.70", "10")
    await expect(bob.page.locator("[data-trade='2']")).to_be_visible()
    await ann.open_market(slug)
    await expect(ann.page.locator("[data-cash]")).to_contain_text("1\u202f001.50")
    await expect(ann.page.locator("[data-order]")).to_have_count(0)
    await ann.tab("Positions")
    await expect(ann.page.locator("[data-position]")).to_have_count(0)


async def test_a_bracket_is_cancelled_as_one_and_an_entry_takes_its_exits_along(
    sign_in: SignIn, slug: str
) -> None:
    ann = await sign_in()
    await ann.open_market(slug)
    orders = ann.page.locator("[data-order]")
    await _with_exits(ann, "0.55", "0.70", "0.40")
    await ann.send()
    await expect(orders).to_have_count(3)
    await ann.page.get_by_role("button", name="Cancel all 3").click()
    await expect(orders).to_have_count(0)
    await expect(ann.page.locator("[data-cash]")).to_contain_text("000.00")
    await ann.send()
    await expect(orders).to_have_count(3)
    await ann.page.locator("[data-role=entry] [data-cancel]").click()
    await expect(orders).to_have_count(0)


async def test_exits_that_make_no_sense_are_said_with_what_would_do(
    sign_in: SignIn, slug: str
) -> None:
    ann = await sign_in()
    await ann.open_market(slug)
    await _with_exits(ann, "0.55", "0.50", "0.60")
    fold = ann.page.locator("[data-attaching]")
    await expect(fold).to_contain_text("A profit needs more than what is paid")
    await expect(ann.page.locator("[data-send]")).to_be_disabled()
    await fold.get_by_role("button", name="Use 0.56").click()
    await fold.get_by_role("button", name="Use 0.54").click()
    await expect(ann.page.locator("[data-send]")).to_be_enabled()
    await expect(fold.locator("[name=takeProfit]")).to_have_value("0.56")


async def test_of_two_orders_one_cancels_the_other_by_the_keyboard_alone(
    server: ServerProcess, sign_in: SignIn, slug: str
) -> None:
    ann, bob = await sign_in(), await sign_in()
    prefer(server, ann.email, confirmOrders=True)
    await ann.open_market(slug, asks=True)
    await bob.open_market(slug)
    page, keys = ann.page, ann.page.keyboard
    await keys.press("p")
    await keys.type("0.30")
    fold = page.locator("[data-attaching] summary")
    await fold.focus()
    await keys.press("Enter")
    await page.get_by_label("Attached").focus()
    await keys.type("a second")
    await expect(page.locator("[data-attach=other]")).to_be_visible()
    await page.locator("[name=other-triggerPrice]").focus()
    await keys.type("0.60")
    await keys.press("Tab")
    await keys.type("0.65")
    await expect(page.locator(".attach-words")).to_contain_text(
        "if YES is at 0.60 or more, buy 10 at once, at 0.65 at worst."
    )
    await keys.press("Enter")
    await expect(page.locator("[data-asked=yes]")).to_contain_text("or the other")
    await keys.press("Enter")
    pair = page.locator("[data-bundle=pair]")
    await expect(pair).to_contain_text("One cancels the other")
    await expect(page.locator("[data-role=either]")).to_have_count(2)
    # Only the dearer one is locked: 10 at 0.65.
    await expect(page.locator("[data-cash]")).to_contain_text("993.50")
    await bob.buy("NO", "0.70", "4")
    # The limit has bought 4, and the other one is gone.
    await expect(page.locator("[data-order]")).to_have_count(1)
    await expect(page.locator("[data-order] td").nth(3)).to_have_text("4")
    await expect(page.locator("[data-bundle]")).to_have_count(0)


async def test_a_group_stops_at_its_limit_and_is_reset(sign_in: SignIn, slug: str) -> None:
    ann, bob = await sign_in(), await sign_in()
    await ann.open_market(slug)
    await bob.open_market(slug)
    page = ann.page
    await ann.draft("YES", "0.50", "10")
    fold = page.locator("[data-attaching]")
    await fold.locator("summary").click()
    await fold.get_by_label("Counts in the group").select_option(label="New group …")
    new = fold.get_by_role("group", name="New group")
    await new.get_by_label("Shares filled at most").fill("0")
    await new.get_by_role("button", name="Make the group").click()
    await expect(new.locator(".problem").first).to_be_visible()
    # A browser writes down that it was refused.
    assert ["400" in problem for problem in ann.problems] == [True]
    ann.problems.clear()
    await new.get_by_label("Shares filled at most").fill("5")
    await new.get_by_label("Name").fill("few")
    await new.get_by_label("within seconds").fill("3600")
    await new.get_by_role("button", name="Make the group").click()
    await expect(fold.get_by_label("Counts in the group")).to_have_value("few")
    await ann.send()
    await ann.draft("YES", "0.40", "10")
    await ann.send()
    await expect(page.locator("[data-order]")).to_have_count(2)
    bar = page.locator("[data-group=few]")
    await expect(bar).to_contain_text("filled 0 of 5 in 3600 s")
    await expect(page.locator("[data-order]").first).to_contain_text("group few")
    await bar.get_by_role("button", name="Cancel the group").click()
    await expect(page.locator("[data-order]")).to_have_count(0)
    for price in ("0.50", "0.40"):
        await ann.draft("YES", price, "10")
        await ann.send()
    await expect(page.locator("[data-order]")).to_have_count(2)
    await bob.buy("NO", "0.50", "6")
    # At its limit the exchange cancels the rest, and the group says so.
    await expect(page.locator("[data-order]")).to_have_count(0)
    await expect(bar).to_contain_text("triggered: its orders are refused")
    await expect(page.locator(".words.refused")).to_be_visible()
    await bar.get_by_role("button", name="Reset").click()
    await expect(bar).to_have_count(0)
    await ann.send()
    await expect(page.locator("[data-order]")).to_have_count(1)


@pytest.mark.parametrize("theme", ["dark", "light"])
async def test_it_looks_well_everywhere(sign_in: SignIn, slug: str, theme: Theme) -> None:
    ann = await sign_in()
    page = ann.page
    await page.emulate_media(color_scheme=theme)
    await ann.open_market(slug)
    await _with_exits(ann, "0.55", "0.70", "0.40")
    await ann.send()
    await expect(page.locator("[data-order]")).to_have_count(3)
    await ann.draft("YES", "0.50", "10")
    fold = await _attach(page, "other")
    await fold.locator("[name=other-triggerPrice]").fill("0.60")
    await fold.locator("[name=other-worstPrice]").fill("0.65")
    await fold.get_by_label("Counts in the group").select_option(label="New group …")
    await fold.get_by_role("button", name="Make the group").click()
    await expect(fold.get_by_label("Counts in the group")).to_have_value("quotes")
    await ann.send()
    await expect(page.locator("[data-bundle]")).to_have_count(2)
    await expect(page.locator("[data-group]")).to_be_visible()
    await _attach(page, "exits")
    await expect(page.locator(".attach-words")).to_be_visible()
    await fold.get_by_label("Counts in the group").select_option(label="New group …")
    for language in ("en", "de"):
        await expect(page.locator("html")).to_have_attribute("lang", language)
        for width, height in SIZES:
            await page.set_viewport_size({"width": width, "height": height})
            name = f"attached-{language}-{theme}-{width}"
            await _fits(page, f"{name}-page")
            if width < 760:
                await page.locator(".parts button").nth(3).click()
                await _fits(page, f"{name}-mine")
                await page.locator(".open-ticket").click()
            await fold.scroll_into_view_if_needed()
            await _fits(page, f"{name}-ticket")
            await page.locator("[data-send]").scroll_into_view_if_needed()
            await _fits(page, f"{name}-words")
            if width < 760:
                await _is_apart(page.locator(".sheet-close"), page.locator(".ticket header small"))
                await page.locator(".sheet-close").click()
        if language == "en":
            await page.keyboard.press("Control+k")
            await page.locator(".palette input").fill("Deutsch")
            await page.keyboard.press("Enter")


async def _is_apart(one: Locator, other: Locator) -> None:
    """Look whether one thing lies beside another."""
    left, right = await other.bounding_box(), await one.bounding_box()
    assert left is not None
    assert right is not None
    assert left["x"] + left["width"] <= right["x"]


async def _fits(page: Page, name: str) -> None:
    """Look at the page: nothing sticks out, and nothing keeps people out."""
    wide = await page.evaluate(
        "document.documentElement.scrollWidth - document.documentElement.clientWidth"
    )
    assert wide <= 0, name
    assert await page.locator("[data-send]").evaluate("b => b.scrollWidth <= b.clientWidth"), name
    if folder := os.environ.get("PROBITY_SCREENSHOTS"):
        await page.screenshot(path=Path(folder) / f"{name}.png")
    assert await serious(page) == [], name
