"""A Redis between engine and gateways that does what it wants with what goes through it.

::

    engine --> Redis of the engine --> Wire, in the hands of somebody --> Redis of the gateways

And what a gateway showed meanwhile, judged afterwards by what the engine had shown.
"""

import asyncio
import contextlib
import random
import time
from collections.abc import AsyncIterator, Callable
from typing import Any

import httpx
import msgspec
from redis.asyncio import Redis

from persistence.journal.rows import JournalRow, encode_execution, join_payload
from persistence.relay.channel import Channel, new_stream
from persistence.relay.messages import Beat, Rows, decode, encode, make_client
from tests.faults.fleet import SLUG, Trading
from tests.server_process import ServerProcess

OLDEST_S = 3.0
"""What is shown as fresh is at most so old: 2.5 s and the time in which it is noticed."""
_MAC_BYTES = 32
NESTED = b"\x91" * 1_110 + b"\x90"

Hands = Callable[["Wire", bytes], None]
"""Is given each message of the engine, and puts what it likes on the wire."""


class Wire:
    """The way from one Redis to another; `hands` decides what goes over it."""

    def __init__(self, far: Redis, secret: bytes, seed: int) -> None:
        self.far = far
        self.secret = secret
        self.dice = random.Random(seed)
        self.hands: Hands = honest
        self.channel = ""
        self.heard: list[bytes] = []
        self.rows: list[JournalRow] = []
        self.beat: Beat | None = None
        self._queue: asyncio.PriorityQueue[tuple[float, int, bytes]] = asyncio.PriorityQueue()
        self._number = 0

    @property
    def is_idle(self) -> bool:
        """Whether everything that was put is published."""
        return self._queue.empty()

    def put(self, data: bytes, delay_s: float = 0.0) -> None:
        """Publish it to the gateways, now or later."""
        self._number += 1
        self._queue.put_nowait((time.monotonic() + delay_s, self._number, data))

    async def read(self, near: Redis) -> None:
        """Take what the engine publishes, for ever."""
        pubsub = near.pubsub(ignore_subscribe_messages=True)
        await pubsub.psubscribe("probity:*:executions")
        while True:
            found = await pubsub.get_message(timeout=1.0)
            if found is None:
                continue
            self.channel = found["channel"].decode()
            message = decode(found["data"][_MAC_BYTES:])
            if isinstance(message, Beat):
                self.beat = message
            else:
                self.rows = [*self.rows[-200:], *message.rows]
            self.heard = [*self.heard[-500:], found["data"]]
            self.hands(self, found["data"])

    async def write(self) -> None:
        """Publish what was put, when it is due, for ever."""
        while True:
            due, number, data = await self._queue.get()
            if (wait := due - time.monotonic()) > 0:
                self._queue.put_nowait((due, number, data))
                await asyncio.sleep(min(wait, 0.01))
                continue
            await self.far.publish(self.channel, data)


@contextlib.asynccontextmanager
async def wire(near_url: str, far_url: str, secret: bytes, seed: int) -> AsyncIterator[Wire]:
    """A wire between two servers that does as it should, at first."""
    near, far = make_client(near_url), make_client(far_url)
    made = Wire(far, secret, seed)
    tasks = [asyncio.create_task(made.read(near)), asyncio.create_task(made.write())]
    try:
        yield made
        assert not [task.exception() for task in tasks if task.done()]
    finally:
        while left := [task for task in tasks if not task.done()]:
            for task in left:
                task.cancel()
            await asyncio.wait(left, timeout=1)
        await near.aclose()
        await far.aclose()


def honest(on: Wire, data: bytes) -> None:
    """Do nothing to it."""
    on.put(data)


def forging(on: Wire, data: bytes) -> None:
    """Put rows beside it that fit the chain: next ones, far ones, under three kinds of seals."""
    on.put(data)
    if not on.rows or on.beat is None:
        return
    last, stranger = on.rows[-1], Channel(on.channel.split(":")[2], bytes(32))
    insider = Channel(on.channel.split(":")[2], on.secret)
    for seq in (last.last_seq + 1, last.last_seq + 10**9):
        row = forged(on.dice.choice(on.rows), last, seq)
        now = on.beat.said_at + 1_000_000
        own = Rows(on.beat.stream, now, seq, [row])
        theirs = msgspec.structs.replace(own, stream=new_stream(on.secret))
        beat = Beat(on.beat.stream, now, seq, seq, row.hash)
        on.put(encode(own))
        on.put(bytes(_MAC_BYTES) + encode(own))
        on.put(stranger.seal(own))
        on.put(stranger.seal(beat))
        # Whoever runs another engine of the same operator has the secret.
        on.put(insider.seal(theirs))


def forged(like: JournalRow, last: JournalRow, seq: int) -> JournalRow:
    """Return a row that follows on the last one, with the commands of an earlier one."""
    executions = [
        msgspec.structs.replace(execution, seq=seq + number)
        for number, execution in enumerate(like.executions())
    ]
    row = JournalRow(
        last.last_seq + 1,
        executions[-1].seq,
        last.epoch,
        last.at + 1,
        last.rules_version,
        join_payload([encode_execution(execution) for execution in executions]),
        last.hash,
        b"",
    )
    return msgspec.structs.replace(row, hash=row.expected_hash())


def garbling(on: Wire, data: bytes) -> None:
    """Change half of what comes, and put what nobody sent."""
    changed = bytearray(data)
    for _ in range(on.dice.choice([0, 0, 1, 3])):
        changed[on.dice.randrange(len(changed))] ^= 1 << on.dice.randrange(8)
    on.put(bytes(changed)[: on.dice.choice([len(changed), len(changed), 40])])
    for _ in range(20):
        on.put(on.dice.choice([b"", b"x", NESTED, on.dice.randbytes(60), data[_MAC_BYTES:]]))


def replaying(on: Wire, data: bytes) -> None:
    """Say old things again, in any order."""
    on.put(data)
    for _ in range(10):
        on.put(on.dice.choice(on.heard))


def delaying(on: Wire, data: bytes) -> None:
    """Hold each message up to six seconds, so that they come in another order."""
    on.put(data, on.dice.uniform(0.0, 6.0))


def late(on: Wire, data: bytes) -> None:
    """Hold every message for four seconds: the order is right, and each is old."""
    on.put(data, 4.0)


class Witness:
    """What the engine's book was at each seq, and what gateways showed and called fresh."""

    def __init__(self, trader: Trading, engine: ServerProcess) -> None:
        self._trader = trader
        self._path = f"{engine.url}/api/v1/markets/{SLUG}/orderbook"
        self._books: dict[int, Any] = {}
        self._seqs: list[tuple[float, int]] = []
        self._looks: list[tuple[float, str, Any]] = []
        self.stale = 0

    @property
    def fresh(self) -> int:
        """How many looks found what was called fresh."""
        return len(self._looks)

    async def trade(self) -> None:
        """Place orders and note the engine's book after each, for ever."""
        async with httpx.AsyncClient(timeout=30) as client:
            while True:
                await self._note(client)
                await self._trader.order()

    async def _note(self, client: httpx.AsyncClient) -> None:
        book = (await client.get(self._path)).json()["data"]
        self._books[book["seq"]] = book
        self._seqs.append((time.monotonic(), book["seq"]))

    async def look(self, client: httpx.AsyncClient, gateway: ServerProcess) -> None:
        """Look at a gateway's book, between two questions whether it is fresh."""
        began = time.monotonic()
        said = [await _is_stale(client, gateway)]
        answer = await client.get(f"{gateway.url}/api/v1/markets/{SLUG}/orderbook")
        said.append(await _is_stale(client, gateway))
        if any(said):
            self.stale += 1
        else:
            self._looks.append((began, gateway.url, answer.json()["data"]))

    async def last(self) -> None:
        """Note where the engine has ended up."""
        async with httpx.AsyncClient(timeout=30) as client:
            await self._note(client)

    def wrong(self) -> list[str]:
        """Return what was called fresh and was wrong, or older than it may be."""
        found = []
        for began, url, book in self._looks:
            least = max((seq for at, seq in self._seqs if at <= began - OLDEST_S), default=0)
            if book["seq"] < least:
                found.append(f"{url}: at {book['seq']}, {least} was {OLDEST_S} s old")
            elif self._books.get(book["seq"]) != book:
                found.append(f"{url}: another book at {book['seq']}")
        return found


async def _is_stale(client: httpx.AsyncClient, gateway: ServerProcess) -> bool:
    answer = await client.get(f"{gateway.url}/health")
    return bool(answer.json()["data"]["feed"]["stale"])
