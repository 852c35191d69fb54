"""A reader of a real server that was away goes on without a snapshot, and gets each message exactly
once: byte for byte what a reader heard who stayed.
"""

import asyncio
from typing import Any, Final

import pytest

from tests.faults.conftest import MakeServer
from tests.faults.market_data.followers import SLUG
from tests.gateway.socket_client import BookModel, SocketClient, socket_client
from tests.lengths import IS_LONG
from tests.server_process import ServerProcess

MISSED: Final = 600 if not IS_LONG else 10_000
"""Messages that are told while nobody of the reader's is there."""
AT_ONCE: Final = 20


async def trade(traders: list[SocketClient], commands: int) -> None:
    """Place orders of which every second one trades; many in flight, as makers do."""
    for begin in range(0, commands, AT_ONCE):
        await asyncio.gather(
            *(
                traders[number % 2].ok("order:place", order(number))
                for number in range(begin, min(begin + AT_ONCE, commands))
            )
        )


def order(number: int) -> dict[str, Any]:
    outcome = ("YES", "NO")[number % 2]
    price = f"0.{40 + number % 7 if number % 2 else 50 + number % 11}"
    body = {"market": SLUG, "side": "BUY", "outcome": outcome, "type": "LIMIT"}
    return body | {"price": price, "quantity": str(1 + number % 9)}


def told(client: SocketClient, after: int) -> dict[str, list[Any]]:
    """Return what a socket was told of the seqs behind one, by what it is about."""
    found: dict[str, list[Any]] = {"YES": [], "NO": [], "trades": []}
    for name, data in client.events:
        if name == "trade_executed" and data["seq"] > after:
            found["trades"].append(data)
        elif name == "orderbook_update" and data["seq"] > after:
            found[data["outcome"]].append(data)
    return found


def seq_of(server: ServerProcess) -> int:
    seq: int = server.call("GET", f"/markets/{SLUG}")["seq"]
    return seq


async def reaches(client: SocketClient, seq: int) -> None:
    await client.until(
        lambda: any(n == "orderbook_update" and d["seq"] >= seq for n, d in client.events[-40:])
    )


@pytest.mark.slow
@pytest.mark.timeout(180)
async def test_who_was_away_gets_each_message_once(make_server: MakeServer) -> None:
    server = make_server(STARTING_CREDITS="10000000", SOCKET_SEND_QUEUE_SIZE="100000")
    await asyncio.to_thread(server.start)
    await asyncio.to_thread(server.market, SLUG)
    tokens = [(await asyncio.to_thread(server.trader))[1] for _ in range(2)]
    async with (
        socket_client(server.port, tokens[0]) as ann,
        socket_client(server.port, tokens[1]) as bob,
        socket_client(server.port) as stays,
    ):
        models = {outcome: BookModel() for outcome in ("YES", "NO")}
        await stays.ok("subscribe:market", {"market": SLUG})
        async with socket_client(server.port) as leaves:
            epoch = (await leaves.ok("subscribe:market", {"market": SLUG}))["epoch"]
            await trade([ann, bob], 50)
            after = await asyncio.to_thread(seq_of, server)
            await reaches(leaves, after)
            for message in leaves.heard("orderbook_update"):
                models[message["outcome"]].apply(message)
        while sum(map(len, told(stays, after).values())) < MISSED:
            await trade([ann, bob], 100)
            await reaches(stays, await asyncio.to_thread(seq_of, server))
        async with socket_client(server.port) as back:
            place = {"market": SLUG, "afterSeq": after, "epoch": epoch}
            asked = asyncio.create_task(back.ok("subscribe:market", place))
            await trade([ann, bob], 100)
            ack = await asked
            assert ack["resumed"] is True
            await trade([ann, bob], 50)
            last = await asyncio.to_thread(seq_of, server)
            for client in (back, stays):
                await reaches(client, last)
            await back.ok("ping")
            await stays.ok("ping")
            heard, truth = told(back, 0), told(stays, after)
            assert heard["trades"] == truth["trades"]
            for outcome, model in models.items():
                missed = [one for one in truth[outcome] if one["seq"] <= ack["seq"]]
                assert heard[outcome][: len(missed)] == missed
                for message in heard[outcome]:
                    assert message["kind"] == "delta"
                    model.apply(message)
                book = await asyncio.to_thread(
                    server.call, "GET", f"/markets/{SLUG}/orderbook?outcome={outcome}"
                )
                assert (model.seq, model.checksum()) == (book["seq"], book["checksum"])
            print(f"{sum(map(len, heard.values()))} messages from {after} on")
        # Another engine's epoch: what was told then is no place to go on from.
        async with socket_client(server.port) as other:
            ack = await other.ok("subscribe:market", place | {"epoch": epoch - 1})
            assert (ack["resumed"], ack["reason"]) == (False, "OTHER_EPOCH")
