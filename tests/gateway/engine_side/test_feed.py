"""What a gateway tells of its feed: stale, live, under another engine, loaded anew."""

import io
import math
from typing import Any, cast

import pytest

from exchange.messages.commands import OpenAccount, PlaceOrder
from exchange.messages.terms import BUY, GTC, LIMIT, YES
from gateway.engine_side.readiness import ViewFeed
from gateway.engine_side.remote import NoEngine, RemoteFeed
from gateway.observability.logs import configure_logs
from gateway.observability.metrics import Metrics
from gateway.streaming.rooms import Rooms
from gateway.wire.failures import answer_of
from persistence.errors import EngineElsewhere
from tests.gateway.socket_client import BookModel, SocketClient, socket_client
from tests.gateway.socket_desk import EPOCH, SocketDesk, open_socket_desk
from tests.gateway.trading_desk import Desk, open_desk


class FollowerFake:
    """As much of a follower as is looked at."""

    def __init__(self, desk: SocketDesk) -> None:
        self.view = desk.engine.view
        self.is_fresh = True


def remote_feed(desk: SocketDesk) -> RemoteFeed:
    return RemoteFeed(desk.feed, desk.metrics, configure_logs("info", desk.log))


def books(client: SocketClient) -> list[dict[str, Any]]:
    return [m for m in client.heard("orderbook_update") if m["outcome"] == "YES"]


async def test_a_change_of_freshness_is_told_at_once() -> None:
    async with open_socket_desk() as desk, socket_client(desk.port) as client:
        remote, follower = remote_feed(desk), FollowerFake(desk)
        for is_fresh in (False, False, True):
            beats = len(client.heard("heartbeat"))
            changed = desk.feed.is_stale is is_fresh
            follower.is_fresh = is_fresh
            remote.look(cast("Any", follower))
            assert desk.metric("feed_stale") == (not is_fresh)
            if changed:
                await client.until(lambda: len(client.heard("heartbeat")) > beats)  # noqa: B023
                assert client.heard("heartbeat")[beats]["stale"] is not is_fresh
        assert desk.log.getvalue().count("the feed is stale") == 1
        assert desk.log.getvalue().count("the feed is live") == 1


async def test_another_engine_begins_every_book_with_a_snapshot() -> None:
    async with (
        open_socket_desk() as desk,
        socket_client(desk.port) as client,
        socket_client(desk.port, namespace="/ws") as late,
    ):
        await client.ok("subscribe:market", {"slug": "rain"})
        desk.engine.run(PlaceOrder(1, 1, BUY, YES, LIMIT, 5_000, 100, GTC))
        remote_feed(desk).on_epoch(EPOCH + 1, desk.engine.view)
        assert (await late.ok("subscribe:market", {"slug": "rain"}))["epoch"] == EPOCH + 1
        desk.engine.run(PlaceOrder(1, 1, BUY, YES, LIMIT, 5_100, 100, GTC))
        await client.until(lambda: len(books(client)) == 4)
        await late.until(lambda: len(books(late)) == 2)
        assert [(m["kind"], m["epoch"]) for m in books(client)] == [
            ("snapshot", EPOCH),
            ("delta", EPOCH),
            ("snapshot", EPOCH + 1),
            ("delta", EPOCH + 1),
        ]
        model = BookModel()
        for message in books(client):
            model.apply(message)
        assert model.levels() == ([(5_100, 100), (5_000, 100)], [])
        assert desk.metric("engine_epoch") == EPOCH + 1


async def test_a_view_that_was_loaded_anew_sends_everybody_away() -> None:
    async with open_socket_desk() as desk, socket_client(desk.port) as client:
        await client.ok("subscribe:market", {"slug": "rain"})
        remote_feed(desk).on_reload(EPOCH, desk.engine.view)
        await client.closed.wait()
        assert (client.close_code, client.close_reason) == (1012, "the feed was loaded anew")
        assert desk.metric("feed_reloads_total") == 1
        async with socket_client(desk.port) as again:
            await again.ok("subscribe:market", {"slug": "rain"})


def test_a_market_that_is_gone_is_left_alone() -> None:
    rooms = Rooms(EPOCH)
    rooms.markets[1] = cast("Any", None)
    rooms.begin_epoch(EPOCH + 1, {})
    assert rooms.epoch == EPOCH + 1


async def as_gateway(desk: Desk, *, is_stale: bool, silence_s: float) -> None:
    desk.feed.takes_commands, desk.feed.follows = False, True
    desk.feed.is_stale = is_stale
    desk.feed.silence_s = lambda: silence_s
    desk.engine.is_open = False


async def test_a_gateway_is_ready_while_it_hears_the_engine() -> None:
    async with open_desk() as desk:
        assert (await desk.client.get("/health")).json()["data"] == {"status": "ok"}
        await as_gateway(desk, is_stale=False, silence_s=0.25)
        assert (await desk.client.get("/ready")).status_code == 200
        found = (await desk.client.get("/health")).json()["data"]
        assert found == {
            "status": "ok",
            "feed": {"stale": False, "epoch": 7, "seq": desk.engine.view.seq, "silentMs": 250},
        }
        await as_gateway(desk, is_stale=True, silence_s=math.inf)
        answer = await desk.client.get("/ready")
        assert (answer.status_code, answer.json()["error"]["code"]) == (503, "UNAVAILABLE")
        found = (await desk.client.get("/health")).json()["data"]["feed"]
        assert (found["stale"], found["silentMs"]) == (True, None)


async def test_a_gateway_is_ready_first_when_it_reaches_the_engine() -> None:
    """It hears the engine over one line and sends over another, which is up a moment later."""
    async with open_desk() as desk:
        await as_gateway(desk, is_stale=False, silence_s=0.25)
        desk.feed.takes_commands = True
        answer = await desk.client.get("/ready")
        assert answer.status_code == 503
        assert answer.json()["error"]["message"] == "The engine takes no commands"
        desk.engine.is_open = True
        assert (await desk.client.get("/ready")).status_code == 200
        # What is cut for a moment then sends nobody elsewhere: the others' way is the same.
        desk.engine.is_open = False
        assert (await desk.client.get("/ready")).status_code == 200
        desk.feed.is_stale = True
        assert (await desk.client.get("/ready")).status_code == 503


def test_gaps_are_counted() -> None:
    metrics = Metrics()
    feed = ViewFeed(EPOCH, follows=True, is_stale=True)
    remote = RemoteFeed(feed, metrics, configure_logs("info", io.StringIO()))
    assert metrics.registry.get_sample_value("feed_stale") == 1
    remote.on_gap()
    assert metrics.registry.get_sample_value("feed_gaps_total") == 1
    assert not NoEngine().is_open


def test_an_engine_elsewhere_is_no_reason_to_try_again_here() -> None:
    with pytest.raises(EngineElsewhere) as refused:
        NoEngine().submit(OpenAccount(1, 0))
    answer = answer_of(refused.value)
    assert answer is not None
    assert (answer.status, answer.code, answer.headers) == (503, "READS_ONLY", ())
    assert "engine's own address" in answer.message
