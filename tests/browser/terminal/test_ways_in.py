"""From the sign-in page to a trade, by every way in: a passkey, wallets that sign, X and Google,
and a second factor.

Laws: the authenticator is Chromium's own virtual one; wallets are stand-ins in the page that sign
by real keys; X and Google stand in beside the exchange, and somebody says yes there.
"""

import asyncio
import base64
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pyotp
import pytest
from playwright.async_api import Browser, Page, expect

from gateway.site.terminal import is_built
from tests.browser.terminal.conftest import DESK, PASSWORD
from tests.gateway.accounts.linked.conftest import settings_of
from tests.gateway.accounts.linked.elsewhere import Elsewhere
from tests.gateway.accounts.wallets.signers import Metamask, Phantom
from tests.server_process import ServerProcess

SLUG = "ways-in"
_ETHEREUM = """window.ethereum = { request: async ({ method, params }) =>
  method === "eth_requestAccounts" ? [await walletAddress()] : walletSigns(params[0]) };"""
_SOLANA = """window.phantom = { solana: {
  connect: async () => ({ publicKey: { toString: () => window.solanaAddress } }),
  signMessage: async (bytes) => ({
    signature: Uint8Array.from(atob(await walletSigns(new TextDecoder().decode(bytes))),
      (letter) => letter.charCodeAt(0)) }) } };"""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    """A server whose pages are at a name, as passkeys want it."""
    assert is_built(), "the terminal isn't built: make web"
    made = ServerProcess(tmp_path_factory.mktemp("ways") / "data")
    made.environment["FRONTEND_URL"] = at_name(made)
    try:
        made.start()
        made.market(SLUG)
        yield made
        assert made.end() == 0
    finally:
        made.clean_up()


def at_name(server: ServerProcess) -> str:
    """Where a browser goes: a domain, which an address of numbers isn't."""
    return f"http://localhost:{server.port}"


@asynccontextmanager
async def opened(browser: Browser) -> AsyncIterator[Page]:
    """A page of a browser of its own, in which no script may fail."""
    context = await browser.new_context(viewport=DESK, reduced_motion="reduce")
    page = await context.new_page()
    problems: list[str] = []
    page.on("pageerror", lambda error: problems.append(str(error)))
    yield page
    await context.close()
    assert problems == []


async def register(page: Page, url: str, email: str) -> None:
    """Make an account by a password."""
    await page.goto(f"{url}/register")
    await page.locator("[name=email]").fill(email)
    await page.locator("[name=password]").fill(PASSWORD)
    await page.locator("form button").click()
    await expect(page.locator("[data-cash]")).to_contain_text("000.00")


async def trades(page: Page, url: str) -> None:
    """Place an order as whoever has just signed in, and see it."""
    await expect(page.locator("[data-cash]")).to_contain_text("000.00")
    await page.goto(f"{url}/trade/{SLUG}")
    await expect(page.locator("[data-trust=live]")).to_be_visible(timeout=20_000)
    ticket = page.locator("[data-ticket]")
    await ticket.get_by_role("button", name="YES", exact=True).click()
    await ticket.locator("[name=price]").fill("0.10")
    await ticket.locator("[name=quantity]").fill("10")
    await page.locator("[data-send]").click()
    # Who hasn't said otherwise is asked before an order goes out.
    await expect(page.locator("[data-asked=yes]")).to_contain_text("Send this order?")
    await page.locator("[data-send]").click()
    await expect(page.locator("[data-order]")).to_contain_text("0.10")


async def test_a_passkey_signs_in_and_trades(server: ServerProcess, browser: Browser) -> None:
    url = at_name(server)
    async with opened(browser) as page:
        devtools = await page.context.new_cdp_session(page)
        await devtools.send("WebAuthn.enable")
        options = {
            "protocol": "ctap2",
            "transport": "internal",
            "hasResidentKey": True,
            "hasUserVerification": True,
            "isUserVerified": True,
        }
        await devtools.send("WebAuthn.addVirtualAuthenticator", {"options": options})
        await register(page, url, "passkey@example.org")
        await page.goto(f"{url}/account/security")
        await page.get_by_role("button", name="Add a passkey").click()
        dialog = page.get_by_role("dialog")
        await dialog.locator("[name=label]").fill("this browser")
        await dialog.get_by_role("button", name="Add a passkey").click()
        await page.get_by_role("button", name="I have it").click()
        await expect(page.get_by_text("this browser", exact=True)).to_be_visible()
        await page.get_by_role("button", name="Sign out").click()
        await page.goto(f"{url}/sign-in")
        await page.get_by_role("button", name="Use a passkey").click()
        await trades(page, url)


async def test_an_ethereum_wallet_signs_in_and_trades(
    server: ServerProcess, browser: Browser
) -> None:
    wallet, url = Metamask(), at_name(server)
    async with opened(browser) as page:
        await page.expose_function("walletAddress", lambda: wallet.address)
        await page.expose_function(
            "walletSigns", lambda text: wallet.sign(bytes.fromhex(text[2:]).decode())
        )
        await page.add_init_script(_ETHEREUM)
        await page.goto(f"{url}/sign-in")
        await page.get_by_role("button", name="Use an Ethereum wallet").click()
        await trades(page, url)


async def test_a_solana_wallet_signs_in_and_trades(server: ServerProcess, browser: Browser) -> None:
    wallet, url = Phantom(), at_name(server)
    async with opened(browser) as page:
        await page.expose_function(
            "walletSigns", lambda text: base64.b64encode(wallet.key.sign(text.encode())).decode()
        )
        await page.add_init_script(f"window.solanaAddress = '{wallet.address}'; {_SOLANA}")
        await page.goto(f"{url}/sign-in")
        await page.get_by_role("button", name="Use a Solana wallet").click()
        await trades(page, url)


async def test_a_second_factor_is_asked_for_before_a_trade(
    server: ServerProcess, browser: Browser
) -> None:
    url = at_name(server)
    async with opened(browser) as page:
        await register(page, url, "factor@example.org")
        await page.goto(f"{url}/account/security")
        await page.get_by_role("button", name="Set up an app").click()
        dialog = page.get_by_role("dialog")
        secret = await dialog.locator("code").text_content()
        assert secret is not None
        await dialog.get_by_label("First code").fill(pyotp.TOTP(secret).now())
        await dialog.get_by_role("button", name="Confirm").click()
        recovery = await page.locator(".codes li").first.text_content()
        assert recovery is not None
        await page.get_by_role("button", name="I have it").click()
        await page.get_by_role("button", name="Sign out").click()
        await page.goto(f"{url}/sign-in")
        await page.locator("[name=email]").fill("factor@example.org")
        await page.locator("[name=password]").fill(PASSWORD)
        await page.keyboard.press("Enter")
        await page.get_by_role("button", name="Use a recovery code instead").click()
        await expect(page.locator("[data-cash]")).to_have_count(0)
        await page.get_by_label("Recovery code").fill(recovery)
        await page.get_by_role("button", name="Verify").click()
        await trades(page, url)


async def test_x_and_google_lead_back_to_a_trade(tmp_path: Path, browser: Browser) -> None:
    elsewhere = Elsewhere()
    async with elsewhere.stand_in().running() as served:
        elsewhere.url = served.url
        settings = {name: str(value) for name, value in settings_of(served.url).items()}
        made = ServerProcess(tmp_path / "data", settings)
        url = at_name(made)
        made.environment |= {"FRONTEND_URL": url, "PUBLIC_URL": url}
        try:
            # The providers answer in this loop, which a start must not keep.
            await asyncio.to_thread(made.start)
            await asyncio.to_thread(made.market, SLUG)
            for name in ("X", "Google"):
                async with opened(browser) as page:
                    await page.goto(f"{url}/sign-in")
                    await page.get_by_role("button", name=f"Go on with {name}").click()
                    await trades(page, url)
            assert await asyncio.to_thread(made.end) == 0
        finally:
            made.clean_up()
