"""Stocks on a real exchange: bought, sold, lent and liquidated, live, as somebody with a browser
does it.
"""

from datetime import UTC, datetime, timedelta

from playwright.async_api import Locator, Page, Route, expect

from tests.browser.terminal.conftest import SignIn, prefer
from tests.browser.terminal.test_looks import look
from tests.server_process import ServerProcess

ORCA = {"symbol": "ORCA", "name": "Orca Motors", "basePrice": "1", "slope": "0.01"}
LYNX = {"symbol": "LYNX", "name": "Lynx Air", "basePrice": "1", "slope": "0.002"}


async def fact(page: Page, name: str) -> str:
    """What is foreseen of an order, as the exchange writes it."""
    shown = await page.locator(f"[data-fact={name}]").inner_text()
    return shown.replace("\u202f", "")


def shares(page: Page) -> Locator:
    return page.get_by_label("Shares", exact=True)


async def send(page: Page) -> None:
    """Send the ticket and say that it is meant."""
    await page.locator("[data-send]").click()
    dialog = page.get_by_role("dialog")
    await expect(dialog).to_contain_text("for about")
    await dialog.locator(".button:not(.bare)").last.click()
    await expect(dialog).to_have_count(0)


async def listed(server: ServerProcess) -> str:
    """List two stocks, of one of which somebody bought 200 shares in hours past; their token."""
    for terms in (ORCA, LYNX):
        server.call("POST", "/admin/stocks", server.admin(), terms)
    _, whale = server.trader("whale")
    for count in ("40", "60", "10", "90"):
        server.call("POST", "/economy/buy", whale, {"symbol": "ORCA", "shares": count})
    before = int((datetime.now(UTC) - timedelta(hours=20)).timestamp() * 1_000_000)
    async with server.database() as connection:
        await connection.execute("UPDATE stocks SET created_at = $1", before)
        await connection.execute(
            "UPDATE stock_trades SET at = $1::bigint + id * 14400000000", before
        )
    return whale


async def too_much(page: Page) -> None:
    """What can't be is said with the nearest value that can."""
    await shares(page).fill("5000")
    await expect(page.locator("[data-refused]")).to_contain_text("You have 1\u202f000.00")
    await expect(page.locator("[data-send]")).to_be_disabled()
    await page.locator("[data-refused] button").click()
    await expect(page.locator("[data-refused]")).to_have_count(0)


async def lose_an_answer(page: Page) -> None:
    """An order that was done and whose answer is lost: asking again finds it and does no more,
    by itself or, where the page was loaded anew meanwhile, by a press.
    """

    async def lose(route: Route) -> None:
        await route.fetch()
        await route.abort()

    await page.route("**/economy/buy", lose)
    await page.get_by_role("button", name="1×").click()
    await shares(page).fill("10")
    await send(page)
    await expect(page.locator("[data-send]")).to_contain_text("asking again")
    await page.unroute("**/economy/buy")
    await page.reload()
    await expect(page.locator("[data-lost]")).to_contain_text("your purchase of ORCA")
    await page.get_by_role("button", name="Find out").click()
    await expect(page.locator("[data-figure=shares]")).to_contain_text("110")


async def moves_while_nothing_is_read(page: Page, server: ServerProcess, whale: str) -> None:
    """The price is told over the line: nobody answers the list any more."""

    async def keep(_: Route) -> None:
        pass

    await page.route("**/economy/stocks?*", keep)
    for side, price in (("buy", "4.11"), ("sell", "4.10")):
        server.call("POST", f"/economy/{side}", whale, {"symbol": "ORCA", "shares": "1"})
        await expect(page.locator("[data-price]")).to_have_text(price)
    await page.unroute("**/economy/stocks?*")


async def test_a_loan_is_foreseen_taken_and_liquidated(
    server: ServerProcess, sign_in: SignIn
) -> None:
    whale = await listed(server)
    ben = await sign_in()
    page = ben.page
    await page.emulate_media(color_scheme="dark")
    prefer(server, ben.email, confirmOrders=True)
    await page.get_by_role("navigation", name="Main").first.get_by_text("Stocks").click()
    await expect(page.locator("[data-stock]")).to_have_count(2)
    await look(page, "stocks", "dark")
    await page.locator("[data-stock=ORCA]").click()
    await expect(page.locator("[data-price]")).to_have_text("3.00")
    await expect(page.locator("[data-have]")).to_have_text("1\u202f000.00")
    await page.get_by_role("button", name="Week").click()
    await expect(
        page.get_by_role("img", name="ORCA in the last week: from 1.00 to 3.00")
    ).to_be_visible()
    await page.get_by_role("button", name="Day", exact=True).click()
    await too_much(page)
    await shares(page).fill("100")
    await page.get_by_role("button", name="5×").click()
    # Foreseen is what happens: docs/economy.md has the same numbers.
    assert (await fact(page, "total"), await fact(page, "cash")) == ("350.00", "70.00")
    assert (await fact(page, "loan"), await fact(page, "liquidation")) == ("280.00", "3.5801")
    await page.emulate_media(color_scheme="light")
    await look(page, "stock-draft", "light")
    await page.emulate_media(color_scheme="dark")
    await send(page)
    await expect(page.locator("[data-figure=loan]")).to_have_text("280.00")
    await expect(page.locator("[data-cash]")).to_contain_text("930.00")
    await expect(page.locator("[data-figure=liquidation]")).to_contain_text("3.5801")
    await expect(page.locator("[data-price]")).to_have_text("4.00")
    await look(page, "stock", "dark")
    await lose_an_answer(page)
    ben.problems.clear()  # The browser says that the call was cut.
    await moves_while_nothing_is_read(page, server, whale)
    # Somebody else sells, and the loan is seen to: it is shown without a click.
    server.call("POST", "/economy/sell", whale, {"symbol": "ORCA", "shares": "200"})
    await expect(page.get_by_role("cell", name="Sold by the exchange")).to_be_visible()
    await expect(page.locator("[data-own]")).to_have_count(0)
    await page.emulate_media(color_scheme="light")
    await look(page, "stock-sold", "light")


async def test_bought_by_an_amount_kept_and_sold(server: ServerProcess, sign_in: SignIn) -> None:
    server.call("POST", "/admin/stocks", server.admin(), {**LYNX, "symbol": "TERN"})
    ann = await sign_in()
    page = ann.page
    await page.emulate_media(color_scheme="dark")
    prefer(server, ann.email, confirmOrders=True)
    await page.goto(f"{server.url}/stocks/TERN")
    await page.get_by_role("group", name="How much").first.get_by_text("Credits").click()
    await page.get_by_label("What you pay yourself").fill("20")
    await page.get_by_role("button", name="2×").click()
    await expect(page.locator("[data-send]")).to_contain_text("TERN")
    await send(page)
    await expect(page.locator("[data-figure=shares]")).to_be_visible()
    server.call("PATCH", "/admin/stocks/TERN", server.admin(), {"halted": True})
    await expect(page.get_by_text("Nobody buys this stock now.")).to_be_visible()
    await page.goto(f"{server.url}/stocks/holdings")
    await expect(page.get_by_role("link", name="TERN")).to_be_visible()
    await look(page, "stocks-holdings", "dark")
    await page.goto(f"{server.url}/stocks/TERN")
    await page.get_by_role("button", name="Sell", exact=True).click()
    await page.get_by_role("button", name="100\u202f%").click()
    await send(page)
    await expect(page.locator("[data-own]")).to_have_count(0)
    await page.goto(f"{server.url}/stocks/trades")
    await expect(page.get_by_role("row")).to_have_count(3)
    async with page.expect_download() as saving:
        await page.get_by_role("button", name="Save as CSV").click()
    head, sold, bought = (await (await saving.value).path()).read_text().splitlines()
    assert head == "id,symbol,type,shares,amount,loan,price,orderId,reference,createdAt"
    assert (",TERN,SELL," in sold, ",TERN,BUY," in bought) == (True, True)
    await page.emulate_media(color_scheme="light")
    await look(page, "stocks-trades", "light")
