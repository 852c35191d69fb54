"""A real server whose journal is moved to files while it trades: what it tells of the past stays
the same byte for byte, over a kill of whoever moves and of the server; without the files it says
so, and trades on.
"""

import asyncio
import itertools
import subprocess
import threading
import time
from pathlib import Path
from typing import Any

import httpx
import pytest

from persistence.postgres.database import Connection, connect
from tests.faults.conftest import MakeServer
from tests.persistence.running import cancel, running
from tests.server_process import PROBITY, ServerProcess, until

SLUG, ELSEWHERE = "rain", "snow"
NOBODY = 999_999
ORDER = {"side": "BUY", "outcome": "YES", "type": "LIMIT", "quantity": "5"}


class Trading(threading.Thread):
    """Somebody who goes on trading in another market; each order has to be taken."""

    def __init__(self, server: ServerProcess, token: str) -> None:
        super().__init__(daemon=True)
        self._headers = {"authorization": f"Bearer {token}"}
        self._url = f"{server.url}/api/v1/orders/{ELSEWHERE}"
        self._ends = threading.Event()
        self.answers: list[int] = []

    def run(self) -> None:
        with httpx.Client(headers=self._headers, timeout=30) as client:
            while not self._ends.is_set():
                order = {**ORDER, "price": "0.01", "quantity": "1"}
                self.answers.append(client.post(self._url, json=order).status_code)

    def end(self) -> None:
        self._ends.set()
        self.join()
        assert len(self.answers) > 3
        assert set(self.answers) == {201}


class Past:
    """A market with a past, and everything that is told of it."""

    def __init__(self, server: ServerProcess) -> None:
        self.server = server
        # One for all: to make one costs more than a request.
        self._client = httpx.Client(base_url=f"{server.url}/api/v1", timeout=60)
        server.market(SLUG)
        server.market(ELSEWHERE)
        (_, self.ann), (_, self.bob) = server.trader("ann"), server.trader("bob")
        self.orders: list[str] = []
        self.seqs: list[int] = []

    def close(self) -> None:
        self._client.close()

    def call(self, method: str, path: str, token: str, body: object = None) -> Any:
        headers = {"authorization": f"Bearer {token}"} if token else {}
        answer = self._client.request(method, path, headers=headers, json=body)
        assert answer.is_success, f"{method} {path}: {answer.text}"
        return answer.json()["data"]

    def place(self, token: str, **changes: Any) -> str:
        placed = self.call("POST", f"/orders/{SLUG}", token, {**ORDER, **changes})
        order: str = placed["order"]["id"]
        return order

    def make(self, rounds: int) -> None:
        """Orders that rest, trade, are amended and cancelled, in batches of their own."""
        for number in range(rounds):
            price = f"0.{40 + number % 9}"
            order = self.place(self.ann, price=price, clientOrderId=f"{len(self.orders)}-{number}")
            path = f"/orders/{order}"
            self.call("PATCH", path, self.ann, {"quantity": "4"})
            self.place(self.bob, price=f"0.{60 - number % 9}", outcome="NO", quantity="1")
            if number % 3 == 0:
                self.call("DELETE", path, self.ann)
            self.orders.append(order)
            book = self.call("GET", f"/markets/{SLUG}/orderbook", "")
            self.seqs.append(book["seq"])

    def amend_first(self, quantity: str) -> None:
        """Give an order that was placed long ago something younger."""
        self.call("PATCH", f"/orders/{self.orders[1]}", self.ann, {"quantity": quantity})

    def _told(self, path: str, token: str = "") -> Any:
        headers = {"authorization": f"Bearer {token}"} if token else {}
        answer = self._client.get(path, headers=headers)
        assert answer.status_code == 200, f"{path}: {answer.text}"
        if "json" not in answer.headers["content-type"]:
            return answer.content
        told = answer.json()
        for name in ("timestamp", "requestId", "asOfSeq"):
            told["meta"].pop(name, None)
        # That of the book is the engine's now, not of then.
        epoch = b'"epoch":%d,' % told["data"]["epoch"] if "epoch" in told["data"] else b""
        return told["meta"], answer.content[: answer.content.rindex(b'"meta"')].replace(epoch, b"")

    def told(self) -> dict[str, Any]:
        """Everything that needs the journal."""
        some = self.seqs[:: max(1, len(self.seqs) // 6)]
        public = [f"/markets/{SLUG}/orderbook?atSeq={seq}" for seq in some]
        public += [f"/markets/{SLUG}/lifecycle", f"/markets/{SLUG}/trades"]
        public += [f"/markets/{SLUG}/candles?interval=1m"]
        public += [f"/export/{kind}?market={SLUG}" for kind in ("deltas", "orders")]
        own = [f"/orders/{order}/events" for order in self.orders[:2] + self.orders[-1:]]
        own += ["/user/events?afterSeq=0", "/user/ledger", "/user/fills"]
        told = {path: self._told(path) for path in public}
        told |= {path: self._told(path, self.ann) for path in own}
        again = {**ORDER, "price": "0.40", "clientOrderId": "0-0"}
        first = self.call("POST", f"/orders/{SLUG}", self.ann, again)
        assert first["replayed"]
        return {**told, "first answer": first}


def killed_move(server: ServerProcess, folder: Path) -> None:
    """Begin to move, and kill that as soon as something is in the folder."""
    process = subprocess.Popen(
        [PROBITY, "journal", "move", "--days", "0"],
        env=server.environment,
        cwd=server.data_dir.parent,
        stdin=subprocess.DEVNULL,
    )
    ends_at = time.monotonic() + 60
    while not (folder.is_dir() and any(folder.iterdir())) and time.monotonic() < ends_at:
        time.sleep(0.000_5)
    process.kill()
    process.wait()


async def is_projected(connection: Connection, last: int) -> None:
    """Wait until the projector has followed so far."""
    async with asyncio.timeout(60):
        for _ in itertools.count():
            if await connection.fetchval("SELECT last_seq FROM projection_state") >= last:
                return
            await asyncio.sleep(0.05)


@pytest.mark.timeout(400)
async def test_the_past_is_the_same_wherever_it_lies(
    make_server: MakeServer, database_url: str, request: pytest.FixtureRequest
) -> None:
    server = make_server(DATABASE_URL=database_url, PROJECTOR="on")
    folder = server.data_dir / "journal"
    await asyncio.to_thread(server.start)
    past = Past(server)
    request.addfinalizer(past.close)
    past.make(8)
    assert server.run("journal", "move", "--days", "0").stdout == "Nothing to move\n"
    assert server.end() == 0
    # So that what was placed lies behind what has to stay in the table, and some of it doesn't.
    async with running(database_url) as engine:
        for _ in range(10):
            await engine.send_all(*[cancel(NOBODY, 1)] * 2_020)
    await asyncio.to_thread(server.start)
    past.amend_first("3")
    past.make(3)
    past.amend_first("2")
    connection = await connect(database_url)
    last = await connection.fetchval("SELECT last_seq FROM engine_state")
    assert last > 20_000
    await is_projected(connection, last)
    before = past.told()
    trading = Trading(server, past.bob)
    trading.start()
    await until(lambda: len(trading.answers) > 3)
    await asyncio.to_thread(killed_move, server, folder)
    trading.end()
    server.kill()
    await asyncio.to_thread(server.start)
    assert past.told() == before
    trading = Trading(server, past.bob)
    trading.start()
    done = await asyncio.to_thread(server.run, "journal", "move", "--days", "0")
    trading.end()
    assert done.returncode == 0, done.stderr
    moved = await connection.fetch("SELECT * FROM journal_segments ORDER BY first_seq")
    await connection.close()
    assert moved[-1]["last_seq"] > 40
    assert sorted(row["file"] for row in moved) == sorted(
        path.name for path in folder.glob("*.segment")
    )
    assert past.told() == before
    verified = server.run("verify")
    assert verified.returncode == 0, verified.stdout
    assert f"{moved[-1]['last_seq']} of them in {len(moved)} files" in verified.stdout
    without_files(past, folder, moved[0]["file"])


def without_files(past: Past, folder: Path, file: str) -> None:
    """Take the folder away: the past is refused with the reason, all else goes on."""
    server = past.server
    gone = folder.with_name("elsewhere")
    folder.rename(gone)
    answer = httpx.get(f"{server.url}/api/v1/markets/{SLUG}/orderbook?atSeq={past.seqs[1]}")
    assert answer.status_code == 503
    assert file in answer.json()["error"]["message"]
    exported = httpx.get(f"{server.url}/api/v1/export/deltas?market={SLUG}", timeout=30)
    assert exported.status_code == 503
    assert "old part of the journal" in exported.json()["error"]["message"]
    past.place(past.ann, price="0.10")
    verified = server.run("verify")
    assert verified.returncode == 1
    assert file in verified.stdout
    refused = server.run("journal", "move", "--days", "0")
    assert refused.returncode == 1
    assert "JOURNAL_FOLDER" in refused.stderr
    gone.rename(folder)
    assert server.run("verify").returncode == 0
