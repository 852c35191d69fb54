"""The programs in the documents, taken out of them and run for longer than a token lives.

Laws: what runs is the document's text; all that is put in its place is the address of the server.
What a sample doesn't bring (a name it explains in words) stands before it or behind it here.
"""

import asyncio
import itertools
import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from textwrap import indent
from typing import Final

import pytest

from tests.server_process import ServerProcess, running_server, until

ROOT: Final = Path(__file__).parents[2]
TOKEN_SECONDS: Final = 3
LIVES: Final = 2.5
"""How many lives of a token a sample has to outlive, and one more after a restart."""
HEARD_SECONDS: Final = 60.0
FAR: Final = "http://localhost:8080"
# What sockets.md leaves to trading.md: where the token comes from, and how it is kept fresh.
_BEFORE: Final = """
const url = "http://localhost:8080";
const headers = { "Content-Type": "application/json", "X-Requested-With": "fetch" };
let token;
async function signIn(path, person = {}) {
  const answer = await fetch(url + path, { method: "POST", headers, body: JSON.stringify(person) });
  headers.cookie = answer.headers.get("set-cookie").split(";")[0];
  token = (await answer.json()).data.accessToken;
}
await signIn("/api/v1/auth/register", { email: "ed@example.com", password: "correct-horse-ed" });
"""
_BEHIND: Final = """
socket.on("connect", () => socket.emit("subscribe:market", { slug: "samples", outcome: "YES" }));
socket.on("orderbook_update", (book) => console.log(book.kind, book.bids[0], book.asks[0]));
async function renew() {
  await signIn("/api/v1/auth/refresh");
  socket.emit("session:authenticate", { token });
}
setInterval(() => renew().catch(console.error), 1000);
"""


def blocks(document: str, language: str) -> list[str]:
    text = (ROOT / document).read_text("utf-8")
    return re.findall(rf"^```{language}\n(.*?)^```$", text, re.DOTALL | re.MULTILINE)


def programs() -> dict[str, str]:
    """Return the samples that live for long, by the file's name under which each is run."""
    (pasted,) = blocks("README.md", "js")
    (python,) = blocks("README.md", "python")
    (socket,) = blocks("docs/sockets.md", "js")
    return {
        # The first is taken for CommonJS, which is what a newcomer's file is.
        "readme.js": pasted,
        "readme.mjs": pasted.replace("cy-", "cyd-"),
        "readme.py": python,
        "sockets.mjs": _BEFORE + socket + _BEHIND,
    }


def test_every_sample_is_run_here() -> None:
    texts = [*(ROOT / "docs").glob("*.md"), *(ROOT / "docs" / "reference").glob("*.md")]
    documents = ["README.md", *(str(path.relative_to(ROOT)) for path in sorted(texts))]
    found = {
        (document, language): len(blocks(document, language))
        for document in documents
        for language in ("js", "javascript", "mjs", "ts", "python", "py")
        if blocks(document, language)
    }
    assert found == {
        ("README.md", "js"): 1,
        ("README.md", "python"): 1,
        ("docs/alerts.md", "python"): 1,
        ("docs/backtesting.md", "python"): 1,
        ("docs/market-data.md", "python"): 1,
        ("docs/reference/snippets.md", "js"): 7,
        ("docs/reference/snippets.md", "python"): 7,
        ("docs/sockets.md", "js"): 1,
        ("docs/trading.md", "python"): 1,
    }
    # That of alerts.md is run by `tests/gateway/alerts`, that of backtesting.md by
    # `tests/gateway/cli/test_backtest.py`; those of snippets.md are made of files that
    # `test_snippets.py` runs.
    assert len(blocks("docs/trading.md", "sh")) == 2, "both by test_trading_recipes"
    # A method of the example that `faults/market_data/test_private_stream.py` runs.
    (excerpt,) = blocks("docs/market-data.md", "python")
    example = (ROOT / "docs" / "examples" / "private_stream.py").read_text("utf-8")
    assert indent(excerpt.strip(), "    ") in example


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    """A server whose tokens live for seconds."""
    settings = {"JWT_ACCESS_EXPIRES_IN": f"{TOKEN_SECONDS}s"}
    with running_server(tmp_path_factory.mktemp("samples") / "data", settings) as made:
        yield made


class Running:
    """A sample's process, and what it has printed."""

    def __init__(self, name: str, text: str, folder: Path, url: str, stack: ExitStack) -> None:
        self.name = name
        self._output = folder / f"{name}.txt"
        script = folder / name
        script.write_text(text.replace(FAR, url), "utf-8")
        command = sys.executable if name.endswith(".py") else "node"
        with self._output.open("wb") as output:
            self.process = subprocess.Popen(
                [command, str(script)], stdout=output, stderr=output, env={**os.environ}
            )
        stack.callback(self._end)

    def _end(self) -> None:
        self.process.kill()
        self.process.wait()

    @property
    def printed(self) -> str:
        return self._output.read_text("utf-8")

    async def prints(self, text: str) -> None:
        """Wait until it has printed something."""
        try:
            await until(lambda: text in self.printed, HEARD_SECONDS)
        except AssertionError:
            raise AssertionError(f"{self.name} doesn't say {text}:\n{self.printed}") from None
        assert self.process.poll() is None, self.printed


class Bidder:
    """Bids better and better, so that each bid is the first line of the book once."""

    def __init__(self, server: ServerProcess) -> None:
        self._server = server
        self._ticks = itertools.count(1_000)

    async def bid(self) -> str:
        """Place the next bid, under a token of its own; return its price."""
        price = f"0.{next(self._ticks)}"
        _, token = await asyncio.to_thread(self._server.trader)
        body = {"side": "BUY", "outcome": "YES", "type": "LIMIT", "price": price, "quantity": "1"}
        await asyncio.to_thread(self._server.call, "POST", "/orders/samples", token, body)
        return price


async def outlive(samples: list[Running], bidder: Bidder, seconds: float) -> None:
    """Every sample hears every bid for so long."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        price = await bidder.bid()
        await asyncio.gather(*(sample.prints(price) for sample in samples))


@pytest.mark.slow
async def test_samples_outlive_their_tokens_and_the_server(
    server: ServerProcess, tmp_path: Path
) -> None:
    await asyncio.to_thread(server.market, "samples", tickSize="0.0001")
    (tmp_path / "node_modules").symlink_to(Path(__file__).with_name("node_modules"))
    bidder = Bidder(server)
    with ExitStack() as stack:
        samples = [
            Running(name, text, tmp_path, server.url, stack) for name, text in programs().items()
        ]
        for sample in samples:
            await sample.prints("snapshot")
        await outlive(samples, bidder, LIVES * TOKEN_SECONDS)
        for sample in samples:
            # Living on the same socket: no second snapshot.
            assert sample.printed.count("snapshot") == 1, sample.printed
        server.kill()
        await asyncio.to_thread(server.start)
        await outlive(samples, bidder, TOKEN_SECONDS)
        for sample in samples:
            if sample.name.startswith("readme"):
                assert "mine-1" in sample.printed
                assert "OPEN" in sample.printed
