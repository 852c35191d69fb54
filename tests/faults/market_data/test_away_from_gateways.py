"""A reader of gateways who was away goes on at another one, without a snapshot, and gets each
public and each private message exactly once: what a reader heard who stayed.
"""

import asyncio
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Final

import pytest

from tests.faults.fleet import Fleet
from tests.faults.market_data.followers import SLUG
from tests.faults.market_data.test_away import reaches, told, trade
from tests.gateway.socket_client import BookModel, SocketClient, socket_client
from tests.gateway.streaming.test_account_sequence import MESSAGES
from tests.lengths import IS_LONG

MISSED: Final = 300 if not IS_LONG else 10_000
"""Public messages that are told while nobody of the reader's is there."""
_PAGE: Final = 50
Told = list[tuple[str, dict[str, Any]]]


@pytest.fixture
def fleet(tmp_path: Path, database_url: str) -> Iterator[Fleet]:
    """An engine whose traders are rich, with what follows from the journal."""
    with ExitStack() as stack:
        rich = {"STARTING_CREDITS": "10000000", "SOCKET_SEND_QUEUE_SIZE": "100000"}
        yield Fleet(tmp_path, database_url, stack, PROJECTOR="on", **rich)


def private(client: SocketClient, after: int) -> Told:
    """Return what a socket was told of its account behind a number."""
    return [
        (name, data)
        for name, data in client.events
        if name in MESSAGES and data["accountSeq"] > after
    ]


async def resumed(client: SocketClient, after: int) -> tuple[Told, int]:
    """Ask for what was missed, page by page; return it and how far it goes."""
    found: Told = []
    while True:
        page = await client.ok("session:resume", {"accountSeq": after, "limit": _PAGE})
        found += [(one["event"], one["data"]) for one in page["events"]]
        after = page["accountSeq"]
        if not page["hasMore"]:
            return found, after


def last_account_seq(client: SocketClient) -> int:
    return max((data["accountSeq"] for _, data in private(client, 0)), default=0)


@pytest.mark.slow
@pytest.mark.timeout(180)
async def test_who_was_away_goes_on_at_another_gateway(fleet: Fleet) -> None:
    one, other = await asyncio.to_thread(fleet.gateways, "one", "other")
    engine = fleet.engine
    tokens = [(await asyncio.to_thread(engine.trader))[1] for _ in range(2)]
    async with (
        socket_client(engine.port, tokens[0]) as ann,
        socket_client(engine.port, tokens[1]) as bob,
        socket_client(one.port, tokens[0]) as stays,
    ):
        models = {outcome: BookModel() for outcome in ("YES", "NO")}
        await stays.ok("subscribe:market", {"market": SLUG})
        async with socket_client(one.port, tokens[0]) as leaves:
            epoch = (await leaves.ok("subscribe:market", {"market": SLUG}))["epoch"]
            await trade([ann, bob], 40)
            after = await asyncio.to_thread(fleet.seq, engine)
            await reaches(leaves, after)
            for message in leaves.heard("orderbook_update"):
                models[message["outcome"]].apply(message)
            await leaves.ok("ping")
            account_seq = last_account_seq(leaves)
        assert account_seq > 0
        while sum(map(len, told(stays, after).values())) < MISSED:
            await trade([ann, bob], 100)
            await reaches(stays, await asyncio.to_thread(fleet.seq, engine))
        async with socket_client(other.port, tokens[0]) as back:
            place = {"market": SLUG, "afterSeq": after, "epoch": epoch}
            asked = asyncio.create_task(back.ok("subscribe:market", place))
            missing = asyncio.create_task(resumed(back, account_seq))
            await trade([ann, bob], 100)
            ack, (missed, until) = await asked, await missing
            assert ack["resumed"] is True
            await trade([ann, bob], 40)
            last = await asyncio.to_thread(fleet.seq, engine)
            for client in (back, stays):
                await reaches(client, last)
                await client.ok("ping")
            public(back, stays, after, models)
            for outcome, model in models.items():
                path = f"/markets/{SLUG}/orderbook?outcome={outcome}"
                book = await asyncio.to_thread(engine.call, "GET", path)
                assert (model.seq, model.checksum()) == (book["seq"], book["checksum"])
            # Live messages begin where the last page ends; what came meanwhile is in both.
            assert missed + private(back, until) == private(stays, account_seq)
            assert len(missed) > MISSED // 4
            beat = await asyncio.to_thread(
                engine.call, "GET", "/user/events?afterSeq=0&limit=1", tokens[0]
            )
            assert last_account_seq(back) == beat["currentSeq"]
            print(f"{len(missed)} private messages were missed")


def public(
    back: SocketClient, stays: SocketClient, after: int, models: dict[str, BookModel]
) -> None:
    """Compare what both were told of the market, and take it into the books."""
    heard, truth = told(back, 0), told(stays, after)
    assert heard["trades"] == truth["trades"]
    for outcome, model in models.items():
        for message in heard[outcome]:
            assert message["kind"] == "delta"
            model.apply(message)
        # A backlog isn't conflated, live messages of a reader who is slow may be.
        assert heard[outcome][0] == truth[outcome][0]
        assert heard[outcome][-1]["seq"] == truth[outcome][-1]["seq"]
