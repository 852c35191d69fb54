"""What the terminal weighs: the first load of the trade page, part by part, compressed."""

import json
from pathlib import Path
from typing import Any, Final

from gateway.site.terminal import DIST, is_built

BUDGET: Final = 120_000
"""Bytes that come over the wire until the trade page is whole, its chart's library included."""
BET_BUDGET: Final = 65_000
"""The same of the page of one bet."""
PARTS: Final = {
    "src/main.tsx": 45_000,
    "src/trade/TradePage.tsx": 45_000,
    "node_modules/uplot/dist/uPlot.esm.js": 25_000,
    "src/markets/MarketsPage.tsx": 25_000,
    "src/stocks/StocksPage.tsx": 16_000,
    "src/boards/BoardsPage.tsx": 8_000,
    "src/bets/BetPage.tsx": 12_000,
    "src/backtests/BacktestsPage.tsx": 18_000,
    "src/research/ResearchPage.tsx": 10_000,
    "src/rewards/RewardsPage.tsx": 12_000,
    # What is attached to an order, which is loaded by who opens it.
    "src/attached/AttachPart.tsx": 8_000,
    # The viewer of the reference, which nobody loads who doesn't look at it.
    "src/developers/viewer.ts": 380_000,
    "src/developers/DevelopersPage.tsx": 12_000,
}


def weight(file: str) -> int:
    """Return how many bytes a built file takes on the wire."""
    built = Path(str(DIST))
    compressed = built / f"{file}.br"
    return (compressed if compressed.exists() else built / file).stat().st_size


def needed(manifest: dict[str, Any], entry: str) -> set[str]:
    """Return every file that has to come before an entry can run."""
    part = manifest[entry]
    files = {part["file"], *part.get("css", [])}
    for other in part.get("imports", []):
        files |= needed(manifest, other)
    return files


def test_the_first_load_of_the_trade_page_is_small() -> None:
    assert is_built(), "the terminal isn't built: make web"
    manifest = json.loads(Path(str(DIST), "manifest.json").read_text("utf-8"))
    entries = ("index.html", "src/trade/TradePage.tsx", "node_modules/uplot/dist/uPlot.esm.js")
    files = {"index.html"}.union(*(needed(manifest, entry) for entry in entries))
    weights = {file: weight(file) for file in files}
    total = sum(weights.values())
    print(f"the trade page weighs {total} bytes", weights)
    assert total <= BUDGET
    assert not [file for file in files if "viewer" in file]


def test_a_question_to_bet_on_comes_quickly_to_a_phone() -> None:
    manifest = json.loads(Path(str(DIST), "manifest.json").read_text("utf-8"))
    files = {"index.html"}.union(
        *(needed(manifest, entry) for entry in ("index.html", "src/bets/BetPage.tsx"))
    )
    total = sum(map(weight, files))
    print(f"a question to bet on weighs {total} bytes")
    assert total <= BET_BUDGET


def test_each_part_keeps_its_budget() -> None:
    manifest = json.loads(Path(str(DIST), "manifest.json").read_text("utf-8"))
    for entry, most in PARTS.items():
        key = "index.html" if entry == "src/main.tsx" else entry
        part = manifest[key]
        weighs = sum(weight(file) for file in {part["file"], *part.get("css", [])})
        print(f"{entry} weighs {weighs} bytes")
        assert weighs <= most, entry


def test_licences_of_what_is_built_in_lie_beside_it() -> None:
    notices = Path(str(DIST), "notices.txt").read_text("utf-8")
    manifest = json.loads((Path(__file__).parents[3] / "web/package.json").read_text("utf-8"))
    for name in manifest["dependencies"]:
        assert f"== {name}: " in notices, name
