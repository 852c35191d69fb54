"""Live markets of a venue at two real gateways over Redis, beside one engine.

Each gateway has one connection to the venue and asks for a market once, whoever reads it there; a
gateway that is killed takes nothing from the other's readers.
"""

import asyncio
from contextlib import AsyncExitStack
from typing import Final

from tests.faults.fleet import Fleet
from tests.gateway.feeds.live.stage import (
    BookReader,
    change_frame,
    flow_of_sample,
    market_id,
    subscriptions,
)
from tests.gateway.socket_client import SocketClient, socket_client
from tests.gateway.waiting import eventually
from tests.lengths import length
from tests.server_process import ServerProcess
from tests.venues.book_flow import BookFlow
from tests.venues.polymarket import PolymarketStandIn, sample_event, sample_market

STEPS: Final = length(60, long=2_000)
_TURN: Final = 20
"""Changes that are told before the loop is given back."""


def turned(side: dict[int, int]) -> dict[int, int]:
    return {10_000 - price: quantity for price, quantity in side.items()}


async def readers_at(
    stack: AsyncExitStack, gateway: ServerProcess, *outcomes: str
) -> list[BookReader]:
    """Readers of market 1 at a gateway, each over a socket of its own."""
    found = []
    for outcome in outcomes:
        client: SocketClient = await stack.enter_async_context(socket_client(gateway.port))
        await client.ok("subscribe:market", {"market": market_id(), "outcome": outcome})
        found.append(BookReader(client, outcome))
    return found


async def agree(readers: list[BookReader], flow: BookFlow) -> None:
    """Wait until every reader has the venue's book; each message's checksum is checked."""
    for reader in readers:
        bids, asks = flow.bids, flow.asks
        if reader.outcome == "NO":
            bids, asks = turned(asks), turned(bids)
        await reader.until(bids, asks)


async def move(venue: PolymarketStandIn, flow: BookFlow, count: int) -> None:
    """Have the venue tell everybody who listens of so many changes."""
    for number, step in enumerate(flow.steps(count)):
        await venue.socket.say(change_frame(step.levels, flow))
        if number % _TURN == 0:
            await asyncio.sleep(0.02)


async def test_two_gateways_show_the_same_live_market(fleet: Fleet) -> None:
    flow = flow_of_sample()
    rows = [sample_market(number) for number in (1, 2)]
    async with (
        PolymarketStandIn([sample_event(1, rows)]).running() as venue,
        AsyncExitStack() as stack,
    ):
        settings = {**venue.environment, "FEED_PLATFORMS": "polymarket"}
        # In a thread: the stand-in lives in this loop.
        first, second = await asyncio.to_thread(fleet.gateways, "one", "two", **settings)
        assert not venue.socket.live, "nobody follows yet"
        near = await readers_at(stack, first, "YES", "NO", "YES")
        far = await readers_at(stack, second, "YES", "NO")
        await agree([*near, *far], flow)
        assert len(venue.socket.live) == 2
        assert subscriptions(venue) == 2
        await move(venue, flow, STEPS)
        await agree([*near, *far], flow)
        assert all(reader.snapshots() == 1 for reader in (*near, *far)), "the rest were deltas"
        books = [
            await asyncio.to_thread(one.call, "GET", f"/markets/{market_id()}/orderbook")
            for one in (first, second)
        ]
        for name in ("bids", "asks", "checksum"):
            assert books[0][name] == books[1][name]
        assert all(book["seq"] > 0 and not book["asOf"]["stale"] for book in books)
        # Reading it over REST, and more readers, asked the venue for nothing.
        assert (len(venue.socket.live), subscriptions(venue)) == (2, 2)

        first.kill()
        await eventually(lambda: len(venue.socket.live) == 1)
        await move(venue, flow, STEPS)
        await agree(far, flow)
        assert all(reader.snapshots() == 1 for reader in far)
        for reader in far:
            await reader.client.ok("unsubscribe:market", {"market": market_id()})
        await eventually(lambda: not venue.socket.live)
