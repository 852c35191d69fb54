"""Private messages that resume: over REST and sockets, whoever is killed between them; and the
example program that keeps each of them once (docs/examples/private_stream.py).
"""

import asyncio
import contextlib
import json
import os
import random
import re
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest

from tests.faults.bots.sample_bots import EXAMPLES
from tests.faults.conftest import MakeServer
from tests.faults.market_data.test_candles import projectors
from tests.gateway.socket_client import SocketClient, socket_client
from tests.gateway.streaming.test_account_sequence import MESSAGES
from tests.lengths import length
from tests.server_process import ADMIN_PASSWORD, ServerProcess, until

SLUG = "rain"
Told = list[tuple[str, Any]]


class Trader:
    """Somebody whose messages are kept live as long as nothing ends."""

    def __init__(self, server: ServerProcess, name: str) -> None:
        self.server = server
        self.email = f"{name}@example.com"
        self.id, self.token = server.trader(name)
        self._client = httpx.Client(
            base_url=f"{server.url}/api/v1",
            headers={"authorization": f"Bearer {self.token}"},
            timeout=30,
        )
        self.heard: Told = []

    def get(self, path: str) -> httpx.Response:
        return self._client.get(path)

    def quote(self, operations: list[dict[str, Any]]) -> None:
        self._client.post("/orders/batch", json={"operations": operations})

    def cancel_all(self) -> None:
        self._client.delete(f"/orders?market={SLUG}")

    def close(self) -> None:
        self._client.close()

    @property
    def account_seq(self) -> int:
        return int(self.get("/user/balance").raise_for_status().json()["meta"]["accountSeq"])

    @contextlib.asynccontextmanager
    async def listening(self) -> AsyncIterator[SocketClient]:
        """Keep what comes live."""
        async with socket_client(self.server.port, self.token) as client:
            try:
                yield client
            finally:
                self.heard += [one for one in client.events if one[0] in MESSAGES]

    def over_rest(self, after: int, limit: int) -> Told:
        """Page by page from a number on, to the end."""
        told: Told = []
        while True:
            answer = self.get(f"/user/events?afterSeq={after}&limit={limit}")
            page = answer.raise_for_status().json()["data"]
            told += [(one["event"], one["data"]) for one in page["events"]]
            assert page["accountSeq"] >= after
            after = page["accountSeq"]
            if not page["hasMore"]:
                assert after == page["currentSeq"]
                return told

    async def over_a_socket(self, after: int, limit: int) -> Told:
        """The same by `session:resume`."""
        told: Told = []
        async with socket_client(self.server.port, self.token) as client:
            while True:
                page = await client.ok("session:resume", {"accountSeq": after, "limit": limit})
                told += [(one["event"], one["data"]) for one in page["events"]]
                after = page["accountSeq"]
                if not page["hasMore"]:
                    return told


Meet = Callable[[ServerProcess], list[Trader]]


@pytest.fixture
def meet() -> Iterator[Meet]:
    """Let Ann and Ben register at a server."""
    with contextlib.ExitStack() as stack:

        def both(server: ServerProcess) -> list[Trader]:
            traders = [Trader(server, "ann"), Trader(server, "ben")]
            for trader in traders:
                stack.callback(trader.close)
            return traders

        yield both


def quotes(rng: random.Random, most: int) -> list[dict[str, Any]]:
    """Some operations of a batch that may trade with anybody's."""
    return [
        {
            "op": "place",
            "market": SLUG,
            "side": "BUY",
            "outcome": rng.choice(["YES", "NO"]),
            "type": "LIMIT",
            "price": f"0.{rng.randint(40, 60)}",
            "quantity": str(rng.randint(1, 4)),
            "selfTradePrevention": "CANCEL_MAKER",
        }
        for _ in range(rng.randint(1, most))
    ]


def trade(traders: list[Trader], rng: random.Random, rounds: int, most: int = 6) -> None:
    """Let everybody quote, and take some of it back; ends where a server doesn't answer."""
    for _ in range(rounds):
        trader = rng.choice(traders)
        with contextlib.suppress(httpx.TransportError):
            trader.quote(quotes(rng, most))
            if rng.random() < 0.2:
                trader.cancel_all()


def check_dense(told: Told, first: int, last: int) -> None:
    numbers = [data["accountSeq"] for event, data in told if event != "order_filled"]
    assert numbers == list(range(first, last + 1))


@pytest.mark.timeout(300)
async def test_nobody_misses_a_message_whoever_is_killed(
    make_server: MakeServer, meet: Meet
) -> None:
    seed = int(os.environ.get("PROBITY_SEED", "20261136"))
    print(f"seed {seed}")
    rng = random.Random(seed)
    server = make_server(PROJECTOR="on", JWT_ACCESS_EXPIRES_IN="2h", PAGE_SIZE_MAX="500")
    server.start()
    server.market(SLUG)
    traders = meet(server)
    ann = traders[0]
    for number in range(length(3, long=60)):
        async with ann.listening() as client:
            # What was told before she listened, while nobody trades, is read once.
            begin = ann.account_seq
            ann.heard += await ann.over_a_socket(len_of(ann.heard), 200)
            check_dense(ann.heard, 1, begin)
            await asyncio.to_thread(trade, traders, rng, 40)
            last = ann.account_seq
            await heard_to(client, last)
        check_dense(ann.heard, 1, last)
        after = rng.randint(0, last)
        expected = [one for one in ann.heard if one[1]["accountSeq"] > after]
        assert await asyncio.to_thread(ann.over_rest, after, rng.randint(50, 500)) == expected
        assert await ann.over_a_socket(after, rng.randint(50, 500)) == expected
        # Under fire: the projector, then the server itself.
        if number % 2:
            for one in projectors(server):
                one.kill()
        firing = asyncio.create_task(asyncio.to_thread(trade, traders, rng, 30))
        await asyncio.sleep(rng.random() * 0.5)
        server.kill()
        await firing
        server.start()
    told = await asyncio.to_thread(ann.over_rest, 0, 500)
    last = ann.account_seq
    check_dense(told, 1, last)
    assert told[: len(ann.heard)] == ann.heard
    print(f"{last} numbers, {len_of(ann.heard)} of them before the last kill")
    balances = [data for name, data in told if name == "balance_updated"]
    balance = ann.get("/user/balance").json()["data"]
    assert {name: balances[-1][name] for name in balance} == balance
    assert {name for name, _ in told} == MESSAGES
    # What is others' is nobody else's to see.
    theirs = await asyncio.to_thread(traders[1].over_rest, 0, 500)
    assert order_ids(told) & order_ids(theirs) == set()
    assert server.end() == 0


async def heard_to(client: SocketClient, last: int) -> None:
    """Wait until a number was told."""
    await client.until(
        lambda: last in [data["accountSeq"] for name, data in client.events if name in MESSAGES]
    )


def order_ids(told: Told) -> set[str]:
    names = {"order_placed", "order_updated", "order_cancelled"}
    return {data["id"] for name, data in told if name in names}


def len_of(told: Told) -> int:
    """The last number in it."""
    return told[-1][1]["accountSeq"] if told else 0


@pytest.mark.timeout(300)
async def test_ten_thousand_messages_away(make_server: MakeServer, meet: Meet) -> None:
    """Everything is told again without a snapshot, each message once, though nothing is kept."""
    server = make_server(PROJECTOR="on", JWT_ACCESS_EXPIRES_IN="2h")
    server.start()
    server.market(SLUG)
    traders = meet(server)
    ann, rng = traders[0], random.Random(5)
    away_from = ann.account_seq
    wanted = length(3_000, long=10_000)
    async with ann.listening() as client:
        while ann.account_seq < away_from + wanted:
            await asyncio.to_thread(trade, traders, rng, 20, 50)
        last = ann.account_seq
        await heard_to(client, last)
    began = time.monotonic()
    told = await ann.over_a_socket(away_from, 200)
    took = time.monotonic() - began
    check_dense(told, away_from + 1, last)
    assert told == ann.heard
    pages = -(-(last - away_from) // 200)
    print(f"{last - away_from} numbers, {len(told)} messages in {pages} pages, {took:.1f} s")
    assert server.end() == 0


class Keeper:
    """The example as a process."""

    def __init__(self, trader: Trader, folder: Path) -> None:
        self._trader = trader
        self.file = folder / "messages.jsonl"
        self._log = (folder / "keeper.log").open("ab")
        self.process = self.start()

    def start(self) -> "subprocess.Popen[bytes]":
        environment = {**os.environ, "EMAIL": self._trader.email, "PASSWORD": ADMIN_PASSWORD}
        command = [sys.executable, str(EXAMPLES / "private_stream.py")]
        self.process = subprocess.Popen(
            [*command, self._trader.server.url, str(self.file)], env=environment, stderr=self._log
        )
        return self.process

    def kept(self) -> Told:
        if not self.file.exists():
            return []
        lines = [
            line for line in self.file.read_text().splitlines(keepends=True) if line[-1] == "\n"
        ]
        found = [json.loads(line) for line in lines]
        return [(one["event"], one["data"]) for one in found]

    def close(self) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        self._log.close()


def test_the_document_shows_the_example() -> None:
    document = (EXAMPLES.parent / "market-data.md").read_text("utf-8")
    _, _, section = document.partition("## Private streams that resume")
    (shown,) = re.findall(r"^```python\n(.*?)^```$", section, re.DOTALL | re.MULTILINE)
    assert textwrap.indent(shown, "    ") in (EXAMPLES / "private_stream.py").read_text("utf-8")


@pytest.mark.timeout(300)
async def test_the_example_keeps_each_message_once(
    make_server: MakeServer, meet: Meet, tmp_path: Path
) -> None:
    server = make_server(PROJECTOR="on", JWT_ACCESS_EXPIRES_IN="2h")
    server.start()
    server.market(SLUG)
    traders = meet(server)
    ann, rng = traders[0], random.Random(6)
    keeper = Keeper(ann, tmp_path)
    try:
        for number in range(length(3, long=30)):
            await asyncio.to_thread(trade, traders, rng, 15)
            firing = asyncio.create_task(asyncio.to_thread(trade, traders, rng, 20))
            await asyncio.sleep(rng.random() * 0.4)
            if number % 2:
                server.kill()
                await firing
                server.start()
            else:
                keeper.process.kill()
                keeper.process.wait()
                await firing
                keeper.start()
        last = ann.account_seq
        await until(lambda: len_of(keeper.kept()) == last, 30)
        # What was begun just now has nothing to catch up with: it listens when it keeps something.
        await asyncio.to_thread(trade, traders, rng, 5)
        last = ann.account_seq
        await until(lambda: len_of(keeper.kept()) == last, 30)
        told = await asyncio.to_thread(ann.over_rest, 0, 200)
        assert keeper.kept() == told
        check_dense(told, 1, last)
        keeper.process.send_signal(signal.SIGTERM)
        await until(lambda: keeper.process.poll() is not None)
        assert keeper.process.returncode == 0
    finally:
        keeper.close()
    assert server.end() == 0
    assert not [p for p in psutil.Process().children() if p.pid == keeper.process.pid]
