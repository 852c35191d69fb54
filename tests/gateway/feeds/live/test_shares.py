"""No reader has all of the places for other venues' markets, however many sockets it opens."""

from contextlib import AsyncExitStack
from typing import Any

import pytest

from gateway.feeds.live.following import READERS, Following
from tests.gateway.feeds.live.stage import Stage, market_id, open_stage, quicken
from tests.gateway.socket_client import SocketClient, socket_client
from tests.gateway.waiting import eventually

PLACES: dict[str, Any] = {
    "FEED_FOLLOWED_MARKETS": 6,
    "FEED_FOLLOWED_PER_USER": 2,
    "FEED_FOLLOWED_PER_ADDRESS": 4,
    "TRUSTED_PROXIES": "127.0.0.1",
}


async def client_of(
    stack: AsyncExitStack, stage: Stage, address: str, user: int | None = None
) -> SocketClient:
    """A socket from an address, signed in or not."""
    token = None if user is None else str(user)
    return await stack.enter_async_context(
        socket_client(stage.port, token, additional_headers={"X-Forwarded-For": address})
    )


def read(stage: Stage) -> set[str]:
    """The markets that anybody reads."""
    followed = stage.desk.parts.feeds.following.all().values()
    return {one.id for one in followed if READERS in one.holders}


async def follow(client: SocketClient, *numbers: int) -> None:
    for number in numbers:
        await client.ok("subscribe:market", {"market": market_id(number)})


async def refused(client: SocketClient, number: int) -> str:
    error = await client.refusal("subscribe:market", {"market": market_id(number)})
    assert error["code"] == "TOO_MANY_SUBSCRIPTIONS"
    message: str = error["message"]
    return message


async def test_nobody_takes_all_of_the_places(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    quicken(monkeypatch)
    async with open_stage(database_url, markets=9, **PLACES) as stage, AsyncExitStack() as stack:
        following: Following = stage.desk.parts.feeds.following
        one, again = [await client_of(stack, stage, "192.0.2.1", 1) for _ in range(2)]
        await follow(one, 1, 2)
        assert "user" in await refused(again, 3)
        # What one reads already is read by as many sockets as one likes, both outcomes.
        await follow(again, 2, 2, 1)
        other = await client_of(stack, stage, "192.0.2.1", 2)
        await follow(other, 3, 4)
        nobody = await client_of(stack, stage, "192.0.2.1")
        assert "address" in await refused(nobody, 5)
        await follow(nobody, 4)
        # From elsewhere there still are places, for the same user as few as before.
        assert "user" in await refused(await client_of(stack, stage, "198.51.100.7", 1), 5)
        far = await client_of(stack, stage, "198.51.100.7")
        await follow(far, 5, 6)
        assert len(following.all()) == 6
        figure = stage.desk.parts.metrics.registry.get_sample_value
        assert figure("feed_followed_markets", {"platform": "polymarket"}) == 6


async def test_what_was_left_may_be_taken_again(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    quicken(monkeypatch)
    async with open_stage(database_url, markets=9, **PLACES) as stage, AsyncExitStack() as stack:
        one = await client_of(stack, stage, "192.0.2.1", 1)
        await follow(one, 1, 2)
        yes = {"market": market_id(2), "outcome": "YES"}
        await one.ok("unsubscribe:market", yes)
        # Its other book is read still.
        await refused(one, 3)
        await one.ok("unsubscribe:market", {**yes, "outcome": "NO"})
        await follow(one, 3)
        again = await client_of(stack, stage, "192.0.2.1", 1)
        await follow(again, 3)
        await one.close()
        await eventually(lambda: read(stage) == {market_id(3)})
        # Who was nobody when it joined was counted to its address alone, and is so when it leaves.
        changed = await client_of(stack, stage, "192.0.2.1")
        await follow(changed, 7, 8)
        await changed.ok("session:authenticate", {"token": "1"})
        await follow(again, 4)
        await refused(again, 5)
        await changed.close()
        await again.ok("unsubscribe:market", {"market": market_id(4)})
        await follow(again, 5)
        await again.close()
        await eventually(lambda: not read(stage))
        # Nothing is left of all of them.
        last = await client_of(stack, stage, "192.0.2.1", 1)
        await follow(last, 8, 9)
