"""What a newcomer does: `make run`, the README's two traders, Ctrl-C, and `make run` again."""

import json
import os
import re
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest

from tests.server_process import STOP_SECONDS, ServerProcess

ROOT = Path(__file__).parents[2]
SECOND_START_SECONDS = 5.0


class MakeRun(ServerProcess):
    """The server as `make run` starts it, with a terminal's Ctrl-C."""

    def launch(self, *arguments: str) -> None:
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                # What is installed is under test; it isn't to be installed again.
                ["make", "-C", str(ROOT), "--assume-old=.venv/.installed", "run", *arguments],
                env=self.environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    def end(self, number: signal.Signals = signal.SIGINT) -> int:
        """Signal all of the foreground, as a terminal does for Ctrl-C; nothing may be left.

        The code is the server's; make's own says only that it was interrupted.
        """
        process = self._running()
        started = self.family()
        os.killpg(process.pid, number)
        process.wait(STOP_SECONDS)
        _, alive = psutil.wait_procs(started, timeout=STOP_SECONDS)
        assert not alive, self.words()
        assert self.database_processes() == [], self.words()
        return 0


@pytest.fixture
def made(tmp_path: Path) -> Iterator[MakeRun]:
    server = MakeRun(tmp_path / "data", {"DEMO_SEED": "7"})
    try:
        yield server
    finally:
        server.clean_up()


def readme_commands(url: str) -> str:
    """Return the shell commands of "Trade on it", for this server."""
    text = (ROOT / "README.md").read_text("utf-8")
    found = re.search(r"## Trade on it.*?```sh\n(.*?)```", text, re.DOTALL)
    assert found is not None, "the README shows no commands"
    assert "http://localhost:8080" in found.group(1)
    return found.group(1).replace("http://localhost:8080", url)


def shell(commands: str) -> list[dict[str, Any]]:
    """Run shell commands and return the JSON documents they print."""
    done = subprocess.run(
        ["bash", "-eu"], input=commands, text=True, capture_output=True, check=True, timeout=60
    )
    decoder, text, found = json.JSONDecoder(), done.stdout.strip(), []
    while text:
        document, end = decoder.raw_decode(text)
        found.append(document)
        text = text[end:].strip()
    return found


def the_books_are_alive(url: str) -> bool:
    markets = httpx.get(f"{url}/api/v1/markets?status=OPEN").json()["data"]
    return bool(markets) and all(market["bestBid"] and market["bestAsk"] for market in markets)


@pytest.mark.slow
def test_a_newcomer_trades_and_finds_everything_again(made: MakeRun) -> None:
    print(f"the first start took {made.start():.2f} s")
    deadline = time.monotonic() + 60
    while not the_books_are_alive(made.url):
        assert time.monotonic() < deadline, "the demonstration's books stay empty"
        time.sleep(0.05)
    ann_s, bob_s, positions = shell(readme_commands(made.url))
    for answer in (ann_s, bob_s):
        assert answer["success"], answer
        assert answer["data"]["trades"], "an order at the worst price trades at once"
    (position,) = positions["data"]
    assert (position["outcome"], position["quantity"]) == ("YES", "10.00")
    order = ann_s["data"]["order"]
    made.end()

    took = made.start_within(SECOND_START_SECONDS)
    print(f"the second start took {took:.2f} s")
    markets = httpx.get(f"{made.url}/api/v1/markets/{order['slug']}").json()["data"]
    assert markets["trades"] >= 1
    users = made.call("GET", "/admin/users?limit=200", made.admin())
    assert sum(user["email"].startswith(("ann-", "bob-")) for user in users) == 2
    made.end()
    assert made.run("verify").returncode == 0
