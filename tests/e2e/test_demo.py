"""`probity serve --demo` as a newcomer meets it."""

import os
import re
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from gateway.demo.bettors import BETTORS
from gateway.demo.markets import DEMO_MARKETS
from gateway.demo.traders import MAKERS, TAKERS
from tests.lengths import length
from tests.server_process import ServerProcess

WAIT_SECONDS = 60.0
MOVES = length(1, long=3)
"""How often a leaderboard is seen to move: it does each minute, and begins empty."""
SLUGS = {entry.slug for entry in DEMO_MARKETS}
FAST = {"DEMO_STEP_SECONDS": "0.05", "DEMO_SEED": "5"}


def wait_for(condition: Callable[[], object], seconds: float = WAIT_SECONDS) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "waited too long"
        time.sleep(0.02)


def markets(server: ServerProcess) -> dict[str, dict[str, Any]]:
    return {market["slug"]: market for market in server.call("GET", "/markets?limit=100")}


def test_the_demo_trades_and_a_second_start_finds_it(tmp_path: Path) -> None:
    server = ServerProcess(tmp_path / "data", FAST)
    try:
        server.start("--demo")
        assert set(markets(server)) == SLUGS
        wait_for(lambda: all(market["trades"] > 1 for market in markets(server).values()))
        assert all(market["bestBid"] and market["bestAsk"] for market in markets(server).values())
        assert server.end() == 0
        started = server.start()
        print(f"the second start took {started:.2f} s")
        without = markets(server)
        assert set(without) == SLUGS
        assert all(market["bestBid"] and market["bestAsk"] for market in without.values())
        users = server.call("GET", "/admin/users", server.admin())
        assert markets(server) == without, "without the flag nobody trades"
        assert server.end() == 0
        server.start("--demo")
        again = markets(server)
        assert {slug: market["id"] for slug, market in again.items()} == {
            slug: market["id"] for slug, market in without.items()
        }
        assert server.call("GET", "/admin/users", server.admin()) == users
        assert server.end() == 0
    finally:
        server.clean_up()


@pytest.mark.slow
def test_a_leaderboard_moves(tmp_path: Path) -> None:
    server = ServerProcess(tmp_path / "data", FAST)
    seen: list[list[Any]] = []

    def has_moved() -> bool:
        time.sleep(0.5)
        board = server.call("GET", "/leaderboard/volume?period=day")
        if board and board not in seen:
            seen.append(board)
        return len(seen) >= MOVES

    try:
        server.start("--demo")
        wait_for(has_moved, (MOVES + 2) * WAIT_SECONDS)
        names = {one["displayName"] for one in seen[-1]}
        assert names <= {*MAKERS, *TAKERS, *BETTORS}
        assert len(names) > 1
        assert server.end() == 0
    finally:
        server.clean_up()


def test_the_banner_s_commands_trade(tmp_path: Path) -> None:
    server = ServerProcess(tmp_path / "data", FAST)
    try:
        server.start("--demo")
        wait_for(lambda: all(market["bestAsk"] for market in markets(server).values()))
        banner = server.log.read_text("utf-8")
        assert f"Probity is open at http://localhost:{server.port}" in banner
        found = re.search(r"^  API=.*?echo$", banner, re.MULTILINE | re.DOTALL)
        assert found is not None, banner
        for _ in range(2):
            done = subprocess.run(
                ["sh"], input=found.group(), text=True, capture_output=True, check=True,
                env={"PATH": os.environ["PATH"], "no_proxy": "*"},
            )  # fmt: skip
            assert '"status":"FILLED"' in done.stdout, done.stdout + done.stderr
        assert server.end() == 0
    finally:
        server.clean_up()


def test_the_feed_lives_on_samples(tmp_path: Path) -> None:
    """Lists, a book, a history and snapshots of markets that say what they are."""
    settings = FAST | {"FEED_PLATFORMS": "sample", "KALSHI_POLL_INTERVAL_SECONDS": "2"}
    server = ServerProcess(tmp_path / "data", settings)
    try:
        server.start("--demo")
        ours = set(markets(server))
        assert ours >= SLUGS, "without a platform they are ours"
        for slug in ours - SLUGS:
            # It is a market a moment before it is known to be one's mirror.
            wait_for(lambda: "mirrorOf" in server.call("GET", f"/markets/{slug}"))  # noqa: B023
            assert server.call("GET", f"/markets/{slug}")["mirrorOf"].startswith("sample:")
        path = "/markets?platform=sample&sort=closing&order=desc&limit=100"
        wait_for(lambda: len(server.call("GET", path)) > 20)
        listed = server.call("GET", path)
        assert all(market["question"].startswith("[Sample]") for market in listed)
        name = listed[0]["id"]
        assert server.call("GET", f"/markets/{name}/live")["asOf"]["stale"] is False
        assert server.call("GET", f"/markets/{name}/orderbook")["bids"]
        assert server.call("GET", f"/markets/{name}/history?interval=1m")
        assert server.call("GET", "/markets/search?q=tramlne")[0]["platform"] == "sample"
        wait_for(lambda: len(server.call("GET", f"/markets/{name}/snapshots")) > 1)
        [status] = server.call("GET", "/feed/status")
        assert (status["platform"], status["ok"]) == ("sample", True)
        assert f"{server.port}/api/v1/markets?platform=sample" in server.words()
        assert server.end() == 0
    finally:
        server.clean_up()
