"""The terminal in real browsers, on a real exchange: a server for the tests of a file, and people
who have signed in through its page.
"""

import itertools
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from dataclasses import dataclass

import pytest
from playwright.async_api import Browser, Page, ViewportSize, expect

from gateway.site.terminal import is_built
from tests.server_process import ServerProcess, running_server

PASSWORD = "correct horse battery"
DESK: ViewportSize = {"width": 1440, "height": 900}
_NAMES = itertools.count(1)

SignIn = Callable[[], Awaitable["Trader"]]


def prefer(server: ServerProcess, email: str, **preferences: object) -> None:
    """Set somebody's preferences by the API; pages have them from their next load on."""
    signed_in = server.call("POST", "/auth/login", body={"email": email, "password": PASSWORD})
    server.call("PUT", "/users/me/preferences", signed_in["accessToken"], preferences)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    """A server that ends orderly."""
    assert is_built(), "the terminal isn't built: make web"
    folder = tmp_path_factory.mktemp("server") / "data"
    with running_server(folder, {"PROJECTOR": "on"}) as made:
        yield made


@pytest.fixture
def slug(server: ServerProcess) -> str:
    """The slug of a fresh open market without fees, tick 0.01."""
    name = f"terminal-{next(_NAMES)}"
    server.market(name)
    return name


@dataclass
class Trader:
    """Somebody before a browser of their own, in which nothing may go wrong."""

    page: Page
    url: str
    problems: list[str]
    email: str

    async def open_market(self, slug: str, *, asks: bool = False) -> None:
        """Go to a market and wait until its feed is live and one's preferences are known."""
        await self.page.goto(f"{self.url}/trade/{slug}")
        await self.is_live()
        send = self.page.locator("[data-send]")
        await expect(send).to_have_attribute("data-asks", str(asks).lower())

    async def is_live(self) -> None:
        await expect(self.page.locator("[data-trust=live]")).to_be_visible(timeout=20_000)

    async def draft(self, outcome: str, price: str, quantity: str) -> None:
        """Fill the ticket in."""
        ticket = self.page.locator("[data-ticket]")
        await ticket.get_by_role("button", name=outcome, exact=True).click()
        await ticket.locator("[name=price]").fill(price)
        await ticket.locator("[name=quantity]").fill(quantity)

    async def send(self) -> None:
        await self.page.locator("[data-send]").click()

    async def buy(self, outcome: str, price: str, quantity: str) -> None:
        await self.draft(outcome, price, quantity)
        await self.send()

    async def tab(self, name: str) -> None:
        await self.page.get_by_role("tab", name=name).click()


@pytest.fixture
async def sign_in(server: ServerProcess, browser: Browser) -> AsyncIterator[SignIn]:
    """Begin a browser of its own for each, register through the page, and look for problems."""
    traders: list[Trader] = []

    async def begin() -> Trader:
        context = await browser.new_context(viewport=DESK, reduced_motion="reduce")
        page = await context.new_page()
        email = f"terminal{next(_NAMES)}@example.org"
        trader = Trader(page, server.url, [], email)
        traders.append(trader)
        page.on("pageerror", lambda error: trader.problems.append(str(error)))
        page.on("console", lambda message: trader.problems.append(message.text))
        await page.goto(f"{server.url}/register")
        await page.locator("[name=email]").fill(email)
        await page.locator("[name=password]").fill(PASSWORD)
        await page.locator("form button").click()
        await expect(page.locator("[data-cash]")).to_contain_text("000.00")
        prefer(server, email, confirmOrders=False)
        return trader

    yield begin
    for trader in traders:
        await trader.page.context.close()
    assert [problem for trader in traders for problem in trader.problems] == []
