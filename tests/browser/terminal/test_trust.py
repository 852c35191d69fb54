"""A feed that is not up to date says so, disarms itself, and heals."""

import asyncio
from pathlib import Path
from typing import Final

from playwright.async_api import expect

from tests.browser.terminal.conftest import SignIn
from tests.server_process import ServerProcess

_NOWHERE: Final = {"latency": 0, "downloadThroughput": -1, "uploadThroughput": -1}
_SLEEP_SECONDS: Final = 5
_NOTE_SLEEP: Final = """
window.seen = {longestStopMs: 0, states: []};
let last = Date.now();
setInterval(() => {
  seen.longestStopMs = Math.max(seen.longestStopMs, Date.now() - last);
  last = Date.now();
}, 100);
new MutationObserver(() => {
  const state = document.querySelector("[data-trust]")?.dataset.trust;
  if (seen.states.at(-1) !== state) seen.states.push(state);
}).observe(document, {subtree: true, childList: true, attributes: true});
"""


async def test_a_cut_is_seen_and_healed(server: ServerProcess, sign_in: SignIn, slug: str) -> None:
    ann, bob = await sign_in(), await sign_in()
    await ann.open_market(slug)
    await bob.open_market(slug)
    await ann.buy("YES", "0.55", "10")
    await expect(ann.page.locator("[data-order]")).to_have_count(1)
    await ann.page.get_by_role("button", name="Arm", exact=True).click()
    await expect(ann.page.locator(".ladder.armed")).to_be_visible()
    server.kill()
    await expect(ann.page.locator(".ladder.stale")).to_be_visible()
    await expect(ann.page.get_by_role("button", name="Arm", exact=True)).to_be_disabled()
    server.start()
    for trader in (ann, bob):
        await trader.is_live()
        # What the browser says of a server that is away is no fault of the page.
        trader.problems.clear()
    await expect(ann.page.locator(".ladder.armed")).to_have_count(0)
    await bob.buy("NO", "0.45", "4")
    await expect(ann.page.locator("[data-trade='1']")).to_be_visible()
    await ann.tab("Positions")
    await expect(ann.page.locator("[data-position=YES]")).to_contain_text("4")
    assert Path(server.log).exists()


async def test_the_book_at_a_past_moment_is_marked_and_disarmed(sign_in: SignIn, slug: str) -> None:
    ann = await sign_in()
    await ann.open_market(slug)
    await ann.buy("YES", "0.55", "10")
    await expect(ann.page.locator("[data-order]")).to_have_count(1)
    await ann.buy("YES", "0.57", "20")
    await expect(ann.page.locator("[data-order]")).to_have_count(2)
    await ann.page.get_by_role("button", name="As a table").first.click()
    ladder = ann.page.locator(".ladder")
    # Among the bids, not only among one's own orders, which may be known before the book.
    level = ladder.locator("tr", has_text="0.57").locator("td").first
    await expect(level).to_contain_text("20")
    await ann.page.get_by_role("button", name="Arm", exact=True).click()
    await ann.page.locator("[data-show-past]").click()
    await expect(ann.page.locator("[data-shows=past]")).to_be_visible()
    await expect(ladder.get_by_role("button", name="Arm", exact=True)).to_be_disabled()
    await expect(ann.page.locator("[data-send]")).to_be_disabled()
    # The slider has the focus: an arrow is one step of the market's sequence.
    slider = ann.page.get_by_role("slider")
    await expect(slider).to_be_focused()
    newest = int(await slider.get_attribute("max") or 0)
    await ann.page.keyboard.press("ArrowLeft")
    await expect(ann.page.locator(f"[data-past='{newest - 1}']")).to_be_visible()
    await expect(ann.page.locator(".past-bar")).to_contain_text("right")
    await expect(ladder).not_to_contain_text("0.57")
    await expect(ladder).to_contain_text("0.55")
    await ann.page.keyboard.press("Home")
    await expect(ann.page.locator("[data-past='1']")).to_be_visible()
    await expect(ladder).not_to_contain_text("0.55")
    await ann.page.locator(".past-bar [type=datetime-local]").fill("2020-01-01T00:00:00")
    await expect(ann.page.locator(".past-bar [role=alert]")).to_be_visible()
    ann.problems.clear()
    await ann.page.get_by_role("button", name="Back to live").click()
    await expect(ladder).to_contain_text("0.57")
    await expect(ladder.get_by_role("button", name="Arm", exact=True)).to_be_enabled()
    await expect(ann.page.locator("[data-send]")).to_be_enabled()


async def test_an_offline_page_greys_and_goes_on_by_sequence(sign_in: SignIn, slug: str) -> None:
    ann, bob = await sign_in(), await sign_in()
    await ann.open_market(slug)
    await bob.open_market(slug)
    tools = await ann.page.context.new_cdp_session(ann.page)
    await tools.send("Network.enable")
    await tools.send("Network.emulateNetworkConditions", {**_NOWHERE, "offline": True})
    await ann.page.context.set_offline(True)
    await expect(ann.page.locator(".ladder.stale")).to_be_visible(timeout=20_000)
    await expect(ann.page.locator(".area-tape.aged")).to_be_visible()
    await expect(ann.page.get_by_role("button", name="Arm", exact=True)).to_be_disabled()
    # What is missed meanwhile: a level of the book and a trade.
    await bob.buy("YES", "0.55", "10")
    await expect(bob.page.locator("[data-order]")).to_have_count(1)
    await tools.send("Network.emulateNetworkConditions", {**_NOWHERE, "offline": False})
    await ann.page.context.set_offline(False)
    await ann.is_live()
    ann.problems.clear()
    await expect(ann.page.locator(".ladder.stale")).to_have_count(0)
    await expect(ann.page.locator(".trust")).to_contain_text("Mended 1×")
    await expect(ann.page.locator(".trust")).to_contain_text("right")
    await ann.page.get_by_role("button", name="As a table").first.click()
    await expect(ann.page.locator(".ladder")).to_contain_text("0.55")


async def test_a_page_that_slept_catches_up_when_it_wakes(sign_in: SignIn, slug: str) -> None:
    ann, bob = await sign_in(), await sign_in()
    await ann.open_market(slug)
    await bob.open_market(slug)
    await ann.buy("YES", "0.55", "10")
    await expect(ann.page.locator("[data-order]")).to_have_count(1)
    await ann.page.get_by_role("button", name="Arm", exact=True).click()
    await expect(ann.page.locator(".ladder.armed")).to_be_visible()
    await ann.page.evaluate(_NOTE_SLEEP)
    tools = await ann.page.context.new_cdp_session(ann.page)
    # `Page.setWebLifecycleState` freezes no page that is shown, headless: the debugger stops it.
    await tools.send("Debugger.enable")
    await tools.send("Debugger.pause")
    await bob.buy("NO", "0.45", "4")
    await expect(bob.page.locator("[data-trade='1']")).to_be_visible()
    # Longer than a line may be silent.
    await asyncio.sleep(_SLEEP_SECONDS)
    await tools.send("Debugger.resume")
    await tools.send("Debugger.disable")
    await expect(ann.page.locator("[data-trade='1']")).to_be_visible(timeout=20_000)
    await ann.is_live()
    ann.problems.clear()
    seen = await ann.page.evaluate("seen")
    assert seen["longestStopMs"] > _SLEEP_SECONDS * 1_000 - 500, "it never slept"
    assert set(seen["states"]) & {"stale", "connecting"}, "it never said that it was behind"
    await expect(ann.page.locator(".ladder.armed")).to_have_count(0)
    await expect(ann.page.locator(".trust")).to_contain_text("Mended 1×")
    await expect(ann.page.locator(".trust")).to_contain_text("right")
    await ann.tab("Positions")
    await expect(ann.page.locator("[data-position=YES]")).to_contain_text("4")
    ladder = ann.page.locator(".ladder")
    await ann.page.get_by_role("button", name="As a table").first.click()
    level = ladder.locator("tr", has_text="0.55").locator("td").first
    await expect(level).to_contain_text("6")


async def test_prices_are_spoken_when_asked_for(sign_in: SignIn, slug: str) -> None:
    ann = await sign_in()
    await ann.open_market(slug)
    await ann.buy("YES", "0.55", "10")
    await expect(ann.page.locator("[data-order]")).to_have_count(1)
    await ann.page.locator("h1").click()
    await ann.page.keyboard.press("v")
    spoken = ann.page.locator("[data-spoken]")
    await expect(spoken).to_contain_text("Bid 0.55, ask none")
    await expect(spoken).to_contain_text("open orders here: 1")
