"""What everybody is told of the exchange as a whole: over REST, and when its mode changes."""

from datetime import datetime

import pytest

from exchange.messages.commands import SetExchangeMode
from exchange.messages.terms import ExchangeMode
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
        "takesOrders": mode in (ExchangeMode.OPEN, ExchangeMode.POST_ONLY),
        "stale": False,
        "epoch": 7,
        "seq": view.seq,
        "updatedAt": status["updatedAt"],
    }
    assert datetime.fromisoformat(status["updatedAt"]).timestamp() == view.now // 1_000 / 1_000


async def test_the_time_is_the_exchanges(desk: Desk) -> None:
    before = now_us() // 1_000
    told = await desk.get("/time")
    assert before <= told["milliseconds"] <= now_us() // 1_000
    assert datetime.fromisoformat(told["time"]).timestamp() == told["milliseconds"] / 1_000


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
            assert changed["mode"] == "cancel-only"
            assert (changed["seq"], changed["epoch"]) == (desk.engine.view.seq, EPOCH)
        assert desk.metric("websocket_messages_total", direction="out") >= before + 2
