"""The past over a real server: a book that was, and exports by HTTP and past the server, alike."""

import hashlib
import json
from pathlib import Path

import httpx
import psutil
import pytest

from tests.e2e.conftest import Person
from tests.server_process import ServerProcess, until


@pytest.fixture
def traded(server: ServerProcess, people: list[Person], slug: str) -> str:
    """A market with some trades, and orders that are left."""
    ann, bob, _ = people
    for number in range(6):
        ann.order(slug, "BUY", "YES", "0.40", "2")
        bob.order(slug, "BUY", "NO", "0.60", str(1 + number % 3))
    return slug


def exporting(server: ServerProcess) -> list[psutil.Process]:
    return [
        process
        for process in psutil.Process(server.pid).children(recursive=True)
        if "persistence.exports.process" in process.cmdline()
    ]


def test_a_book_of_the_past_is_the_one_that_was_shown(
    server: ServerProcess, people: list[Person], slug: str
) -> None:
    ann = people[0]
    shown = []
    for cents in range(30, 36):
        ann.order(slug, "BUY", "YES", f"0.{cents}", "1")
        shown.append(ann.data("GET", f"/markets/{slug}/orderbook"))
    for book in shown:
        past = ann.data("GET", f"/markets/{slug}/orderbook?atSeq={book['seq']}")
        assert past == past | {k: v for k, v in book.items() if k != "epoch"}
        assert past["at"]
    deltas = ann.data("GET", f"/markets/{slug}/orderbook/deltas")
    assert [delta["seq"] for delta in deltas] == list(range(1, shown[-1]["seq"] + 1))


async def test_an_export_by_http_and_past_the_server_are_the_same_bytes(
    server: ServerProcess, traded: str, tmp_path: Path
) -> None:
    async with httpx.AsyncClient(base_url=f"{server.url}/api/v1", timeout=60) as client:
        for kind in ("trades", "deltas", "orders"):
            answer = await client.get(f"/export/{kind}", params={"market": traded})
            assert answer.status_code == 200, answer.text
            assert answer.headers["content-type"].startswith("text/csv")
            assert f'filename="{traded}-{kind}.csv"' in answer.headers["content-disposition"]
            done = server.run("export", kind, "--market", traded, "--folder", str(tmp_path))
            assert done.returncode == 0, done.stderr
            manifest = json.loads((tmp_path / f"{traded}-{kind}.csv.manifest.json").read_text())
            assert manifest["rows"] == answer.text.count("\n") - 1 > 0
            assert manifest["sha256"] == hashlib.sha256(answer.content).hexdigest()
            by_http = await client.get(
                f"/export/{kind}", params={"market": traded, "manifest": "true"}
            )
            assert by_http.json() == manifest | {"asOfSeq": int(by_http.headers["x-as-of-seq"])}
        refused = await client.get("/export/trades?market=none")
        assert (refused.status_code, refused.json()["error"]["code"]) == (404, "MARKET_NOT_FOUND")
    await until(lambda: not exporting(server))
