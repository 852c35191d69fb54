"""What everybody is told of the exchange as a whole: over REST, and when its mode changes."""

from datetime import datetime
from importlib.metadata import version

import pytest

from exchange.engine import RULES_VERSION
from exchange.messages.commands import SetExchangeMode
from exchange.messages.limit_commands import BeginPostOnly
from exchange.messages.terms import ExchangeMode
from gateway.bootstrap.compose import SOCKET_MOUNTS
from persistence.clock import now_us
from tests.gateway.socket_client import socket_client
from tests.gateway.socket_desk import EPOCH, open_socket_desk
from tests.gateway.trading_desk import Desk


@pytest.mark.parametrize("mode", list(ExchangeMode))
async def test_the_status_says_what_is_taken(desk: Desk, mode: ExchangeMode) -> None:
    desk.run(SetExchangeMode(mode))
    status = await desk.get("/exchange/status")
    view = desk.engine.view
    assert status == {
        "mode": mode.value,
        "modeSince": status["modeSince"],
        "postOnlyUntil": None,
        "takesOrders": mode in (ExchangeMode.OPEN, ExchangeMode.POST_ONLY),
        "stale": False,
        "epoch": 7,
        "seq": view.seq,
        "updatedAt": status["updatedAt"],
        "versions": {"program": version("probity"), "api": "1.0.0", "rules": RULES_VERSION},
        "limits": status["limits"],
    }
    limits = status["limits"]
    assert (limits["priceMin"], limits["priceMax"]) == ("0.0001", "0.9999")
    assert (limits["openOrdersMax"], limits["clientOrderIdLengthMax"]) == (10_000, 64)
    assert (limits["betMin"], limits["betMax"]) == ("10.000000", "10000.000000")
    assert (limits["requestBodyBytesMax"], limits["socketFrameBytesMax"]) == (65_536, 32_768)
    assert [rate["name"] for rate in limits["rates"]] == ["anonymous", "read", "write", "cancel"]
    assert limits["rates"][3] == {"name": "cancel", "size": 20, "windowSeconds": 2}
    assert datetime.fromisoformat(status["updatedAt"]).timestamp() == view.now // 1_000 / 1_000


async def test_the_status_says_since_when_the_mode_is_what_it_is(desk: Desk) -> None:
    desk.engine.run(SetExchangeMode(ExchangeMode.HALTED))
    status = await desk.get("/exchange/status")
    since = datetime.fromisoformat(status["modeSince"])
    assert since.timestamp() == desk.engine.now // 1_000 / 1_000
    assert (status["mode"], status["postOnlyUntil"]) == ("halted", None)


async def test_the_status_says_how_long_takers_are_held_back(desk: Desk) -> None:
    desk.engine.run(BeginPostOnly(60))
    status = await desk.get("/exchange/status")
    assert (status["mode"], status["takesOrders"]) == ("post-only", True)
    until = datetime.fromisoformat(status["postOnlyUntil"])
    since = datetime.fromisoformat(status["modeSince"])
    assert (until - since).total_seconds() == 60
    refused = await desk.place("ann", "BUY YES 1 @ 0.50")
    assert refused.error["code"] == "EXCHANGE_POST_ONLY"
    await desk.rest("ann", "BUY YES 1 @ 0.50", postOnly=True)
    await desk.call("POST", "/admin/exchange/mode", "root", {"mode": "cancel-only"})
    assert (await desk.get("/exchange/status"))["postOnlyUntil"] is None


async def test_the_time_is_the_exchanges(desk: Desk) -> None:
    before = now_us() // 1_000
    told = await desk.get("/time")
    assert before <= told["milliseconds"] <= now_us() // 1_000
    assert datetime.fromisoformat(told["time"]).timestamp() == told["milliseconds"] / 1_000


async def test_a_client_is_told_all_that_it_needs_to_begin(desk: Desk) -> None:
    """What is told is true: the addresses answer, and orders take the fields that are named."""
    hello = await desk.get("/hello")
    status = await desk.get("/exchange/status")
    assert hello["status"] == status
    addresses = hello["addresses"]
    for name in ("docs", "openapi"):
        found = await desk.client.get(addresses[name])
        assert found.status_code == 200
    assert addresses["sockets"] == [f"/{mount}" for mount in SOCKET_MOUNTS]
    assert addresses["socketNamespaces"] == ["/", "/ws"]
    capabilities = hello["capabilities"]
    assert {"LIMIT", "MARKET"} <= set(capabilities["orderTypes"])
    assert {"GTC", "IOC", "FOK", "GTD"} <= set(capabilities["timesInForce"])
    document = (await desk.client.get(addresses["openapi"])).json()
    known = set(document["components"]["schemas"]["OrderBody"]["properties"])
    assert set(capabilities["orderFields"]) == known
    assert abs(hello["milliseconds"] - now_us() // 1_000) < 60_000
    for path in ("/hello", "/exchange/status", "/time"):
        reply = await desk.call("GET", f"{path}?x=1")
        assert (reply.status, reply.fields) == (400, ["x"])


async def test_everybody_hears_of_another_mode() -> None:
    async with (
        open_socket_desk() as desk,
        socket_client(desk.port, "1") as ann,
        socket_client(desk.port, namespace="/ws") as nobody,
    ):
        before = desk.metric("websocket_messages_total", direction="out")
        desk.engine.run(SetExchangeMode(ExchangeMode.CANCEL_ONLY))
        for client in (ann, nobody):
            await client.until(lambda client=client: client.heard("exchange_updated"))  # type: ignore[misc]
            (changed,) = client.heard("exchange_updated")
            assert (changed["mode"], changed["postOnlyUntil"]) == ("cancel-only", None)
            assert (changed["seq"], changed["epoch"]) == (desk.engine.view.seq, EPOCH)
        assert desk.metric("websocket_messages_total", direction="out") >= before + 2
