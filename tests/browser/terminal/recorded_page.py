"""A trade page recorded from a real exchange, played by a process of its own, and what it is like.

Laws: whatever the page asks for is recorded while it is loaded anew, with the headers that matter;
busy is the main thread's own time on the processor, so that others on the machine don't count.
"""

import base64
import json
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from statistics import quantiles
from typing import Any, Final

import httpx
from playwright.async_api import Browser, CDPSession, Page, Response, expect

from tests.browser.terminal.conftest import DESK, Trader

_KEPT_HEADERS: Final = ("content-type", "cache-control", "content-security-policy")
_ROOT: Final = Path(__file__).parents[3]
_REFUSED: Final = 300
_WATCH: Final = """
localStorage.setItem("probity.session", "1");
window.seen = {frames: [], presses: [], sends: []};
const frame = (at) => { seen.frames.push(at); requestAnimationFrame(frame); };
requestAnimationFrame(frame);
addEventListener("keydown", (event) => {
  if (event.code === "Escape") seen.presses.push(event.timeStamp);
}, true);
const send = WebSocket.prototype.send;
WebSocket.prototype.send = function (data) {
  if (String(data).includes("order:cancel_all")) seen.sends.push(performance.now());
  return send.call(this, data);
};
"""


@dataclass(frozen=True)
class Figures:
    """What a page was like while frames came."""

    frames_a_second: float
    gap_p95_ms: float
    busy: float
    """The main thread's share of a processor."""


async def recorded(trader: Trader, url: str) -> dict[str, Any]:
    """Load a page with one open order anew; return all it was answered, by method and path."""
    heard: list[Response] = []

    def hear(response: Response) -> None:
        heard.append(response)

    # What the page had asked for before ends with it, and its body can't be read any more.
    await trader.page.goto("about:blank")
    trader.page.on("response", hear)
    await trader.page.goto(url)
    await trader.is_live()
    await expect(trader.page.locator("[data-order]")).to_have_count(1)
    await expect(trader.page.locator(".u-over")).to_be_visible()
    answers = {}
    for response in heard:
        path = httpx.URL(response.url).path
        headers = {name: text for name, text in response.headers.items() if name in _KEPT_HEADERS}
        body = await response.body() if response.status < _REFUSED else b""
        answers[f"{response.request.method} {path}"] = {
            "status": response.status,
            "headers": headers,
            "body": base64.b64encode(body).decode(),
        }
    return answers


def body_of(answers: dict[str, Any], asked: str) -> Any:
    """Return a recorded answer's JSON."""
    return json.loads(base64.b64decode(answers[asked]["body"]))


@contextmanager
def playing(folder: Path) -> Iterator[str]:
    """Play a folder's recordings and yield where."""
    command = [sys.executable, "-m", "tests.browser.terminal.feed_player", str(folder)]
    process = subprocess.Popen(command, cwd=_ROOT, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        yield f"http://127.0.0.1:{int(process.stdout.readline())}"
    finally:
        process.kill()
        process.communicate()


@asynccontextmanager
async def live_page(browser: Browser, url: str) -> AsyncIterator[tuple[Page, CDPSession]]:
    """Open a recorded page, live, in a browser profile of its own; nothing may go wrong in it."""
    # What waits in the page for something is a text that the policy wouldn't let it run.
    context = await browser.new_context(viewport=DESK, bypass_csp=True)
    page = await context.new_page()
    problems: list[str] = []
    page.on("pageerror", lambda error: problems.append(str(error)))
    await page.add_init_script(_WATCH)
    await page.goto(url)
    await expect(page.locator("[data-trust=live]")).to_be_visible(timeout=20_000)
    await expect(page.locator("[data-cash]")).to_be_visible()
    await expect(page.locator("[data-order]")).to_have_count(1)
    tools = await context.new_cdp_session(page)
    await tools.send("Performance.enable", {"timeDomain": "threadTicks"})
    yield page, tools
    await context.close()
    assert problems == []


async def play(page: Page, name: str) -> None:
    """Have a recording played to its end."""
    root = page.url.partition("/trade/")[0]
    async with httpx.AsyncClient(timeout=900) as client:
        assert (await client.post(f"{root}/play/{name}")).is_success


async def metric(tools: CDPSession, name: str) -> float:
    """Return one of the browser's own counts of a page."""
    answer = await tools.send("Performance.getMetrics")
    return float(next(one["value"] for one in answer["metrics"] if one["name"] == name))


async def heap_bytes(tools: CDPSession) -> float:
    """Return what the page holds on to."""
    await tools.send("HeapProfiler.collectGarbage")
    return float((await tools.send("Runtime.getHeapUsage"))["usedSize"])


async def measured(page: Page, tools: CDPSession, name: str) -> Figures:
    """Play a recording and return what the page was like meanwhile."""
    before = await metric(tools, "TaskDuration")
    began = time.monotonic()
    await page.evaluate("() => { seen.frames.length = 0; }")
    await play(page, name)
    seconds = time.monotonic() - began
    busy = (await metric(tools, "TaskDuration") - before) / seconds
    frames: list[float] = await page.evaluate("seen.frames")
    gaps = [later - earlier for earlier, later in pairwise(frames)]
    return Figures(len(frames) / seconds, quantiles(gaps, n=20)[-1], busy)
