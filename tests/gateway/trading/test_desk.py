"""The desk: a command is on its way before anybody waits, and nobody who stops waiting stops it."""

import asyncio
from typing import Any, cast

import msgspec
import pytest

from exchange.messages.commands import CancelAll, CancelOrder, Command, PlaceOrder
from exchange.messages.terms import LIMIT, YES, Side
from exchange.model.order_book import Order
from gateway.engine_side.refusals import EngineRefused
from gateway.trading.desk import Desk
from gateway.trading.order_bodies import OrderBody
from gateway.wire.errors import UnknownOutcome
from persistence.loop.ports import Answer
from tests.gateway.engine_fake import EngineFake
from tests.gateway.trading_desk import Desk as TradingDesk

ANN = 2


class SlowPort:
    """Takes commands at once and answers when told to."""

    is_open = True

    def __init__(self, engine: EngineFake) -> None:
        self._engine = engine
        self.taken: list[tuple[Command, asyncio.Future[Answer]]] = []

    def submit(self, command: Command) -> asyncio.Future[Answer]:
        future: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        self.taken.append((command, future))
        return future

    async def answer_all(self) -> None:
        for command, future in self.taken:
            answer = await self._engine.submit(command)
            if not future.done():
                future.set_result(answer)


def body(price: bytes = b'"0.50"') -> OrderBody:
    return OrderBody(Side.BUY, YES, LIMIT, msgspec.Raw(price), msgspec.Raw(b'"1"'))


async def test_commands_are_taken_in_the_order_they_were_handed_in(desk: TradingDesk) -> None:
    port = SlowPort(desk.engine)
    ours = Desk(port, desk.engine.view, desk.engine.history)
    placed = ours.place(ANN, "rain", body())
    cancelled = ours.cancel(ANN, 1)
    everything = ours.cancel_all(ANN, "1")
    assert [type(command) for command, _ in port.taken] == [PlaceOrder, CancelOrder, CancelAll]
    await port.answer_all()
    assert (await placed.result()).order.id == "1"
    # It was not in the view when its cancel was handed in, and is read from the store.
    assert cancelled.look_up is not None
    assert (await cancelled.result()).order.status.value == "CANCELLED"
    assert (await everything.result()).cancelled == 0


async def test_who_stops_waiting_takes_nothing_back(desk: TradingDesk) -> None:
    port = SlowPort(desk.engine)
    sent = Desk(port, desk.engine.view, desk.engine.history).place(ANN, "rain", body())
    waiting = asyncio.ensure_future(sent.result())
    await asyncio.sleep(0)
    waiting.cancel()
    await asyncio.wait([waiting])
    await port.answer_all()
    assert list(desk.engine.view.orders) == [1]


async def test_no_such_market_takes_nothing(desk: TradingDesk) -> None:
    port = SlowPort(desk.engine)
    ours = Desk(port, desk.engine.view, desk.engine.history)
    for name in ("snow", "9", ""):
        with pytest.raises(EngineRefused, match="no such market"):
            ours.place(ANN, name, body())
        with pytest.raises(EngineRefused, match="no such market"):
            ours.cancel_all(ANN, name)
    assert port.taken == []


async def test_a_committed_cancel_whose_order_cannot_be_read_is_unknown(desk: TradingDesk) -> None:
    class Away:
        async def order(self, _order_id: int) -> Order | None:
            raise ConnectionResetError

    port = SlowPort(desk.engine)
    ours = Desk(port, desk.engine.view, cast("Any", Away()))
    ours.place(ANN, "rain", body())
    sent = ours.cancel(ANN, 1)
    await port.answer_all()
    with pytest.raises(UnknownOutcome):
        await sent.result()
