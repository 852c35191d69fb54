"""Two browsers trade with each other, and each sees at once what that changes."""

from playwright.async_api import expect

from tests.browser.terminal.conftest import SignIn, Trader
from tests.server_process import ServerProcess


async def test_two_browsers_trade_and_are_paid(
    server: ServerProcess, sign_in: SignIn, slug: str
) -> None:
    ann, bob = await sign_in(), await sign_in()
    await ann.open_market(slug)
    await bob.open_market(slug)
    await ann.buy("YES", "0.55", "10")
    await expect(ann.page.locator("[data-order]")).to_contain_text("BUY YES")
    await expect(ann.page.locator("[data-cash]")).to_contain_text("994.50")

    await bob.page.get_by_role("button", name="As a table").first.click()
    await expect(bob.page.get_by_role("button", name="Buy YES 0.55")).to_be_visible()
    await bob.draft("NO", "0.45", "4")
    await expect(bob.page.locator(".words")).to_contain_text("4 at 0.45 on average")
    await expect(bob.page.locator(".words")).to_contain_text("1.80")
    await bob.send()

    for trader, outcome in ((ann, "YES"), (bob, "NO")):
        await expect(trader.page.locator("[data-trade='1']")).to_contain_text("0.55")
        await trader.tab("Positions")
        await expect(trader.page.locator(f"[data-position={outcome}]")).to_contain_text("4")
    await ann.tab("Open orders")
    row = ann.page.locator("[data-order]")
    await expect(row.locator("td").nth(3)).to_have_text("4")
    await expect(bob.page.locator("[data-cash]")).to_contain_text("998.20")
    await expect(bob.page.locator(".ladder")).to_contain_text("6")

    server.call(
        "POST",
        f"/markets/{slug}/resolve",
        server.admin(),
        {
            "outcome": "YES",
            "source": "the test",
        },
    )
    await expect(ann.page.locator("[data-cash]")).to_contain_text("1\u202f001.80")
    await expect(ann.page.locator(".market-head")).to_contain_text("RESOLVED YES")
    await expect(ann.page.locator("[data-order]")).to_have_count(0)
    await expect(bob.page.locator("[data-send]")).to_be_disabled()


async def test_keys_alone_place_amend_and_cancel(sign_in: SignIn, slug: str) -> None:
    ann = await sign_in()
    await ann.open_market(slug)
    keys = ann.page.keyboard
    await keys.press("p")
    await keys.type("0.40")
    await keys.press("Tab")
    await ann.page.locator("[name=price]").press("ArrowUp")
    await expect(ann.page.locator("[name=price]")).to_have_value("0.41")
    await keys.press("Enter")
    row = ann.page.locator("[data-order]")
    await expect(row).to_contain_text("0.41")
    await row.get_by_role("button", name="Change").focus()
    await keys.press("Enter")
    await expect(row.get_by_label("Price")).to_be_focused()
    await keys.press("Control+a")
    await keys.type("0.42")
    await keys.press("Enter")
    await expect(row).to_contain_text("0.42")
    await keys.press("Escape")
    await expect(row).to_have_count(0)
    await expect(ann.page.locator("[data-cash]")).to_contain_text("000.00")


async def test_a_click_on_the_ladder_places_only_when_it_is_armed(
    sign_in: SignIn, slug: str
) -> None:
    ann = await sign_in()
    await ann.open_market(slug)
    await _click_row(ann, 0.42)
    await expect(ann.page.locator("[name=price]")).to_have_value("0.42")
    await expect(ann.page.locator("[data-order]")).to_have_count(0)
    await ann.page.get_by_role("button", name="Arm", exact=True).click()
    await _click_row(ann, 0.43)
    await expect(ann.page.locator("[data-order]")).to_contain_text("0.43")
    await _drag_row(ann, 0.43, 0.47)
    await expect(ann.page.locator("[data-order]")).to_contain_text("0.47")


async def test_a_press_on_the_ladder_counts_only_where_it_began(sign_in: SignIn, slug: str) -> None:
    ann = await sign_in()
    await ann.open_market(slug)
    mouse = ann.page.mouse
    await ann.page.get_by_role("button", name="Arm", exact=True).click()
    await mouse.move(*await _place_of(ann, 0.40))
    await mouse.down()
    await mouse.move(*await _place_of(ann, 0.44))
    await mouse.up()
    await _click_row(ann, 0.43)
    order = ann.page.locator("[data-order]")
    await expect(order).to_contain_text("0.43")
    # A click on what is one's own changes nothing, and what is dragged off the ladder is let be.
    x, y = await _place_of(ann, 0.43)
    await mouse.click(x - 60, y)
    await mouse.move(x - 60, y)
    await mouse.down()
    await mouse.move(x - 60, 5, steps=4)
    await mouse.up()
    await _click_row(ann, 0.41)
    await expect(order).to_have_count(2)
    await expect(order.last).to_contain_text("0.43")
    await ann.page.keyboard.press("a")
    await _click_row(ann, 0.43)
    await expect(ann.page.locator("[name=price]")).to_have_value("0.43")
    await ann.page.locator("h1").click()
    await ann.page.keyboard.press("n")
    await expect(ann.page.locator("[name=price]")).to_have_value("0.57")


async def test_a_refusal_offers_what_would_do(sign_in: SignIn, slug: str) -> None:
    ann = await sign_in()
    await ann.open_market(slug)
    await ann.draft("YES", "0.555", "10")
    await ann.page.get_by_role("button", name="Use 0.56").click()
    await expect(ann.page.locator("[name=price]")).to_have_value("0.56")
    await ann.page.locator("[name=quantity]").fill("50000")
    await expect(ann.page.locator(".words")).to_contain_text("It would be refused")


async def _place_of(trader: Trader, price: float) -> tuple[float, float]:
    """Where the middle of a price's row is, within the bids."""
    scroller = trader.page.locator("[data-ladder]")
    box = await scroller.bounding_box()
    assert box is not None
    top: float = await scroller.evaluate("element => element.scrollTop")
    row = round((1 - price) * 100) - 1
    return box["x"] + 80, box["y"] + row * 20 + 10 - top


async def _click_row(trader: Trader, price: float) -> None:
    await trader.page.mouse.click(*await _place_of(trader, price))


async def _drag_row(trader: Trader, price: float, to: float) -> None:
    x, y = await _place_of(trader, price)
    _, target = await _place_of(trader, to)
    await trader.page.mouse.move(x - 60, y)
    await trader.page.mouse.down()
    await trader.page.mouse.move(x - 60, target, steps=4)
    await trader.page.mouse.up()
